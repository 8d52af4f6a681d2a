"""The weights that ship: `python -m training.modnet.export --work FOLDER --out modnet-starter.safetensors`."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from backends.matting.engines.modnet_weights import SCALE, both_encoders
from training.loop import averaged_weights
from training.modnet import recipe
from training.modnet.composites import Composer
from training.modnet.people import People
from training.modnet.recipe import REFERENCE, STAGES, split

SETTLING_BATCHES = 12
"""Batches on which the last layer's scale and shift are chosen."""

PACKED_FROM = 4096
"""Weights that a layer has at least to be stored in 8 bits: smaller ones would not save anything worth its rounding."""


@torch.no_grad()
def settled(state: dict[str, Tensor], people: People, batches: int) -> dict[str, Tensor]:
    """`state` with the scale and shift of the matte's last layer that are best on pictures trained on.

    A short training leaves the matte pale: sure of nothing, and grey all over the background.
    """
    network = recipe.untrained().eval()
    network.load_state_dict(both_encoders(state))
    composer, stage = Composer(people, seed=0), STAGES["whole"]
    pairs = []
    for _ in range(batches):
        picture, alpha, _, _ = split(torch.from_numpy(composer.batch(stage.batch, stage.areas[1])))
        pairs.append((torch.logit(network(picture).flatten(), 1e-6), alpha.flatten()))
    logits, truth = (torch.cat(parts) for parts in zip(*pairs, strict=True))

    def error(knobs: tuple[float, float]) -> float:
        return float((torch.sigmoid(knobs[0] * logits + knobs[1]) - truth).abs().mean())

    scale, shift = min(((s, t) for s in (1, 1.5, 2, 3, 4, 6) for t in np.linspace(-1.5, 1.5, 13)), key=error)
    last = "f_branch.conv_f.1.layers.0"
    return state | {
        f"{last}.weight": scale * state[f"{last}.weight"],
        f"{last}.bias": scale * state[f"{last}.bias"] + float(shift),
    }


def export(work: Path, out: Path, checkpoint: str = "whole.pt") -> None:
    """The averaged weights, packed; the encoder, which has two names, is stored once."""
    state = settled(averaged_weights(work / checkpoint), People(work / "store"), SETTLING_BATCHES)
    save_file(packed(state), out, {"reference": str(REFERENCE)})


def packed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Large convolutions as 8-bit whole numbers with a scale for each output channel, all else in half precision.

    `backends.matting.engines.modnet_weights.unpacked` is the way back.
    """
    found = {}
    for name, value in state.items():
        if value.ndim == 4 and value.numel() >= PACKED_FROM:
            scale = (value.abs().amax(dim=(1, 2, 3)) / 127).clamp(min=1e-12).float()
            found[name] = (value / scale[:, None, None, None]).round().to(torch.int8).contiguous()
            found[name + SCALE] = scale
        else:
            found[name] = (value.half() if value.is_floating_point() else value).contiguous()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--checkpoint", default="whole.pt", help="whole.pt, or adapted.pt after the adaptation")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    export(given.work, given.out, given.checkpoint)


if __name__ == "__main__":
    main()
