"""Episodes: many small few-shot tasks drawn from one labelled set, the unit that benchmarks average over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from backends.core.errors import BadInput
from backends.fewshot.classifier import Classifier
from backends.fewshot.types import Support


@dataclass(frozen=True)
class Episode:
    """Rows to teach with and rows to ask; none is in both, and all classes are asked equally often."""

    shots: np.ndarray
    queries: np.ndarray


def episodes(
    labels: np.ndarray, shots: int, count: int, seed: int = 0, queries: int | None = None
) -> Iterator[Episode]:
    """`count` episodes over all classes; the i-th is the same whatever `count`.

    queries: a class; by default as many as the smallest class leaves.
    """
    classes = np.unique(labels)
    smallest = int(np.bincount(labels.astype(int))[classes].min())
    asked = smallest - shots if queries is None else queries
    if asked < 1 or shots + asked > smallest:
        raise BadInput(
            f"Each class needs {shots} pictures to teach and {max(asked, 1)} to ask; the smallest has {smallest}."
        )
    for number in range(count):
        random = np.random.default_rng([seed, number])
        rows = np.stack([random.permutation(np.flatnonzero(labels == label))[: shots + asked] for label in classes])
        yield Episode(rows[:, :shots].ravel(), rows[:, shots:].ravel())


@dataclass(frozen=True)
class Outcome:
    """One episode: share right among its queries, how sure it was, and what left-out shots foretold (NaN: nothing)."""

    accuracy: float
    sure: float
    foretold: float


def play(support: Support, queries: np.ndarray, truth: np.ndarray, head_id: str = "") -> Outcome:
    """Teach and ask; settings are chosen on the shots alone."""
    classifier = Classifier.fit(support, head_id)
    answers = classifier.predict(queries)
    foretold = classifier.left_out.accuracy
    return Outcome(
        float((answers.best == truth).mean()),
        float(answers.probabilities.max(axis=1).mean()),
        np.nan if foretold is None else foretold,
    )
