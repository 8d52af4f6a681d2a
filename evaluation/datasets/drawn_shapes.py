"""Few-shot episodes and questions of drawn shapes that the Flamingo starter never met: its held-out data, drawn anew.

Some outlines, fills and pairs of colour and shape are never trained on, nor are the names that new classes get here.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from evaluation.synthetic.scenes import COLOURS
from evaluation.synthetic.shape_questions import distinct_names
from evaluation.synthetic.shape_scenes import FILL_NAMES, Facts, Store, one, pair, several
from evaluation.synthetic.shapes import NEW_FILLS, NEW_SHAPES, SHAPES, apart, draw


@dataclass(frozen=True)
class Episode:
    """Pictures `(N, 64, 64, 3)`, the last of which is asked about, with the class of each, and names."""

    pictures: np.ndarray
    labels: list[int]
    names: list[str]


def new_class(kind: str, rng: random.Random) -> dict[str, str]:
    """One class of what was kept apart: a shape, a fill, or a pair of a colour and a shape."""
    if kind == "shape":
        return {"shape": rng.choice(list(NEW_SHAPES))}
    if kind == "fill":
        return {"fill": rng.choice(list(NEW_FILLS))}
    pairs = [(colour, shape) for colour in COLOURS for shape in SHAPES if apart(colour, shape)]
    return dict(zip(("colour", "shape"), rng.choice(pairs), strict=True))


def picture(given: dict[str, str], rng: random.Random) -> np.ndarray:
    """A new picture of a class; what the class does not say is drawn by chance."""
    shape = given.get("shape") or rng.choice(list(SHAPES))
    fill = given.get("fill") or "plain"
    return draw(one(rng, given.get("colour") or rng.choice(list(COLOURS)), shape, fill)[0], rng)


def new_classes(kind: str, ways: int, rng: random.Random) -> list[dict[str, str]]:
    """Some classes, no two alike."""
    classes: list[dict[str, str]] = []
    while len(classes) < ways:
        if (given := new_class(kind, rng)) not in classes:
            classes.append(given)
    return classes


def episode(kind: str, ways: int, shots: int, rng: random.Random) -> Episode:
    """`shots` pictures of each class in an order by chance, then one to ask about; names were kept apart as well."""
    classes = new_classes(kind, ways, rng)
    labels = [label for label in range(ways) for _ in range(shots)]
    rng.shuffle(labels)
    labels.append(rng.randrange(ways))
    pictures = np.stack([picture(classes[label], rng) for label in labels])
    return Episode(pictures, labels, distinct_names(ways, rng, apart=True))


def question_pictures(count: int, rng: random.Random) -> Store:
    """Pictures to ask about, of pairs of colour and shape that were kept apart."""
    pairs = [(colour, shape) for colour in COLOURS for shape in SHAPES if apart(colour, shape)]
    pictures, rows = [], []
    for number in range(count):
        first = rng.choice(pairs)
        if number % 3 == 0:
            fill = rng.choice(FILL_NAMES[:7]) if rng.random() < 0.5 else "plain"
            pieces, facts = one(rng, *first, fill)
        elif number % 3 == 1:
            pieces, facts = several(rng, *first, rng.randint(1, 5))
        else:
            second = rng.choice([other for other in pairs if other[0] != first[0]])
            pieces, facts = pair(rng, first, second, rng.randrange(4))
        pictures.append(draw(pieces, rng))
        rows.append(facts)
    return Store(np.stack(pictures), Facts(*np.array(rows, np.int16).T))
