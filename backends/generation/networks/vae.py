"""A variational autoencoder of one family for every β (Kingma & Welling 2014; Higgins et al. 2017).

Both halves are told β, so that one network shows the whole trade-off between a code that says much and one that says
little (Dosovitskiy & Djolonga 2020, "You only train once").
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backends.generation.networks.layers import Modulated, conv, double, halve

NOISE = 0.5
"""σ of the pixels given a code, in units of −1..1."""

BETAS = (0.1, 30.0)
"""The least and the greatest β that a network learns."""

_WIDE, _HIDDEN, _CONDITION = 32, 40, 16


@dataclass(frozen=True)
class Code:
    """q(z|x): means and logarithms of variances, `(B, Z)` each."""

    mean: Tensor
    log_variance: Tensor

    def sample(self) -> Tensor:
        """z = μ + σ ε."""
        return self.mean + (0.5 * self.log_variance).exp() * torch.randn_like(self.mean)

    def divergence(self) -> Tensor:
        """KL(q(z|x) ‖ N(0, 1)) of each coordinate `(B, Z)`, in nats: ½ (μ² + σ² − 1 − log σ²)."""
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance)


class VAE(nn.Module):
    """An encoder from `(B, C, 16, 16)` to codes of `size` coordinates, and a decoder back."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.weigh = nn.Linear(2, _CONDITION)
        self.down1, self.down2 = conv(channels, _WIDE // 2), conv(_WIDE // 2, _WIDE)
        self.inward = nn.Linear(_WIDE * 16, _HIDDEN)
        self.film_in, self.film_out = Modulated(_CONDITION, _HIDDEN), Modulated(_CONDITION, _HIDDEN)
        self.code = nn.Linear(_HIDDEN, 2 * size)
        self.from_code, self.outward = nn.Linear(size, _HIDDEN), nn.Linear(_HIDDEN, _WIDE * 16)
        self.up1, self.up2 = conv(_WIDE, _WIDE // 2), conv(_WIDE // 2, _WIDE // 2)
        self.paint = conv(_WIDE // 2, channels)

    def _condition(self, beta: Tensor) -> Tensor:
        """`beta` `(B,)` as `(B, D)`."""
        level = beta.log10()
        return F.silu(self.weigh(torch.stack([level, level.square()], 1)))

    def encode(self, x: Tensor, beta: Tensor) -> Code:
        h = halve(F.silu(self.down1(x)))  # (B, 16, 8, 8)
        h = halve(F.silu(self.down2(h)))  # (B, 32, 4, 4)
        h = F.silu(self.film_in(self.inward(h.flatten(1)), self._condition(beta)))
        mean, log_variance = self.code(h).chunk(2, 1)
        return Code(mean, log_variance.clamp(-12, 4))

    def decode(self, z: Tensor, beta: Tensor) -> Tensor:
        """Pictures `(B, C, 16, 16)` of codes `(B, Z)`."""
        h = F.silu(self.film_out(self.from_code(z), self._condition(beta)))
        h = F.silu(self.outward(h)).unflatten(1, (_WIDE, 4, 4))
        h = F.silu(self.up1(double(h)))  # (B, 16, 8, 8)
        h = F.silu(self.up2(double(h)))  # (B, 16, 16, 16)
        return torch.tanh(self.paint(h))


def misfit(made: Tensor, x: Tensor) -> Tensor:
    """−log p(x|z) of each example `(B,)` in nats, less what no network can change: Σ (x − x̂)² / (2 σ²)."""
    return (made - x).square().flatten(1).sum(1) / (2 * NOISE**2)
