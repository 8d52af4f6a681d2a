"""What the Flamingo starter sees: things with a colour, an outline and a fill, on quiet grounds.

Some outlines and fills are kept apart and never trained on, nor are some pairs of colour and shape. Nameless outlines
and fills, made by chance, are there so that new ones are compared by how they look and not by a list known by heart.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from evaluation.synthetic.scenes import COLOURS, CORNERS, ground, regular

SIDE = 64
_SMOOTH = 2
_BIG = SIDE * _SMOOTH
_ACROSS, _DOWN = np.meshgrid(*[(np.arange(_BIG, dtype=np.float32) + 0.5) / _BIG] * 2)

Outline = list[tuple[float, float]]
Pattern = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Which places `(u, v)`, as the thing itself measures them, have its first colour."""


@dataclass(frozen=True)
class Piece:
    """One thing: its middle and half-size as shares of the picture's side, turned by `turn` radians."""

    colour: str
    shape: str
    fill: str
    x: float
    y: float
    size: float
    turn: float = 0.0


def _polar(radius: Callable[[float], float], steps: int = 72) -> Outline:
    angles = [2 * math.pi * i / steps for i in range(steps)]
    return [(radius(a) * math.cos(a), radius(a) * math.sin(a)) for a in angles]


def _moon() -> Outline:
    outer = [math.pi * (0.28 + 1.44 * i / 24) for i in range(25)]
    return [
        *((math.cos(a), math.sin(a)) for a in outer),
        *((0.34 + 0.72 * math.cos(a), 0.81 * math.sin(a)) for a in reversed(outer)),
    ]


_UP = -math.pi / 2
SHAPES: dict[str, Outline] = {
    **CORNERS,
    "arrow": [(-1, -0.3), (0.1, -0.3), (0.1, -0.8), (1, 0), (0.1, 0.8), (0.1, 0.3), (-1, 0.3)],
    "oval": [(x, 0.5 * y) for x, y in regular(36, 0.0)],
    "pentagon": regular(5, _UP),
    "hammer": [
        (-0.95, -0.9),
        (0.95, -0.9),
        (0.95, -0.25),
        (0.3, -0.25),
        (0.3, 1),
        (-0.3, 1),
        (-0.3, -0.25),
        (-0.95, -0.25),
    ],
    "boot": [(-0.8, -1), (-0.1, -1), (-0.1, 0.3), (0.9, 0.3), (0.9, 0.95), (-0.8, 0.95)],
    "gear": _polar(lambda a: 1.0 if math.cos(8 * a) > 0 else 0.74, 96),
}
"""The shapes with names that are trained on."""

NEW_SHAPES: dict[str, Outline] = {
    "moon": _moon(),
    "house": [
        (-0.8, 0.9),
        (-0.8, -0.15),
        (0, -1),
        (0.8, -0.15),
        (0.8, 0.9),
        (0.2, 0.9),
        (0.2, 0.3),
        (-0.2, 0.3),
        (-0.2, 0.9),
    ],
    "flower": _polar(lambda a: 0.72 + 0.28 * math.cos(5 * a)),
    "bolt": [(0.1, -1), (-0.65, 0.15), (-0.1, 0.15), (-0.3, 1), (0.65, -0.25), (0.1, -0.25), (0.45, -1)],
    "drop": _polar(lambda a: 0.55 + 0.5 * max(0.0, math.cos(a + math.pi / 2)) ** 9),
    "crown": [(-0.9, 0.8), (-1, -0.6), (-0.45, 0.05), (0, -0.9), (0.45, 0.05), (1, -0.6), (0.9, 0.8)],
    "fish": [
        (-1, -0.65),
        (-0.45, -0.1),
        (0.1, -0.5),
        (0.6, -0.4),
        (1, 0),
        (0.6, 0.4),
        (0.1, 0.5),
        (-0.45, 0.1),
        (-1, 0.65),
    ],
    "tree": [
        (0, -1),
        (0.5, -0.35),
        (0.25, -0.35),
        (0.8, 0.4),
        (0.18, 0.4),
        (0.18, 1),
        (-0.18, 1),
        (-0.18, 0.4),
        (-0.8, 0.4),
        (-0.25, -0.35),
        (-0.5, -0.35),
    ],
}
"""Kept apart."""

FILLS: dict[str, Pattern] = {
    "plain": lambda u, v: np.ones_like(u, bool),
    "striped": lambda u, v: np.sin(9 * v) > 0,
    "barred": lambda u, v: np.sin(9 * u) > 0,
    "slanted": lambda u, v: np.sin(7 * (u + v)) > 0,
    "checked": lambda u, v: np.sin(7 * u) * np.sin(7 * v) > 0,
    "dotted": lambda u, v: np.cos(9 * u) + np.cos(9 * v) < 0.7,
    "hollow": lambda u, v: np.ones_like(u, bool),  # `draw` leaves the inside out
}
NEW_FILLS: dict[str, Pattern] = {
    "ringed": lambda u, v: np.sin(10 * np.hypot(u, v)) > 0,
    "wavy": lambda u, v: np.sin(9 * v + 1.6 * np.sin(6 * u)) > 0,
    "gridded": lambda u, v: np.maximum(np.cos(8 * u), np.cos(8 * v)) < 0.75,
    "halved": lambda u, v: u > 0,
    "rayed": lambda u, v: np.sin(6 * np.arctan2(v, u)) > 0,
}
"""Kept apart."""

