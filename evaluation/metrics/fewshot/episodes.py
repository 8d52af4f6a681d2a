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
    """Rows to fit on and rows to classify; none is in both, and all classes are queried equally often."""

    shots: np.ndarray
    queries: np.ndarray


def episodes(
    labels: np.ndarray, shots: int, count: int, seed: int = 0, queries: int | None = None
) -> Iterator[Episode]:
    """`count` episodes over all classes; the i-th is the same whatever `count`.

    Args:
        labels: `(N,)` of the set.
        shots: per class.
        count: of episodes.
        seed: of the draw.
        queries: per class; by default as many as the smallest class leaves.

    Raises:
        BadInput: a class is too small.
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
class EpisodeResult:
    """Accuracy and mean confidence on the queries of one episode, and the leave-one-out accuracy of its shots."""

    accuracy: float
    confidence: float
    loo_accuracy: float  # NaN where no shot can be left out


def run_episode(support: Support, queries: np.ndarray, truth: np.ndarray, head_id: str = "") -> EpisodeResult:
    """Fit a classifier on the support set and classify the queries.

    Args:
        support: whose shots alone select the hyperparameters.
        queries: `(M, D)` features.
        truth: `(M,)` their classes.
        head_id: a key of HEADS, or "" for the one that suits the support set.
    """
    classifier = Classifier.fit(support, head_id)
    answers = classifier.predict(queries)
    loo_accuracy = classifier.loo.accuracy
    return EpisodeResult(
        float((answers.best == truth).mean()),
        float(answers.probabilities.max(axis=1).mean()),
        np.nan if loo_accuracy is None else loo_accuracy,
    )
