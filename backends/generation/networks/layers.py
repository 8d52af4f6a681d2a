"""What the networks have in common. A browser computes the same, so each layer is one of a short list."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 16


def conv(inputs: int, outputs: int) -> nn.Conv2d:
    """3 × 3, the same size out as in."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def halve(x: Tensor) -> Tensor:
    """`(B, C, H, W)` to `(B, C, H/2, W/2)`, means of 2 × 2."""
    return F.avg_pool2d(x, 2)


def double(x: Tensor) -> Tensor:
    """`(B, C, H, W)` to `(B, C, 2H, 2W)`, each value four times."""
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


class Modulated(nn.Module):
    """y = x · (1 + a) + b, with a scale and a shift for each channel of a condition (FiLM, Perez et al. 2018)."""

    def __init__(self, condition: int, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(condition, 2 * channels)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """`x` is `(B, C)` or `(B, C, H, W)`, `condition` `(B, D)`."""
        scale, shift = self.linear(condition).chunk(2, dim=1)
        over = (...,) + (None,) * (x.ndim - 2)
        return x * (1 + scale[over]) + shift[over]


class Block(nn.Module):
    """x + conv(silu(film(conv(silu(norm(x)))))), with a 1 × 1 convolution around it where the channels change."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(4, inputs)
        self.first, self.second = conv(inputs, outputs), conv(outputs, outputs)
        self.film = Modulated(condition, outputs)
        self.around = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        inside = self.film(self.first(F.silu(self.norm(x))), condition)
        return self.around(x) + self.second(F.silu(inside))


def waves(value: Tensor, count: int) -> Tensor:
    """`(B,)` in 0..1 as `(B, 2·count)` sines and cosines of ever higher frequency."""
    frequencies = torch.pi * 2.0 ** torch.linspace(0, 5, count, device=value.device)
    angles = value[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)
