"""The starter of videos: a small MODNet, trained in two stages on composites.

    python -m training.videos prepare --archive people.zip --selfie selfie_segmentation.onnx --work FOLDER
    python -m training.videos semantic --work FOLDER --steps 2400
    python -m training.videos whole --work FOLDER --steps 1600
    python -m training.video_weights --work FOLDER --out modnet-starter.safetensors

`semantic` trains the encoder and the low-resolution branch alone on small pictures to tell where people are (the paper
starts from an encoder trained for person segmentation); `whole` goes on with all branches and the paper's three losses.
Each stage goes on from its last checkpoint; a checkpoint holds everything, so that stopping costs a minute at most.
"""

from __future__ import annotations

import argparse
import math
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backends.matting.engines.modnet import MODNet
from backends.matting.engines.modnet_weights import both_encoders
from training.composites import Composer
from training.people import People, prepare
from training.running import Average, decay_groups, keep, note

WIDTH = 0.5
"""Of the network's channels: 1.65 of the published 6.49 million parameters."""

DECAY, AVERAGED = 0.02, 0.998
"""Decay of weights that multiply, and how much of their running mean stays at a step."""

REFERENCE = 160
"""The short side, in pixels, at which the trained network looks at a picture: as in the wide ones of its training."""


GROWN = 0.4
"""Of a stage's steps: small pictures teach most for their time at first, larger ones are what it will be used on."""


@dataclass(frozen=True)
class Stage:
    """How one stage is trained; `areas` are the pixels of a picture at first and for the last GROWN of the steps.

    `bf16` where that is the faster arithmetic.
    """

    name: str
    batch: int
    areas: tuple[int, int]
    peak: float
    bf16: bool
    losses: Callable[[MODNet, Tensor], dict[str, Tensor]]


def split(sample: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`(B, h, w, 6)` uint8 to the picture in −1..1, alpha, boundary and contrast in 0..1, all `(B, C, h, w)`."""
    planes = sample.permute(0, 3, 1, 2).float() / 255
    return planes[:, :3] * 2 - 1, planes[:, 3:4], planes[:, 4:5], planes[:, 5:6]


def coarse(alpha: Tensor, factor: int) -> Tensor:
    """G of the paper: the matte at a fraction of its size, blurred."""
    small = F.avg_pool2d(alpha, factor)
    return F.avg_pool2d(F.pad(small, (1, 1, 1, 1), mode="replicate"), 3, 1)


def semantic_losses(network: MODNet, sample: Tensor) -> dict[str, Tensor]:
    """Where the person is, as a probability.

    The head is laid on every place of its input, not on every second one as in S: four times the answers to learn from.
    """
    picture, alpha, _, _ = split(sample)
    _, _, lr8x = network.lr_branch(picture.contiguous(memory_format=torch.channels_last))
    head = network.lr_branch.conv_lr.layers[0]
    logits = F.conv2d(lr8x, head.weight, head.bias, padding=1)
    target = coarse(alpha, 8)
    probability = torch.sigmoid(logits)
    # Beside the cross entropy an overlap, so that small people count as much as large ones.
    overlap = 1 - (2 * (probability * target).sum((1, 2, 3)) + 1) / (probability + target).sum((1, 2, 3)).add(1)
    return {"semantic": F.binary_cross_entropy_with_logits(logits, target) + 0.3 * overlap.mean()}


def modnet_losses(network: MODNet, sample: Tensor) -> dict[str, Tensor]:
    """The paper's three: semantics (equation 2), detail (3), and the matte with its compositional part (5)."""
    picture, alpha, boundary, contrast = split(sample)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        semantic, detail, matte = (part.float() for part in network.branches(picture))
    wrong = (matte - alpha).abs()
    # What a composite from the predicted matte is off by is |alpha − predicted| · |F − B|.
    fusion = wrong + 4 * boundary * wrong + contrast * wrong
    return {
        "semantic": 10 * F.mse_loss(semantic, coarse(alpha, 16)),
        "detail": 10 * (boundary * (detail - alpha).abs()).mean(),
        "fusion": fusion.mean(),
    }


STAGES = {
    "semantic": Stage("semantic", 16, (128 * 128, 176 * 176), 3e-3, False, semantic_losses),
    "whole": Stage("whole", 10, (176 * 176, 192 * 192), 2e-3, True, modnet_losses),
}


def rate(step: int, steps: int, peak: float) -> float:
    """One cycle: up to `peak` over the first eighth, then down to nothing as a cosine."""
    warm = max(1, steps // 8)
    if step < warm:
        return peak * (0.04 + 0.96 * step / warm)
    return peak * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))


