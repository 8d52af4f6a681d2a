"""Train the MODNet starter.

    python -m training.modnet prepare --archive people.zip --selfie selfie_segmentation.onnx --work FOLDER
    python -m training.modnet semantic --work FOLDER --steps 1400
    python -m training.modnet whole --work FOLDER --steps 1100
    python -m training.modnet.export --work FOLDER --out modnet-starter.safetensors

Each stage goes on from its last checkpoint. `semantic` starts from the encoder that ships with the CLIP starter,
`whole` from the averaged weights of `semantic`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import torch
from torch import Tensor

from backends.fewshot.cards import CARDS
from backends.weights.store import WeightStore
from training.loop import Loop, averaged_weights
from training.modnet.people import People, prepare
from training.modnet.recipe import SEMANTIC, STAGES, WHOLE, Matting, published_encoder


def beginning(stage: str, work: Path) -> dict[str, Tensor]:
    """The weights that `stage` starts from."""
    if stage == WHOLE:
        return averaged_weights(work / f"{SEMANTIC}.pt")
    card = next(card for card in CARDS if card.id == "efficientnet-lite0")
    encoder = published_encoder(WeightStore().paths(card)[0])
    return {f"backbone.{name}": value for name, value in encoder.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("prepare", *STAGES))
    parser.add_argument("--work", type=Path, required=True, help="a folder for the store, checkpoints and the log")
    parser.add_argument("--archive", type=Path, help="people.zip")
    parser.add_argument("--selfie", type=Path, help="the selfie network")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    cv2.setNumThreads(given.threads)
    torch.manual_seed(0)
    if given.what == "prepare":
        prepare(given.archive, given.selfie, given.work / "store")
        return
    start = None if (given.work / f"{given.what}.pt").exists() else beginning(given.what, given.work)
    recipe = Matting(STAGES[given.what], People(given.work / "store"), start)
    Loop(recipe, given.work, given.what, given.steps).run_until_stopped()


if __name__ == "__main__":
    main()
