"""Drawn scenes: a few coloured shapes on a plain ground, and sentences that are true or false of them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "green": (44, 160, 60),
    "blue": (40, 80, 210),
    "yellow": (240, 210, 40),
    "orange": (245, 130, 30),
    "purple": (130, 50, 170),
    "pink": (245, 140, 190),
    "brown": (125, 75, 40),
    "black": (20, 20, 20),
    "white": (245, 245, 245),
    "grey": (128, 128, 128),
    "turquoise": (60, 200, 200),
}
SHAPES = ("circle", "square", "triangle", "star", "cross", "diamond", "hexagon", "heart")
NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
RELATIONS = {
    "to the left of": lambda a, b: a.x < b.x - 0.1,
    "to the right of": lambda a, b: a.x > b.x + 0.1,
    "above": lambda a, b: a.y < b.y - 0.1,
    "below": lambda a, b: a.y > b.y + 0.1,
}
_OPPOSITE = {
    "to the left of": "to the right of",
    "to the right of": "to the left of",
    "above": "below",
    "below": "above",
}
_TEMPLATES = ("{}",) * 4 + ("a drawing of {}", "a picture of {}", "one can see {}", "a photo of {}", "an image with {}")
_SMOOTH = 3


@dataclass(frozen=True)
class Thing:
    """One shape: its middle and half-size as shares of the picture's side, turned by `turn` radians."""

    colour: str
    shape: str
    x: float
    y: float
    size: float
    turn: float = 0.0


@dataclass(frozen=True)
class Claim:
    """What a sentence says: so many things of a colour and a shape (None: any), and perhaps where the first lies."""

    colour: str | None
    shape: str | None
    count: int = 1
    relation: str = ""
    other: tuple[str, str] = ("", "")
    """Colour and shape of the second thing: what the first is related to, or just also there."""

    def holds(self, scene: tuple[Thing, ...]) -> bool:
        """Whether it is true of `scene`."""
        mine = [t for t in scene if self.colour in (None, t.colour) and self.shape in (None, t.shape)]
        if not self.other[0]:
            return len(mine) == self.count
        others = [t for t in scene if (t.colour, t.shape) == self.other]
        if not mine or not others:
            return False
        return self.relation == "and" or any(RELATIONS[self.relation](a, b) for a in mine for b in others)

    def words(self, rng: random.Random) -> str:
        """It as a noun phrase."""
        shape, colour = self.shape or "shape", f"{self.colour} " if self.colour else ""
        if self.count > 1:
            number = NUMBERS[self.count] if rng.random() < 0.85 else str(self.count)
            return f"{number} {colour}{shape}{'es' if shape == 'cross' else 's'}"
        first = f"{_article(colour or shape)} {colour}{shape}"
        if not self.other[0]:
            return first
        return f"{first} {self.relation} {_article(self.other[0])} {self.other[0]} {self.other[1]}"

    def sentence(self, rng: random.Random) -> str:
        """A way to say it; one in three ends with a full stop."""
        return rng.choice(_TEMPLATES).format(self.words(rng)) + ("." if rng.random() < 1 / 3 else "")


def _article(word: str) -> str:
    return "an" if word[0] in "aeio" else "a"


def make_scene(rng: random.Random) -> tuple[tuple[Thing, ...], Claim]:
    """A scene and a true claim about it: one thing, several alike, two things, or two and how they lie."""
    kind = rng.choices(("one", "count", "and", "relation"), (0.4, 0.2, 0.15, 0.25))[0]
    if kind == "one":
        thing = _thing(rng, 0.5 + rng.uniform(-0.15, 0.15), 0.5 + rng.uniform(-0.15, 0.15), rng.uniform(0.16, 0.36))
        colour = None if rng.random() < 0.15 else thing.colour
        shape = None if colour and rng.random() < 0.1 else thing.shape
        return (thing,), Claim(colour, shape)
    if kind == "count":
        return _alike(rng)
    first, second = _pair(rng)
    true = [name for name, test in RELATIONS.items() if test(first, second)]
    relation = rng.choice(true) if kind == "relation" and true else "and"
    return (first, second), Claim(first.colour, first.shape, 1, relation, (second.colour, second.shape))


def untrue(scene: tuple[Thing, ...], claim: Claim, rng: random.Random) -> Claim:
    """A claim near `claim` that is false of `scene`: another colour, shape, number, or the relation turned about."""
    changes: list[Callable[[], Claim]] = []
    if claim.colour:
        changes.append(lambda: replace(claim, colour=rng.choice(list(COLOURS))))
    if claim.shape:
        changes.append(lambda: replace(claim, shape=rng.choice(SHAPES)))
    if claim.relation in _OPPOSITE:
        changes += [lambda: replace(claim, relation=_OPPOSITE[claim.relation])] * 2
    if claim.other[0]:
        changes.append(lambda: replace(claim, other=(claim.other[0], rng.choice(SHAPES))))
    elif len(scene) > 1:
        changes += [lambda: replace(claim, count=rng.choice(list(NUMBERS)))] * 2
    while (other := rng.choice(changes)()).holds(scene):
        pass
    return other


