"""The last stage of the videos starter: adaptation to photographs whose mattes nobody knows.

    python -m training.modnet.adaptation --work FOLDER --steps 150

MODNet's self-supervised SOC (Ke et al. 2022, section 4.3): on unlabelled pictures the three branches are made to agree
with each other, while a frozen copy of the network keeps the detail from being smoothed away, which agreement alone
would reward. The statistics of the normalisations stay as they are.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from backends.matting.engines.modnet import MODNet
from backends.matting.engines.modnet_weights import both_encoders
from training.arithmetic import quick_arithmetic
from training.loop import Loop, Recipe, averaged_weights, optimizer
from training.modnet import recipe
from training.modnet.composites import Composer, boundary
from training.modnet.people import People
from training.modnet.recipe import STAGES, WHOLE, coarse, validate, without_second_encoder

RATE, BATCH = 1e-4, 6
ADAPTED = "adapted"


def agreement_losses(network: MODNet, before: MODNet, picture: Tensor) -> dict[str, Tensor]:
    """Equations 6 and 7, with the loss of equation 3 for the detail.

    Args:
        network: what is adapted.
        before: the same as it was, frozen.
        picture: `(B, 3, H, W)` in −1..1.
    """
    with quick_arithmetic():
        semantic, detail, matte = (part.float() for part in network.branches(picture))
        with torch.no_grad():
            detail_before = before.branches(picture)[1].float()
    band = torch.from_numpy(np.stack([boundary(alpha) for alpha in matte.detach()[:, 0].numpy()]))[:, None] / 255
    return {
        "agreement": 0.5 * (coarse(matte, 16) - semantic).square().mean() + (band * (matte - detail).abs()).mean(),
        "detail": (band * (detail_before - detail).abs()).mean(),
    }


class Adaptation(Recipe):
    """The whole network, from the averaged weights `start`, on photographs without mattes."""

    ema_decay = 0.0  # so few steps that the last weights are taken

    def __init__(self, people: People, start: Mapping[str, Tensor]) -> None:
        self.people = people
        self.network = recipe.untrained()
        self.network.load_state_dict(both_encoders(start))
        self.before = copy.deepcopy(self.network).eval().requires_grad_(False)

    def set_mode(self) -> None:
        self.network.eval()  # the statistics of the normalisations are used and not changed

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [optimizer(torch.optim.Adam, self.network, RATE, betas=(0.9, 0.99))]

    def schedule(self, step: int, steps: int) -> float:
        return 1.0

    def batches(self, step: int, steps: int) -> Iterator[Tensor]:
        """Pictures `(B, 3, H, W)` in −1..1."""
        composer = Composer(self.people, seed=2 + step)
        while True:
            pictures = composer.unlabelled(BATCH, STAGES[WHOLE].areas[1])
            yield torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1

    def loss(self, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        terms = agreement_losses(self.network, self.before, batch)
        return torch.stack(list(terms.values())).sum(), terms

    def averaged(self) -> dict[str, Tensor]:
        return without_second_encoder(self.network)

    def check(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        return validate(self.network, self.people, coarsely=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="the folder of the stages before")
    parser.add_argument("--steps", type=int, default=150)
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(0)
    adaptation = Adaptation(People(given.work / "store"), averaged_weights(given.work / f"{WHOLE}.pt"))
    Loop(adaptation, given.work, ADAPTED, given.steps).run_until_stopped()


if __name__ == "__main__":
    main()