BLOBS, WEAVES = 300, 24
"""How many nameless outlines and fills there are."""

BLOB_NAMES = tuple(f"blob {number}" for number in range(BLOBS))
WEAVE_NAMES = tuple(f"weave {number}" for number in range(WEAVES))
_FAR = 60
"""How unlike its ground a second colour is at least."""


def apart(colour: str, shape: str) -> bool:
    """Whether a pair of a colour and a trained shape is kept apart: about one in seven, each of both in some."""
    return (list(COLOURS).index(colour) + 5 * list(SHAPES).index(shape)) % 7 == 0


@cache
def outline(shape: str) -> Outline:
    """By name; nameless ones come from the number in theirs: corners or waves around a middle."""
    if shape in SHAPES or shape in NEW_SHAPES:
        return (SHAPES | NEW_SHAPES)[shape]
    rng = random.Random(shape)
    if rng.random() < 0.5:
        count = rng.randint(3, 9)
        angles = [2 * math.pi * (i + rng.uniform(-0.35, 0.35)) / count for i in range(count)]
        points = [(rng.uniform(0.35, 1) if count > 4 else rng.uniform(0.6, 1), a) for a in angles]
        made = [(r * math.cos(a), r * math.sin(a)) for r, a in points]
    else:
        waves = [(rng.randint(1, 6), rng.uniform(0, 0.3), rng.uniform(0, 2 * math.pi)) for _ in range(3)]
        made = _polar(lambda a: max(0.15, 0.8 + sum(much * math.cos(n * a + shift) for n, much, shift in waves)))
    squeeze, far = rng.choice((1, 1, rng.uniform(0.45, 1))), max(math.hypot(x, y) for x, y in made)
    return [(1.05 * x / far, 1.05 * squeeze * y / far) for x, y in made]


@cache
def pattern(fill: str) -> Pattern:
    """By name; nameless ones are sums of two waves in directions by chance."""
    if fill in FILLS or fill in NEW_FILLS:
        return (FILLS | NEW_FILLS)[fill]
    rng = random.Random(fill)
    turns = [rng.uniform(0, 3), rng.uniform(0, 3)]
    (a, b), (c, d) = ((rng.uniform(4, 11) * math.cos(turn), rng.uniform(4, 11) * math.sin(turn)) for turn in turns)
    second, level = rng.choice((0.0, 0.6, 1.0)), rng.uniform(-0.3, 0.5)
    return lambda u, v: np.cos(a * u + b * v) + second * np.cos(c * u + d * v) > -level


def draw(pieces: Sequence[Piece], rng: random.Random) -> np.ndarray:
    """The pieces as RGB `(64, 64, 3)` uint8, on a ground that none vanishes in."""
    dice = np.random.default_rng(rng.getrandbits(32))
    behind = ground([COLOURS[piece.colour] for piece in pieces], rng)
    picture = np.empty((_BIG, _BIG, 3), np.float32)
    picture[:] = behind
    if rng.random() < 1 / 3:
        tilt = dice.normal(0, 14, 2).astype(np.float32)
        picture += (tilt[0] * (_ACROSS - 0.5) + tilt[1] * (_DOWN - 0.5))[..., None]
    for piece in pieces:
        _paint(picture, piece, behind, rng, dice)
    small = picture.reshape(SIDE, _SMOOTH, SIDE, _SMOOTH, 3).mean((1, 3))
    small += rng.choice((0, 2, 6)) * dice.standard_normal(small.shape, np.float32)
    return np.clip(small, 0, 255).astype(np.uint8)


def _paint(
    picture: np.ndarray, piece: Piece, behind: tuple[int, int, int], rng: random.Random, dice: np.random.Generator
) -> None:
    """Lay one thing over `picture`."""
    where = _mask(piece)
    colour = np.array(COLOURS[piece.colour], np.float32) + dice.normal(0, 9, 3).astype(np.float32)
    second = _second(colour, behind, rng)
    c, s = math.cos(piece.turn), math.sin(piece.turn)
    x, y = (_ACROSS[where] - piece.x) / piece.size, (_DOWN[where] - piece.y) / piece.size
    first = pattern(piece.fill)(c * x + s * y, c * y - s * x)
    if piece.fill == "hollow":
        first = ~_mask(piece, 0.62)[where]
    shade = 1 + (dice.normal(0, 0.12) * y if rng.random() < 1 / 3 else np.zeros_like(y))
    picture[where] = np.where(first[:, None], colour, picture[where] if second is None else second) * shade[:, None]


def _second(colour: np.ndarray, behind: tuple[int, int, int], rng: random.Random) -> np.ndarray | None:
    """The other colour of a fill: None for what lies behind, or white or black."""
    if rng.random() < 0.6:
        return None
    other = np.full(3, 245 if colour.mean() < 128 else 15, np.float32)
    return other if np.abs(other - behind).sum() > _FAR else None


def _mask(piece: Piece, part: float = 1.0) -> np.ndarray:
    """Where the thing lies `(128, 128)`, or a smaller one of the same form in its middle."""
    c, s = math.cos(piece.turn), math.sin(piece.turn)
    size = part * piece.size
    corners = [(piece.x + size * (c * x - s * y), piece.y + size * (s * x + c * y)) for x, y in outline(piece.shape)]
    canvas = Image.new("L", (_BIG, _BIG), 0)
    ImageDraw.Draw(canvas).polygon([(x * _BIG, y * _BIG) for x, y in corners], fill=255)
    return np.asarray(canvas) > 0
