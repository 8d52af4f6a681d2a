"""A small MODNet that learns in two stages on composites, for the MODNet starter.

Its encoder begins as EfficientNet-Lite0, which has seen ImageNet, where the paper's begins as a MobileNetV2 trained for
person segmentation. `semantic` trains it and the low-resolution branch alone on small pictures to tell where people
are; `whole` goes on with all branches and the paper's three losses.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backends.fewshot.efficientnet import read_network
from backends.matting.engines.encoders import EfficientNetLite0
from backends.matting.engines.modnet import MODNet
from backends.matting.engines.modnet_weights import both_encoders
from training.arithmetic import quick_arithmetic
from training.loop import Recipe, one_cycle, optimizer
from training.modnet.composites import Composer
from training.modnet.people import People

WIDTH = 0.5
"""Of the branches' channels in the published network."""

ENCODER_PACE = 0.2
"""The encoder's learning rate against that of the branches, which know nothing when they begin."""

DECAY = 0.02
"""Decay of weights that multiply."""

SEMANTIC, WHOLE = "semantic", "whole"
"""The stages: see `STAGES`."""

REFERENCE = 256
"""The short side, in pixels, at which the trained network looks at a picture, as in the last of its training."""


GROWN = 0.4
"""Of a stage's steps: small pictures teach most for their time at first, larger ones are what it will be used on."""


@dataclass(frozen=True)
class Stage:
    """How one stage is trained; `areas` are the pixels of a picture at first and for the last GROWN of the steps."""

    name: str
    batch: int
    areas: tuple[int, int]
    peak: float
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
    with quick_arithmetic():
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
    SEMANTIC: Stage(SEMANTIC, 16, (160 * 160, 208 * 208), 2e-3, semantic_losses),
    WHOLE: Stage(WHOLE, 8, (192 * 192, 256 * 256), 2e-3, modnet_losses),
}


def untrained() -> MODNet:
    """The network before it has any weights that mean something."""
    return MODNet(WIDTH, encoder=EfficientNetLite0())


def published_encoder(path: Path) -> dict[str, Tensor]:
    """The weights of EfficientNet-Lite0 in the CLIP starter's file at `path`, as MODNet's encoder names them."""
    wanted = EfficientNetLite0().state_dict()
    weights = {f"model.{name}": value for name, value in read_network(path).state_dict().items()}
    return {name: weights[name] for name in wanted}


def without_second_encoder(network: MODNet) -> dict[str, Tensor]:
    """The network's state, its encoder under one of its two names."""
    return {name: value for name, value in network.state_dict().items() if not name.startswith("lr_branch.backbone.")}


class Matting(Recipe):
    """One stage of MODNet on composites made on the fly.

    `start` has the averaged weights of the stage before, or those of the encoder alone.
    """

    ema_decay, clip_norm, log_every, check_every = 0.998, 2.0, 100, 100

    def __init__(self, stage: Stage, people: People, start: Mapping[str, Tensor] | None = None) -> None:
        self.stage, self.people = stage, people
        self.network = untrained().to(memory_format=torch.channels_last)
        if start is not None:
            self.network.load_state_dict(self.network.state_dict() | both_encoders(start))

    def optimizers(self) -> list[torch.optim.Optimizer]:
        own, peak = self.network, self.stage.peak
        low = own.lr_branch
        branches = nn.ModuleList(
            [low.se_block, low.conv_lr16x, low.conv_lr8x, low.conv_lr, own.hr_branch, own.f_branch]
        )
        paces = ((branches, peak), (own.backbone, ENCODER_PACE * peak))
        return [optimizer(torch.optim.AdamW, part, pace, DECAY, betas=(0.9, 0.99)) for part, pace in paces]

    def schedule(self, step: int, steps: int) -> float:
        return one_cycle(step, steps, warm=1 / 8, floor=0.04)

    def batches(self, step: int, steps: int) -> Iterator[Tensor]:
        """Samples `(B, h, w, 6)` uint8, see `split`; larger ones for the last GROWN of the steps."""
        composer = Composer(self.people, seed=1 + step)
        for now in itertools.count(step):
            area = self.stage.areas[now >= (1 - GROWN) * steps]
            yield torch.from_numpy(composer.batch(self.stage.batch, area))

    def loss(self, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        terms = self.stage.losses(self.network, batch)
        return torch.stack(list(terms.values())).sum(), terms

    def averaged(self) -> dict[str, Tensor]:
        return without_second_encoder(self.network)

    def check(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        network = untrained().eval()
        network.load_state_dict(both_encoders(weights))
        return validate(network, self.people, coarsely=self.stage.name == SEMANTIC)


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