def _thing(rng: random.Random, x: float, y: float, size: float) -> Thing:
    turn = rng.choice((0.0, 0.0, rng.uniform(-0.25, 0.25)))
    return Thing(rng.choice(list(COLOURS)), rng.choice(SHAPES), x, y, size, turn)


def _alike(rng: random.Random) -> tuple[tuple[Thing, ...], Claim]:
    count = rng.randint(2, 5)
    model = _thing(rng, 0, 0, rng.uniform(0.09, 0.13))
    cells = rng.sample([(i, j) for i in range(3) for j in range(3)], count)
    jitter = lambda: rng.uniform(-0.03, 0.03)  # noqa: E731
    scene = tuple(replace(model, x=0.19 + 0.31 * i + jitter(), y=0.19 + 0.31 * j + jitter()) for i, j in cells)
    return scene, Claim(model.colour, None if rng.random() < 0.1 else model.shape, count)


def _pair(rng: random.Random) -> tuple[Thing, Thing]:
    """Two things unlike each other, clear of each other."""
    angle, apart = rng.choice((0, 0.5, 1, 1.5)) * math.pi + rng.uniform(-0.35, 0.35), rng.uniform(0.24, 0.28)
    x, y = 0.5 + rng.uniform(-0.04, 0.04), 0.5 + rng.uniform(-0.04, 0.04)
    dx, dy = apart * math.cos(angle), apart * math.sin(angle)
    first = _thing(rng, x - dx, y - dy, rng.uniform(0.12, 0.19))
    while (second := _thing(rng, x + dx, y + dy, rng.uniform(0.12, 0.19))).colour == first.colour:
        pass
    return first, second


def draw(scene: tuple[Thing, ...], rng: random.Random, side: int = 64) -> np.ndarray:
    """The scene as RGB `(side, side, 3)` uint8, on a ground that no thing vanishes in."""
    big = side * _SMOOTH
    picture = Image.new("RGB", (big, big), ground([COLOURS[thing.colour] for thing in scene], rng))
    pen = ImageDraw.Draw(picture)
    for thing in scene:
        colour = tuple(int(min(255, max(0, value + rng.gauss(0, 9)))) for value in COLOURS[thing.colour])
        pen.polygon([(x * big, y * big) for x, y in _outline(thing)], fill=colour)
    pixels = np.asarray(picture.resize((side, side), Image.Resampling.BOX), np.float32)
    noise = np.random.default_rng(rng.getrandbits(32)).normal(0, rng.choice((0, 2, 6)), pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def ground(used: list[tuple[int, int, int]], rng: random.Random) -> tuple[int, int, int]:
    """A ground far from all colours `used`: often light, at times dark, grey or coloured."""
    while True:
        level = rng.choice((rng.randint(225, 255), rng.randint(225, 255), rng.randint(0, 40), rng.randint(60, 200)))
        plain = rng.random() < 0.55
        chosen = (level, level, level) if plain else (rng.randint(0, 255), rng.randint(0, 255), rng.randint(0, 255))
        if all(sum(abs(a - b) for a, b in zip(chosen, colour, strict=True)) > 110 for colour in used):
            return chosen


def _outline(thing: Thing) -> list[tuple[float, float]]:
    """The corners of a thing, as shares of the side."""
    c, s = math.cos(thing.turn), math.sin(thing.turn)
    return [
        (thing.x + thing.size * (c * x - s * y), thing.y + thing.size * (s * x + c * y))
        for x, y in CORNERS[thing.shape]
    ]


def regular(corners: int, start: float, inner: float = 1.0) -> list[tuple[float, float]]:
    """A regular polygon whose every second corner lies `inner` from the middle."""
    steps = [(start + 2 * math.pi * i / corners, 1.0 if i % 2 == 0 else inner) for i in range(corners)]
    return [(radius * math.cos(angle), radius * math.sin(angle)) for angle, radius in steps]


def _heart() -> list[tuple[float, float]]:
    turns = [2 * math.pi * i / 40 for i in range(40)]
    return [
        (math.sin(t) ** 3, -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16)
        for t in turns
    ]


_UP = -math.pi / 2
_W = 0.34
CORNERS: dict[str, list[tuple[float, float]]] = {
    "circle": regular(48, 0.0),
    "square": [(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
    "triangle": [(0.0, -0.95), (1.0, 0.8), (-1.0, 0.8)],
    "star": regular(10, _UP, 0.42),
    "cross": [
        *((-_W, -1.0), (_W, -1.0), (_W, -_W), (1.0, -_W), (1.0, _W), (_W, _W)),
        *((_W, 1.0), (-_W, 1.0), (-_W, _W), (-1.0, _W), (-1.0, -_W), (-_W, -_W)),
    ],
    "diamond": [(0.0, -1.05), (0.7, 0.0), (0.0, 1.05), (-0.7, 0.0)],
    "hexagon": regular(6, 0.0),
    "heart": _heart(),
}
