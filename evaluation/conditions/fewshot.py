"""Episodes made harder: worse questions, fewer examples, and words with mistakes."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial

import numpy as np

from evaluation.conditions.base import Condition
from evaluation.conditions.pictures import CHANGES, WARPS, Change
from evaluation.datasets.base import Sample


def change_queries(change: Change, sample: Sample, level: float, rng: np.random.Generator) -> Sample:
    """Every picture that is asked about is changed; the examples stay as they are."""
    from PIL import Image

    changed = []
    for data in sample.inputs["queries"]:
        with Image.open(io.BytesIO(data)) as picture:
            rgb = change(np.asarray(picture.convert("RGB")), level, rng)
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(rgb)).save(file, "PNG")
        changed.append(file.getvalue())
    return replace(sample, inputs={**sample.inputs, "queries": changed})


def shots(sample: Sample, count: float, rng: np.random.Generator) -> Sample:
    """Only the first `count` examples of each class."""
    labels = np.asarray(sample.inputs["labels"])
    rows = [row for label in np.unique(labels) for row in np.flatnonzero(labels == label)[: int(count)]]
    pictures = [sample.inputs["shots"][row] for row in rows]
    return replace(sample, inputs={**sample.inputs, "shots": pictures, "labels": labels[rows]})


def typos(sample: Sample, share: float, rng: np.random.Generator) -> Sample:
    """In each name or caption a `share` of the letters, at least one, is replaced by another letter."""
    return _reworded(sample, [_mistyped(text, share, rng) for text in _texts(sample)])


PHRASES = (
    ("a picture of a {}", "a photograph that shows a {}", "an image with a {} in it"),
    ("here one can see a {}", "this looks like a {}", "somebody took a picture of a {}"),
    ("the thing in the middle is called {}", "ask anybody and they will say: {}", "what you see is known as {}"),
    ("among other things there is, as far as one can tell, a {}", "if it is anything at all, then it is a {}", "{}?"),
    ("I have no idea about pictures, but somebody wrote {} below it", "not a dog, not a house, but {}", "{} {} {}"),
)
"""Ways to say the same, from near the usual wording to far from it."""


def paraphrase(sample: Sample, level: float, rng: np.random.Generator) -> Sample:
    """Names and captions stand in another sentence that says the same; further from the usual one as it rises."""
    phrases = PHRASES[int(level) - 1]
    if "captions" not in sample.inputs:
        template = str(rng.choice(phrases)).replace("{}", "{c}")
        return replace(sample, inputs={**sample.inputs, "templates": (template,)})
    return _reworded(sample, [str(rng.choice(phrases)).replace("{}", text) for text in _texts(sample)])


def _texts(sample: Sample) -> list[str]:
    return list(sample.inputs["captions"] if "captions" in sample.inputs else sample.inputs["names"])


def _reworded(sample: Sample, texts: list[str]) -> Sample:
    return replace(sample, inputs={**sample.inputs, "captions" if "captions" in sample.inputs else "names": texts})


def _mistyped(name: str, share: float, rng: np.random.Generator) -> str:
    letters = list(name)
    places = [place for place, letter in enumerate(letters) if letter.isalpha()]
    if places:
        for place in rng.choice(places, max(1, round(share * len(places))), replace=False):
            letters[place] = chr(ord("a") + int(rng.integers(26)))
    return "".join(letters)


CONDITIONS = (
    *(
        Condition(name, title, unit, levels, partial(change_queries, change))
        for name, title, unit, levels, change in (*CHANGES, *WARPS)
    ),
    Condition("shots", "Fewer examples", "a class", (5, 4, 3, 2, 1), shots),
    Condition("paraphrase", "Said in other words", "steps from the usual wording", (1, 2, 3, 4, 5), paraphrase),
    Condition("typos", "Typos in the names", "of the letters", (0.1, 0.2, 0.3, 0.5, 0.8), typos),
)
