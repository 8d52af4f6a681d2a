"""A denoiser with labels, in continuous time (Ho et al. 2020; Salimans & Ho 2022).

At time t of 0..1 a picture x₀ is seen as x = α x₀ + σ ε with α = cos(πt/2), σ = sin(πt/2). The network says
v = α ε − σ x₀, from which x₀ = α x − σ v and ε = σ x + α v.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backends.generation.networks.layers import Block, conv, double, halve, waves

_TIMES, _CONDITION = 8, 32
_WIDTHS = (16, 32, 48)


class Denoiser(nn.Module):
    """A U-Net of three sizes, told the time and its labels.

    Args:
        channels: of a picture.
        labels: how many values each label has; one more stands for "any".
    """

    def __init__(self, channels: int, labels: Sequence[int]) -> None:
        super().__init__()
        small, middle, wide = _WIDTHS
        self.labels = tuple(labels)
        self.time1, self.time2 = nn.Linear(2 * _TIMES, _CONDITION), nn.Linear(_CONDITION, _CONDITION)
        self.names = nn.ModuleList(nn.Embedding(count + 1, _CONDITION) for count in labels)
        self.stem, self.paint = conv(channels, small), conv(small, channels)
        self.down1, self.down2 = Block(small, small, _CONDITION), Block(small, middle, _CONDITION)
        self.bottom = Block(middle, wide, _CONDITION)
        self.narrow2, self.narrow1 = nn.Conv2d(wide, middle, 1), nn.Conv2d(middle, small, 1)
        self.up2, self.up1 = Block(middle, middle, _CONDITION), Block(small, small, _CONDITION)
        self.norm = nn.GroupNorm(4, small)

    @property
    def any_label(self) -> tuple[int, ...]:
        """What stands for "any" of each label."""
        return self.labels

    def forward(self, x: Tensor, time: Tensor, labels: Tensor) -> Tensor:
        """v.

        Args:
            x: `(B, C, 16, 16)`.
            time: `(B,)` in 0..1.
            labels: `(B, L)` integers.
        """
        told = self.time2(F.silu(self.time1(waves(time, _TIMES))))
        told = F.silu(told + sum(name(labels[:, k]) for k, name in enumerate(self.names)))
        large = self.down1(self.stem(x), told)  # (B, 16, 16, 16)
        half = self.down2(halve(large), told)  # (B, 32, 8, 8)
        h = self.bottom(halve(half), told)  # (B, 48, 4, 4)
        h = self.up2(double(self.narrow2(h)) + half, told)
        h = self.up1(double(self.narrow1(h)) + large, told)
        return self.paint(F.silu(self.norm(h)))


def mixing(time: Tensor) -> tuple[Tensor, Tensor]:
    """α and σ at `time`."""
    return torch.cos(0.5 * torch.pi * time), torch.sin(0.5 * torch.pi * time)
