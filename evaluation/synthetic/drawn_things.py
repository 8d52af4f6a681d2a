"""Small coloured things drawn on black, for networks that learn to make pictures: every factor of each one is known.

>>> things = draw(Factors.at_random(np.random.default_rng(0), 4))
>>> things.shape, things.dtype
((4, 16, 16, 3), dtype('float32'))
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from backends.generation.options import COLOURS
from backends.generation.options import KINDS as ALL_KINDS

SIDE = 16
KINDS = ALL_KINDS["pictures"]
_RGB = np.array([[0.93, 0.27, 0.24], [0.95, 0.80, 0.20], [0.25, 0.78, 0.36], [0.27, 0.48, 0.96]])
CENTRES, RADII = (5.5, 9.5), (3.8, 5.6)
"""In pixels: where the middle of a thing may lie, on either axis, and how far it reaches from there."""

TURN = np.array([0.0, np.pi / 2, 2 * np.pi / 3, np.pi / 2, 0.0])
"""By kind, the angle after which a thing looks the same again; 0 for what has no angle."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Factors:
    """What is drawn, one row `(N,)` each.

    `kind` and `colour` index KINDS and COLOURS; `x`, `y` and `size` are pixels, `angle` radians below the kind's TURN.
    """

    kind: NDArray[np.int64]
    colour: NDArray[np.int64]
    x: Array
    y: Array
    size: Array
    angle: Array

    @classmethod
    def at_random(cls, rng: np.random.Generator, count: int) -> Factors:
        """Every factor uniform and independent of the others."""
        kind = rng.integers(len(KINDS), size=count)
        colour = rng.integers(len(COLOURS), size=count)
        x, y = rng.uniform(*CENTRES, (2, count))
        return cls(kind, colour, x, y, rng.uniform(*RADII, count), rng.uniform(0, 1, count) * TURN[kind])

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Factors:
        return Factors(*(getattr(self, field.name)[rows] for field in fields(self)))


def draw(factors: Factors) -> NDArray[np.float32]:
    """RGB pictures `(N, SIDE, SIDE, 3)` in 0..1.

    A pixel is covered by clip(½ − d, 0, 1), where d is its signed distance in pixels from the outline.
    """
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(float)
    dx = columns - factors.x[:, None, None]  # (N, 16, 16)
    dy = rows - factors.y[:, None, None]
    cos, sin = np.cos(factors.angle)[:, None, None], np.sin(factors.angle)[:, None, None]
    u, v, reach = cos * dx + sin * dy, cos * dy - sin * dx, factors.size[:, None, None]
    distance = np.choose(factors.kind[:, None, None], [shape(u, v, reach) for shape in _SHAPES])
    covered = np.clip(0.5 - distance, 0, 1)[..., None]
    return (covered * _RGB[factors.colour][:, None, None]).astype(np.float32)


def _disc(u: Array, v: Array, reach: Array) -> Array:
    return np.hypot(u, v) - reach


def _square(u: Array, v: Array, reach: Array) -> Array:
    return np.maximum(abs(u), abs(v)) - 0.8 * reach


def _triangle(u: Array, v: Array, reach: Array) -> Array:
    """Equilateral: the largest of the distances from its three sides, with the corners at 1.2 × reach."""
    sides = [np.cos(turn) * u + np.sin(turn) * v for turn in (0, 2 * np.pi / 3, 4 * np.pi / 3)]
    return np.max(sides, axis=0) - 0.6 * reach


def _cross(u: Array, v: Array, reach: Array) -> Array:
    bars = np.maximum(abs(u) - reach, abs(v) - 0.3 * reach), np.maximum(abs(v) - reach, abs(u) - 0.3 * reach)
    return np.minimum(*bars)


def _ring(u: Array, v: Array, reach: Array) -> Array:
    return abs(np.hypot(u, v) - 0.78 * reach) - 0.24 * reach


_SHAPES = (_disc, _square, _triangle, _cross, _ring)