def once(network: MODNet) -> dict[str, Tensor]:
    """The network's state without the second name of its encoder."""
    return {name: value for name, value in network.state_dict().items() if not name.startswith("lr_branch.backbone.")}


class Training:
    """One stage, from its start or its last checkpoint."""

    def __init__(self, stage: Stage, work: Path, steps: int) -> None:
        self.stage, self.work, self.steps = stage, work, steps
        self.network = MODNet(WIDTH)
        if not stage.bf16:
            self.network = self.network.to(memory_format=torch.channels_last)
        self.people = People(work / "store")
        self.step, self.seconds, self.stopping = 0, 0.0, False
        earlier = work / "semantic.pt"
        self.file = work / f"{stage.name}.pt"
        if stage.name == "whole" and not self.file.exists():
            self.network.load_state_dict(both_encoders(torch.load(earlier, weights_only=True)["average"]))
        self.average = Average(once(self.network), AVERAGED)
        self.optimiser = torch.optim.AdamW(decay_groups(self.network, DECAY), lr=stage.peak, betas=(0.9, 0.99))
        if self.file.exists():
            self._resume()

    def _resume(self) -> None:
        state = torch.load(self.file, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.weights, self.average.steps = state["average"], state["count"]
        self.step, self.seconds = state["step"], state["seconds"]

    def save(self) -> None:
        state = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.weights,
            "count": self.average.steps,
            "step": self.step,
            "seconds": self.seconds,
        }
        keep(state, self.file)

    def run(self, every: int = 100) -> None:
        """Train until the last step, or until `stopping` is set, which keeps what was learned."""
        composer = Composer(self.people, seed=1 + self.step)
        told: dict[str, float] = {}
        since = self.step
        while self.step < self.steps and not self.stopping:
            began = time.process_time()
            for name, value in self._learn(composer).items():
                told[name] = told.get(name, 0.0) + value
            self.seconds += time.process_time() - began
            if self.step % every == 0 or self.step == self.steps:
                self._log({name: value / (self.step - since) for name, value in told.items()})
                told, since = {}, self.step
                self.save()
        self.save()

    def _learn(self, composer: Composer) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.step, self.steps, self.stage.peak)
        area = self.stage.areas[self.step >= (1 - GROWN) * self.steps]
        sample = torch.from_numpy(composer.batch(self.stage.batch, area))
        losses = self.stage.losses(self.network.train(), sample)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()
        self.average.follow(once(self.network))
        self.step += 1
        return {name: float(value.detach()) for name, value in losses.items()}

    def _log(self, losses: dict[str, float]) -> None:
        network = MODNet(WIDTH).eval()
        network.load_state_dict(both_encoders(self.average.weights))
        measured = validate(network, self.people, coarsely=self.stage.name == "semantic")
        row = {"stage": self.stage.name, "step": self.step, "cpu_seconds": round(self.seconds)}
        scores = {name: losses.get(name, "") for name in ("semantic", "detail", "fusion")}
        row |= {name: round(value, 5) if value != "" else "" for name, value in (scores | measured).items()}
        note(self.work / "log.csv", row)


@torch.no_grad()
def validate(network: MODNet, people: People, coarsely: bool) -> dict[str, float]:
    """MAD and intersection over union on the portraits kept apart; `coarsely`, of the semantics at 1/16 alone."""
    mads, overlaps = [], []
    for picture, alpha in _kept_apart(people):
        if coarsely:
            found, truth = network.lr_branch.semantic(network.lr_branch(picture)[2]), coarse(alpha, 16)
        else:
            found, truth = network(picture), alpha
        mads.append(float((found - truth).abs().mean()))
        both, either = ((found > 0.5) & (truth > 0.5)).sum(), ((found > 0.5) | (truth > 0.5)).sum()
        overlaps.append(float(both / either.clamp(min=1)))
    return {"mad": float(np.mean(mads)), "iou": float(np.mean(overlaps))}


def _kept_apart(people: People) -> Iterator[tuple[Tensor, Tensor]]:
    for item in people.of("portraits", held_out=True):
        person = people[item]
        scale = REFERENCE / min(item.height, item.width)
        size = tuple(max(32, round(side * scale / 32) * 32) for side in (item.width, item.height))
        photo, alpha = (cv2.resize(np.ascontiguousarray(plane), size) for plane in (person.photo, person.alpha))
        picture = torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 127.5 - 1
        yield picture, torch.from_numpy(alpha)[None, None].float() / 255


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
    else:
        training = Training(STAGES[given.what], given.work, given.steps)
        signal.signal(signal.SIGTERM, lambda *_: setattr(training, "stopping", True))
        training.run()


if __name__ == "__main__":
    main()
