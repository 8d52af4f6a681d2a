"""Drawn things and made sounds as networks see them: `(N, C, 16, 16)` in −1..1, with their labels `(N, L)`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backends.generation.options import COLOURS, KINDS
from backends.generation.sound import CHANNELS as SOUND_CHANNELS
from backends.generation.sound import pack
from evaluation.synthetic import drawn_things, short_sounds

PICTURES, SOUNDS = "pictures", "sounds"
CHANNELS = {PICTURES: 3, SOUNDS: SOUND_CHANNELS}
LABELS = {PICTURES: (len(KINDS[PICTURES]), len(COLOURS)), SOUNDS: (len(KINDS[SOUNDS]),)}
COUNTS = {PICTURES: 20_000, SOUNDS: 8_000}
"""How many are trained on."""

TRAIN, HELD_OUT = 0, 1
"""Seeds: what is trained on, and what is kept apart."""


@dataclass(frozen=True)
class Examples:
    """`x` is `(N, C, 16, 16)` in −1..1, `labels` `(N, L)`."""

    x: Tensor
    labels: Tensor
    factors: drawn_things.Factors | short_sounds.SoundFactors

    def __len__(self) -> int:
        return len(self.x)

    def some(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
        """A batch."""
        rows = torch.from_numpy(rng.integers(len(self), size=count))
        return self.x[rows], self.labels[rows]


def examples(world: str, seed: int, count: int) -> Examples:
    """`count` examples of "pictures" or "sounds"; the same for the same seed."""
    rng = np.random.default_rng(seed)
    if world == PICTURES:
        things = drawn_things.Factors.at_random(rng, count)
        x = 2 * drawn_things.draw(things).transpose(0, 3, 1, 2) - 1
        return Examples(torch.from_numpy(x), torch.from_numpy(np.stack([things.kind, things.colour], 1)), things)
    sounds = short_sounds.SoundFactors.at_random(rng, count)
    x = pack(short_sounds.patches(sounds, rng))
    return Examples(torch.from_numpy(x), torch.from_numpy(sounds.kind[:, None]), sounds)
