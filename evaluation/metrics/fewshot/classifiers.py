"""How good a few-shot classifier is, measured on its shots alone: learning curve, reliability, confusion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backends.core.errors import BadInput
from backends.fewshot.heads import default_head, head_class
from backends.fewshot.types import Support
from evaluation.statistics.intervals import Interval, wilson

REPEATS = 10
MAX_POINTS = 12


@dataclass(frozen=True)
class CurvePoint:
    """The accuracy with `shots` images of each class.

    Attributes:
        shots: per class.
        accuracy: with its interval.
        correct: `(N,)`, for each shot of the support set, the fraction of the repeats that tested it in which it was
            classified correctly; NaN where none tested it.
    """

    shots: int
    accuracy: Interval
    correct: np.ndarray


def learning_curve(
    support: Support,
    head_id: str = "",
    shots: Sequence[int] | None = None,
    repeats: int = REPEATS,
    seed: int = 0,
) -> Iterator[CurvePoint]:
    """One point per number of shots, each as soon as it is computed.

    Shots are drawn at random `repeats` times; the head is fitted on them, hyperparameters included, and tested on the
    shots that were not drawn. A class with fewer images than asked for gives all but one; one with a single image is
    fitted and not tested where there is no text for it.

    The unit is the image: repeats are averaged within it, and the interval is Wilson's for as many images. That is
    conservative, since repeats also average over which shots were drawn.

    Args:
        support: all shots.
        head_id: a key of HEADS, or "" for the one that suits the drawn shots.
        shots: numbers per class; None for `points`.
        repeats: draws per point.
        seed: of the draws.

    Raises:
        BadInput: no class has two images.
    """
    counts, labels = support.counts, support.labels.astype(int)
    if counts.max(initial=0) < 2:
        raise BadInput("A learning curve needs at least two pictures of a class: one to teach with and one to test on.")
    for number in shots if shots is not None else points(int(counts.max()) - 1):
        tested, right = np.zeros(len(labels)), np.zeros(len(labels))
        for drawn in draws(support, number, repeats, seed):
            rest = np.setdiff1d(np.arange(len(labels)), drawn)
            fitted_on = support.subset(drawn)
            head = head_class(head_id or default_head(fitted_on))().fit(fitted_on)
            tested[rest] += 1
            right[rest] += head.scores(support.image_features[rest]).argmax(axis=1) == labels[rest]
        shares = np.where(tested > 0, right / np.maximum(tested, 1), np.nan)
        yield CurvePoint(number, mean_fraction(shares), shares)


def points(most: int) -> list[int]:
    """1 to `most`; past a dozen, a dozen in geometric steps.

    >>> points(3)
    [1, 2, 3]
    """
    if most <= MAX_POINTS:
        return list(range(1, most + 1))
    return sorted({round(value) for value in np.geomspace(1, most, MAX_POINTS)})


def draws(support: Support, shots: int, repeats: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Rows of `shots` random shots per class, leaving at least one of each to test on where possible.

    Within a class the tests rotate: no shot is tested twice before all were tested once.
    """
    random, waiting = np.random.default_rng([seed, shots]), [np.zeros(0, int) for _ in support.classes]
    for _ in range(repeats):
        taken = []
        for label, count in enumerate(support.counts):
            own = np.flatnonzero(support.labels == label)
            tested = max(count - shots, 1) if count > 1 or support.has_text[label] else 0
            tested = min(tested, count)
            if len(waiting[label]) < tested:
                others = np.setdiff1d(own, waiting[label])
                waiting[label] = np.r_[waiting[label], random.permutation(others)]
            taken.append(np.setdiff1d(own, waiting[label][:tested]))
            waiting[label] = waiting[label][tested:]
        yield np.sort(np.concatenate(taken))


def mean_fraction(shares: np.ndarray) -> Interval:
    """The mean of a fraction per unit, without NaN, and Wilson's interval for as many units."""
    known = shares[np.isfinite(shares)]
    if not len(known):
        return wilson(0, 0)
    return replace(wilson(round(float(known.sum())), len(known)), estimate=float(known.mean()))


@dataclass(frozen=True)
class Bin:
    """Predictions whose probability lies in `low` to `high`: their mean confidence, and their accuracy."""

    low: float
    high: float
    confidence: float
    accuracy: Interval


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram.

    Attributes:
        bins: those with predictions in them.
        calibration_error: the expected calibration error, Σ_b n_b / M · |accuracy_b − confidence_b|.
        sentence: confidence and accuracy in words.
        tone: which of the two is greater, in a few words.
    """

    bins: tuple[Bin, ...]
    calibration_error: float
    sentence: str
    tone: str = ""


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int | None = None) -> Reliability:
    """Confidence against accuracy in bins of equal width (Guo et al. 2017, section 2).

    Args:
        probabilities: `(M, C)`.
        labels: `(M,)` the true classes.
        bins: by default as many as leave about ten predictions in each, at most ten: with nearly empty bins the
            error of a few predictions is mostly chance.
    """
    best, count = probabilities.argmax(axis=1), len(labels)
    confidences, correct = probabilities.max(axis=1, initial=0), best == labels
    number = bins or int(np.clip(count // 10, 1, 10))
    place = np.minimum((confidences * number).astype(int), number - 1)
    found = []
    for index in range(number):
        own = np.flatnonzero(place == index)
        if len(own):
            interval = wilson(int(correct[own].sum()), len(own))
            found.append(Bin(index / number, (index + 1) / number, float(confidences[own].mean()), interval))
    error = sum(item.accuracy.count * abs(item.confidence - item.accuracy.estimate) for item in found) / max(count, 1)
    if not count:
        return Reliability((), 0.0, "No answer whose truth is known: there is nothing to compare probabilities with.")
    lead = float(confidences.mean() - correct.mean())
    tone = "about as sure as it is right" if abs(lead) < 0.05 else "surer than right" if lead > 0 else "too modest"
    sentence = f"On average {confidences.mean():.0%} sure and {correct.mean():.0%} right: {tone} ({count} pictures)."
    return Reliability(tuple(found), float(error), sentence, tone)


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix: `table` `(C, C)` counts the true class (row) against the predicted one (column); `rows` holds
    the indices of the predictions in each cell."""

    table: np.ndarray
    rows: dict[tuple[int, int], np.ndarray]

    def most_confused(self, label: int) -> tuple[int, int]:
        """The class that `label` is most often mistaken for, and how often; the first of equals."""
        others = self.table[label].copy()
        others[label] = -1
        return int(others.argmax()), int(max(others.max(), 0))


def confusion(labels: np.ndarray, answers: np.ndarray, classes: int, counted: np.ndarray | None = None) -> Confusion:
    """The confusion matrix of predictions.

    Args:
        labels: `(M,)` true classes.
        answers: `(M,)` predicted classes.
        classes: their number.
        counted: `(M,)` bool, which predictions count; None for all.

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).table
    array([[1, 1],
           [0, 1]])
    """
    rows = np.arange(len(labels)) if counted is None else np.flatnonzero(counted)
    table = np.zeros((classes, classes), int)
    np.add.at(table, (labels[rows], answers[rows]), 1)
    cells = {
        (int(true), int(given)): rows[(labels[rows] == true) & (answers[rows] == given)]
        for true, given in zip(*np.nonzero(table), strict=True)
    }
    return Confusion(table, cells)
