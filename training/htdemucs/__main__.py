"""Train the Demucs starter.

    python -m training.htdemucs prepare --songs songs.zip --mir1k mir1k --work FOLDER
    python -m training.htdemucs train --work FOLDER --steps 4000
    python -m training.htdemucs export --work FOLDER --out backends/starters/htdemucs-starter.safetensors

Training goes on from its last checkpoint, which holds everything; with more `--steps` than before the rate rises again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from backends.shared.allocator import reused_memory
from training.htdemucs.recipe import STAGE, Separation, export
from training.htdemucs.store import Sounds, prepare
from training.loop import Loop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("prepare", "train", "export"))
    parser.add_argument("--work", type=Path, required=True, help="a folder for the store, checkpoints and the log")
    parser.add_argument("--songs", type=Path, help="songs.zip")
    parser.add_argument("--mir1k", type=Path, help="the folder of MIR-1K's clips")
    parser.add_argument("--out", type=Path, help="the file of weights")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    if given.what == "prepare":
        prepare(given.songs, given.mir1k, given.work / "store")
    elif given.what == "export":
        export(given.work, given.out)
    else:
        with reused_memory():
            Loop(Separation(Sounds(given.work / "store")), given.work, STAGE, given.steps).run_until_stopped()


if __name__ == "__main__":
    main()
