"""A generator of pictures and its judge (Goodfellow et al. 2014)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backends.generation.networks.layers import conv, double, halve

NOISE_SIZE = 16
_WIDE, _HIDDEN = 32, 32


class Generator(nn.Module):
    """From noise `(B, 16)` to pictures `(B, C, 16, 16)`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inward, self.outward = nn.Linear(NOISE_SIZE, _HIDDEN), nn.Linear(_HIDDEN, _WIDE * 16)
        self.up1, self.up2 = conv(_WIDE, _WIDE // 2), conv(_WIDE // 2, _WIDE // 2)
        self.paint = conv(_WIDE // 2, channels)

    def forward(self, z: Tensor) -> Tensor:
        h = F.silu(self.outward(F.silu(self.inward(z)))).unflatten(1, (_WIDE, 4, 4))
        h = F.silu(self.up1(double(h)))
        h = F.silu(self.up2(double(h)))
        return torch.tanh(self.paint(h))


class Critic(nn.Module):
    """Says how real `(B, C, 16, 16)` looks, `(B,)`; it may also see how much the pictures of a batch differ."""

    def __init__(self, channels: int, sees_batch: bool) -> None:
        super().__init__()
        self.sees_batch = sees_batch
        self.down1, self.down2, self.down3 = conv(channels, 24), conv(24, 48), conv(48 + sees_batch, 48)
        self.out = nn.Linear(48 * 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = halve(F.leaky_relu(self.down1(x), 0.2))
        h = halve(F.leaky_relu(self.down2(h), 0.2))  # (B, 48, 4, 4)
        if self.sees_batch:
            h = torch.cat([h, _spread(h)], 1)
        h = halve(F.leaky_relu(self.down3(h), 0.2))
        return self.out(h.flatten(1)).squeeze(1)


def _spread(h: Tensor, group: int = 8) -> Tensor:
    """The mean standard deviation within groups of examples, as one more channel (Karras et al. 2018)."""
    groups = h.unflatten(0, (-1, min(group, len(h))))  # (G, N, C, H, W)
    deviation = (groups.var(1, unbiased=False) + 1e-6).sqrt().mean((1, 2, 3))  # (G,)
    each = deviation.repeat_interleave(groups.shape[1])
    return each[:, None, None, None].expand(-1, 1, *h.shape[2:])
