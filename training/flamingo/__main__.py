"""Train the Flamingo starter: `python -m training.flamingo --work FOLDER [--steps N]`.

A training that was stopped goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training.flamingo.recipe import STAGE, Flamingo, export
from training.loop import Loop, averaged_weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="where pictures, checkpoints and logs go")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--export", type=Path, help="write what was learned so far into this folder, and train no more")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.export:
        export(averaged_weights(given.work / f"{STAGE}.pt"), given.export, given.seed)
        return
    Loop(Flamingo(given.work, given.seed), given.work, STAGE, given.steps).run_until_stopped()


if __name__ == "__main__":
    main()
