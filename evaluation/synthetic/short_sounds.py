"""Hits of a drum kit and notes of half a second, made by formula, for networks that learn to make sounds.

Every factor of each one is known: its kind, its pitch, how fast it dies away and how loud it is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.generation.options import KINDS as ALL_KINDS
from backends.generation.sound import RATE, SAMPLES, patch_of
from evaluation.synthetic.instruments import butterworth, cymbal, swept_tone

KINDS = ALL_KINDS["sounds"]
LOUDNESS_DB = (-12.0, 0.0)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SoundFactors:
    """One row `(N,)` each: `kind` indexes KINDS, `pitch` and `decay` go from 0 to 1, `loudness` is in dB."""

    kind: NDArray[np.int64]
    pitch: Array
    decay: Array
    loudness: Array

    @classmethod
    def at_random(cls, rng: np.random.Generator, count: int) -> SoundFactors:
        """Every factor uniform and independent of the others."""
        kind = rng.integers(len(KINDS), size=count)
        pitch, decay = rng.uniform(0, 1, (2, count))
        return cls(kind, pitch, decay, rng.uniform(*LOUDNESS_DB, count))

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> SoundFactors:
        return SoundFactors(*(getattr(self, field.name)[rows] for field in fields(self)))


def make(factors: SoundFactors, rng: np.random.Generator) -> NDArray[np.float32]:
    """Waves `(N, 5120)` at RATE in −1..1; `rng` draws the noise in them."""
    time = np.arange(SAMPLES) / RATE
    waves = np.empty((len(factors), SAMPLES), np.float32)
    for row, kind in enumerate(factors.kind):
        wave = _SOUNDS[kind](time, factors.pitch[row], factors.decay[row], rng)
        wave = wave / np.abs(wave).max() * np.minimum(1, (time[-1] - time) / 0.02)
        waves[row] = 0.9 * 10 ** (factors.loudness[row] / 20) * wave
    return waves


def patches(factors: SoundFactors, rng: np.random.Generator) -> NDArray[np.float32]:
    """The patches `(N, 64, 32)` of such sounds."""
    return patch_of(make(factors, rng))


def _kick(time: Array, pitch: float, decay: float, rng: np.random.Generator) -> Array:
    end = 42 * 1.6**pitch
    beater = butterworth(rng.standard_normal(time.size), RATE, "bandpass", (1500.0, 4500.0)) * np.exp(-time / 0.004)
    return np.tanh(1.6 * swept_tone(time, 4 * end, end, 0.028, 0.06 + 0.12 * decay)) + 0.2 * beater


def _snare(time: Array, pitch: float, decay: float, rng: np.random.Generator) -> Array:
    end = 150 * 1.7**pitch
    skin = swept_tone(time, 1.3 * end, end, 0.02, 0.07) + 0.5 * swept_tone(time, 2.2 * end, 1.8 * end, 0.02, 0.045)
    wires = butterworth(rng.standard_normal(time.size), RATE, "highpass", 1200.0)
    return 0.6 * skin + 0.75 * wires * np.exp(-time / (0.04 + 0.09 * decay))


def _hat(time: Array, pitch: float, decay: float, rng: np.random.Generator) -> Array:
    return cymbal(time, RATE, rng, 2600 * 1.5**pitch, 0.012 + 0.1 * decay**2)


def _tom(time: Array, pitch: float, decay: float, rng: np.random.Generator) -> Array:
    end = 85 * 2.2**pitch
    stick = butterworth(rng.standard_normal(time.size), RATE, "bandpass", (800.0, 4000.0)) * np.exp(-time / 0.008)
    return swept_tone(time, 1.7 * end, end, 0.04, 0.08 + 0.14 * decay) + 0.15 * stick


def _partials(time: Array, hertz: float, levels: NDArray[Any], decays: NDArray[Any]) -> Array:
    number = np.arange(1, len(levels) + 1)[:, None]
    return (levels[:, None] * np.sin(2 * np.pi * hertz * number * time) * np.exp(-time * decays[:, None])).sum(0)


def _pluck(time: Array, pitch: float, decay: float, rng: np.random.Generator) -> Array:
    number = np.arange(1, 9)
    seconds = 0.08 + 0.3 * decay
    attack = np.minimum(1, time / 0.002)
    return attack * _partials(time, 220 * 2.0 ** (1.5 * pitch), 1.0 / number**1.2, (0.6 + 0.4 * number) / seconds)


def _organ(time: Array, pitch: float, decay: float, rng: np.random.Generator) -> Array:
    levels = np.array([1.0, 0.8, 0.1, 0.5, 0.0, 0.0, 0.0, 0.3])
    rise, end = np.minimum(1, time / 0.03), 0.15 + 0.3 * decay
    held = np.clip((end - time) / 0.04, 0, 1)
    return rise * held * _partials(time, 220 * 2.0 ** (1.5 * pitch), levels, np.zeros(8))


_SOUNDS = (_kick, _snare, _hat, _tom, _pluck, _organ)
