"""Train one of the small networks.

    python -m training.generative NAME --work FOLDER [--steps N] [--until N]
    python -m training.generative export --work FOLDER --out backends/starters/generative
    python -m training.generative film --work FOLDER --out viz/how/shipped
    python -m training.generative sounds --out viz/how/shipped

Each goes on from its last checkpoint. The GANs are watched by the judge of their world, the one in FOLDER or else the
one that ships. `film` and `sounds` write what the page shows beside the networks.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training.generative.stages import STAGES, export, export_film, export_sounds, recipe_of
from training.loop import Loop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=(*STAGES, "export", "film", "sounds"))
    parser.add_argument("--work", type=Path, help="a folder for checkpoints and logs")
    parser.add_argument("--out", type=Path, help="where the weights, the film or the sounds go")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--until", type=int, help="a step at which to end, before those that the schedule is made for")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.what == "sounds":
        export_sounds(given.out)
        return
    if given.work is None:
        parser.error("say where checkpoints and logs go: --work FOLDER")
    if given.what in ("export", "film"):
        (export if given.what == "export" else export_film)(given.work, given.out)
        return
    steps = given.steps or STAGES[given.what].steps
    Loop(recipe_of(given.what, given.work), given.work, given.what, steps, until=given.until).run_until_stopped()


if __name__ == "__main__":
    main()
