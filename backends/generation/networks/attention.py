"""Two layers of attention and nothing else, for "what followed this letter the last time?" (Olsson et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

LETTERS, LENGTH, HEADS, LAYERS = 16, 32, 4, 2
WIDTH = 48


@dataclass(frozen=True)
class Switches:
    """What may be taken away or turned while the network answers; nothing by default.

    `heads_off` names heads as (layer, head); `temperature` divides the scores.
    """

    heads_off: frozenset[tuple[int, int]] = field(default_factory=frozenset)
    positions: bool = True
    mask: bool = True
    temperature: float = 1.0


class Attention(nn.Module):
    """softmax(q kᵀ / √d) v of several heads, from normalised inputs, added to them (Vaswani et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor, switches: Switches, layer: int) -> tuple[Tensor, Tensor]:
        """`x` `(B, T, D)` one layer on, and the weights `(B, H, T, T)` of the heads."""
        parts = self.qkv(self.norm(x)).unflatten(2, (3, HEADS, WIDTH // HEADS))
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # (B, H, T, d)
        scores = query @ key.transpose(2, 3) / ((WIDTH // HEADS) ** 0.5 * switches.temperature)
        if switches.mask:
            later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(later, -torch.inf)
        weights = scores.softmax(-1)
        on = torch.tensor([(layer, head) not in switches.heads_off for head in range(HEADS)], device=x.device)
        mixed = (weights @ value) * on[:, None, None]
        return x + self.out(mixed.transpose(1, 2).flatten(2)), weights


class Follower(nn.Module):
    """Letters `(B, T)` to logits `(B, T, LETTERS)` of what followed each one the last time."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = nn.Embedding(LETTERS, WIDTH)
        self.places = nn.Linear(WIDTH, WIDTH, bias=False)
        self.layers = nn.ModuleList(Attention() for _ in range(LAYERS))
        self.norm, self.answer = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, LETTERS)

    def forward(self, letters: Tensor, switches: Switches | None = None) -> tuple[Tensor, list[Tensor]]:
        """The logits, and the weights `(B, H, T, T)` of each layer."""
        switches = switches or Switches()
        x = self.letters(letters)
        if switches.positions:
            x = x + self.places(positions(letters.shape[1]).to(x))
        maps = []
        for number, layer in enumerate(self.layers):
            x, weights = layer(x, switches, number)
            maps.append(weights)
        return self.answer(self.norm(x)), maps


def positions(length: int) -> Tensor:
    """Sines and cosines `(T, WIDTH)` of each place, so that a step back is a rotation (Vaswani et al. 2017)."""
    frequencies = 1.0 / 100.0 ** torch.linspace(0, 1, WIDTH // 2)
    angles = torch.arange(length)[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)


def answers(letters: Tensor) -> Tensor:
    """What followed each letter `(B, T)` the last time; −100 where it is there for the first time.

    >>> answers(torch.tensor([[0, 1, 2, 0, 2]])).tolist()
    [[-100, -100, -100, 1, 0]]
    """
    length = letters.shape[1]
    same = (letters[:, :, None] == letters[:, None, :]).tril(-1)  # (B, T, T): [t, s] for s < t
    place = torch.arange(length, device=letters.device)
    last = torch.where(same, place, -1).amax(2)  # (B, T)
    followed = letters.gather(1, (last + 1).clamp(max=length - 1))
    return torch.where(last >= 0, followed, -100)
