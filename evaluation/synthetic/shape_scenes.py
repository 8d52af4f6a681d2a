"""Many drawn pictures with what is in them, drawn once and kept on disk for the training of the Flamingo starter."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.synthetic.scenes import COLOURS
from evaluation.synthetic.shapes import BLOB_NAMES, FILLS, SHAPES, SIDE, WEAVE_NAMES, Piece, apart, draw

SHAPE_NAMES, FILL_NAMES, COLOUR_NAMES = (*SHAPES, *BLOB_NAMES), (*FILLS, *WEAVE_NAMES), tuple(COLOURS)
"""What the numbers in a store mean; those with names come first."""

RELATIONS = ("to the left of", "to the right of", "above", "below")
MOST = 5
SHARES = {"one": 0.66, "alike": 0.17, "pair": 0.17}
NONE = -1


@dataclass(frozen=True)
class Facts:
    """What is drawn, as arrays `(N,)` of numbers; `relation` is where the first of two things lies, as RELATIONS."""

    shape: np.ndarray
    colour: np.ndarray
    fill: np.ndarray
    count: np.ndarray
    other_shape: np.ndarray
    other_colour: np.ndarray
    relation: np.ndarray

    def __len__(self) -> int:
        return len(self.shape)


@dataclass(frozen=True)
class Store:
    """Pictures `(N, 64, 64, 3)` uint8, and what is in them."""

    pictures: np.ndarray
    facts: Facts

    @classmethod
    def open(cls, folder: Path, count: int, seed: int = 0) -> Store:
        """Those in `folder`, which are drawn first where there are none yet."""
        pictures, facts = folder / "pictures.npy", folder / "facts.npy"
        if not facts.exists():
            folder.mkdir(parents=True, exist_ok=True)
            made = np.lib.format.open_memmap(pictures, "w+", np.uint8, (count, SIDE, SIDE, 3))
            rows = np.zeros((7, count), np.int16)
            rng = random.Random(seed)
            for number in range(count):
                pieces, rows[:, number] = make(rng)
                made[number] = draw(pieces, rng)
            made.flush()
            np.save(facts, rows)
        return cls(np.load(pictures, mmap_mode="r"), Facts(*np.load(facts)))


def make(rng: random.Random) -> tuple[list[Piece], tuple[int, ...]]:
    """A scene and its facts: one thing, two to five alike, or two unlike things of which one lies somewhere."""
    kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
    if kind == "one":
        shape = rng.choice(list(SHAPES)) if rng.random() < 0.5 else rng.choice(BLOB_NAMES)
        return one(rng, _colour(rng, shape), shape, _fill(rng))
    shape = rng.choice(list(SHAPES))
    colour = _colour(rng, shape)
    if kind == "alike":
        return several(rng, colour, shape, rng.randint(2, MOST))
    second = rng.choice(list(SHAPES))
    while (other := _colour(rng, second)) == colour:
        pass
    return pair(rng, (colour, shape), (other, second), rng.randrange(len(RELATIONS)))


def one(rng: random.Random, colour: str, shape: str, fill: str = "plain") -> tuple[list[Piece], tuple[int, ...]]:
    """One thing; its numbers are NONE where what it is has none."""
    size = rng.uniform(0.2, 0.4) if fill in ("plain", "hollow") else rng.uniform(0.28, 0.42)
    room = max(0.02, 0.46 - size)
    x, y = (0.5 + rng.uniform(-room, room) * 0.7 for _ in "xy")
    piece = Piece(colour, shape, fill, x, y, size, _turn(rng))
    return [piece], (*_numbers(colour, shape, fill), 1, NONE, NONE, NONE)


def several(rng: random.Random, colour: str, shape: str, count: int) -> tuple[list[Piece], tuple[int, ...]]:
    """Some things that differ in their places alone."""
    size, turn = rng.uniform(0.1, 0.14), _turn(rng)
    cells = rng.sample([(i, j) for i in range(3) for j in range(3)], count)
    places = [[0.19 + 0.31 * step + rng.uniform(-0.03, 0.03) for step in cell] for cell in cells]
    pieces = [Piece(colour, shape, "plain", x, y, size, turn) for x, y in places]
    return pieces, (*_numbers(colour, shape, "plain"), count, NONE, NONE, NONE)


def pair(
    rng: random.Random, first: tuple[str, str], second: tuple[str, str], relation: int
) -> tuple[list[Piece], tuple[int, ...]]:
    """Two things, colour and shape of each; how the first lies to the second."""
    angle = (math.pi, 0.0, 1.5 * math.pi, 0.5 * math.pi)[relation] + rng.uniform(-0.35, 0.35)
    far, x, y = rng.uniform(0.22, 0.26), 0.5 + rng.uniform(-0.05, 0.05), 0.5 + rng.uniform(-0.05, 0.05)
    dx, dy = far * math.cos(angle), far * math.sin(angle)
    pieces = [
        Piece(*first, "plain", x + dx, y + dy, rng.uniform(0.13, 0.19), _turn(rng)),
        Piece(*second, "plain", x - dx, y - dy, rng.uniform(0.13, 0.19), _turn(rng)),
    ]
    shape, colour, _ = _numbers(*second, "plain")
    return pieces, (*_numbers(*first, "plain"), 2, shape, colour, relation)


def _numbers(colour: str, shape: str, fill: str) -> tuple[int, int, int]:
    """Of shape, colour and fill."""
    shapes, fills = SHAPE_NAMES, FILL_NAMES
    return (
        shapes.index(shape) if shape in shapes else NONE,
        COLOUR_NAMES.index(colour),
        fills.index(fill) if fill in fills else NONE,
    )


def _colour(rng: random.Random, shape: str) -> str:
    """One that may be trained on with this shape."""
    return rng.choice([colour for colour in COLOURS if shape not in SHAPES or not apart(colour, shape)])


def _fill(rng: random.Random) -> str:
    if rng.random() < 0.45:
        return "plain"
    return rng.choice(list(FILLS)) if rng.random() < 0.55 else rng.choice(WEAVE_NAMES)


def _turn(rng: random.Random) -> float:
    return rng.choice((0.0, rng.uniform(-0.2, 0.2), rng.uniform(-0.5, 0.5)))
