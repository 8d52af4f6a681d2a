"""Train the CLIP starter: `python -m training.clip --data FOLDER --work FOLDER [--steps N]`.

A training that was stopped goes on from its last checkpoint. `python -m training.clip.closed_form` finishes it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training.clip.recipe import STAGE, Clip, Pictures
from training.loop import Loop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with pictures.zip")
    parser.add_argument("--work", type=Path, required=True, help="where checkpoints and logs go")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    wanted.work.mkdir(parents=True, exist_ok=True)
    recipe = Clip(Pictures.read(wanted.data, wanted.work), wanted.work / "model", wanted.seed)
    Loop(recipe, wanted.work, STAGE, wanted.steps).run_until_stopped()


if __name__ == "__main__":
    main()
