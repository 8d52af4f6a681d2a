"""The last stage of the videos starter: adaptation to photographs whose mattes nobody knows.

    python -m training.video_adaptation --work FOLDER --steps 150

MODNet's self-supervised SOC (Ke et al. 2022, section 4.3): on unlabelled pictures the three branches are made to agree
with each other, while a frozen copy of the network keeps the detail from being smoothed away, which agreement alone
would reward. The statistics of the normalisations stay as they are.
"""

from __future__ import annotations

import argparse
import copy
import csv
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from backends.matting.engines.modnet import MODNet
from backends.matting.engines.modnet_weights import both_encoders
from training import videos
from training.composites import Composer, boundary
from training.people import People
from training.videos import STAGES, coarse, once, validate

RATE, BATCH = 1e-4, 6
FIRST, LAST = "whole.pt", "adapted.pt"


def agreement_losses(network: MODNet, before: MODNet, picture: Tensor) -> dict[str, Tensor]:
    """Equations 6 and 7, with the loss of equation 3 for the detail.

    Args:
        network: what is adapted.
        before: the same as it was, frozen.
        picture: `(B, 3, H, W)` in −1..1.
    """
    with torch.autocast("cpu", dtype=torch.bfloat16):
        semantic, detail, matte = (part.float() for part in network.branches(picture))
        with torch.no_grad():
            kept = before.branches(picture)[1].float()
    band = torch.from_numpy(np.stack([boundary(alpha) for alpha in matte.detach()[:, 0].numpy()]))[:, None] / 255
    return {
        "agreement": 0.5 * (coarse(matte, 16) - semantic).square().mean() + (band * (matte - detail).abs()).mean(),
        "kept": (band * (kept - detail).abs()).mean(),
    }


class Adaptation:
    """From the averaged weights of the whole network to `adapted.pt`, which `training.video_weights` takes."""

    def __init__(self, work: Path) -> None:
        self.work, self.people = work, People(work / "store")
        self.network = MODNet(videos.WIDTH)
        self.network.load_state_dict(both_encoders(torch.load(work / FIRST, weights_only=True)["average"]))
        # In evaluation mode the statistics of the normalisations are used and not changed.
        self.network.eval()
        self.before = copy.deepcopy(self.network).requires_grad_(False)

    def run(self, steps: int, every: int = 50) -> None:
        composer = Composer(self.people, seed=2)
        optimiser = torch.optim.Adam(self.network.parameters(), lr=RATE, betas=(0.9, 0.99))
        self._log(0, {})
        for step in range(1, steps + 1):
            pictures = composer.unlabelled(BATCH, STAGES["whole"].areas[1])
            planes = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
            losses = agreement_losses(self.network, self.before, planes)
            optimiser.zero_grad(set_to_none=True)
            torch.stack(list(losses.values())).sum().backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            optimiser.step()
            if step % every == 0 or step == steps:
                self._log(step, {name: float(value.detach()) for name, value in losses.items()})
        torch.save({"average": once(self.network), "step": steps}, self.work / LAST)

    def _log(self, step: int, losses: dict[str, float]) -> None:
        measured = validate(self.network, self.people, coarsely=False)
        row = {"step": step, "cpu_seconds": round(time.process_time())}
        scores = {name: losses.get(name, "") for name in ("agreement", "kept")} | measured
        row |= {name: round(value, 5) if value != "" else "" for name, value in scores.items()}
        path = self.work / "adaptation.csv"
        with path.open("w" if step == 0 else "a", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            if step == 0:
                writer.writeheader()
            writer.writerow(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="the folder of the stages before")
    parser.add_argument("--steps", type=int, default=150)
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(0)
    Adaptation(given.work).run(given.steps)


if __name__ == "__main__":
    main()
