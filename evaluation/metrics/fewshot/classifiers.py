"""How good a few-shot classifier is, from the shots alone: learning curve, reliability, confusion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backends.core.errors import BadInput
from backends.fewshot.heads import head_class, usual
from backends.fewshot.types import Support
from evaluation.statistics.intervals import Interval, wilson

REPEATS = 10
MOST_POINTS = 12


@dataclass(frozen=True)
class CurvePoint:
    """How often pictures are right when each class is taught with `shots` of its pictures.

    `right` `(N,)` is, for each shot of the support, the share of the repeats that tested it and were right; NaN where
    none did.
    """

    shots: int
    accuracy: Interval
    right: np.ndarray


def learning_curve(
    support: Support,
    head_id: str = "",
    shots: Sequence[int] | None = None,
    repeats: int = REPEATS,
    seed: int = 0,
) -> Iterator[CurvePoint]:
    """One point a number of shots, each as soon as it is known.

    Shots are drawn at random `repeats` times; the head, settings and all, is taught with them and tested on the shots
    that were not drawn. A class with fewer pictures than asked gives all but one; one with a single picture teaches
    where there are no words for it, and then is not tested.

    The unit is the picture: repeats are averaged within it, and the interval is Wilson's for as many pictures. That is
    on the safe side, since repeats also average over which shots were drawn.
    """
    counts, labels = support.counts, support.labels.astype(int)
    if counts.max(initial=0) < 2:
        raise BadInput("A learning curve needs at least two pictures of a class: one to teach with and one to test on.")
    for number in shots if shots is not None else points(int(counts.max()) - 1):
        tested, right = np.zeros(len(labels)), np.zeros(len(labels))
        for drawn in draws(support, number, repeats, seed):
            rest = np.setdiff1d(np.arange(len(labels)), drawn)
            taught = support.chosen(drawn)
            head = head_class(head_id or usual(taught))().fit(taught)
            tested[rest] += 1
            right[rest] += head.scores(support.images[rest]).argmax(axis=1) == labels[rest]
        shares = np.where(tested > 0, right / np.maximum(tested, 1), np.nan)
        yield CurvePoint(number, share_of(shares), shares)


def points(most: int) -> list[int]:
    """1 to `most`; past a dozen, a dozen that lie closer at the beginning, where the curve bends."""
    if most <= MOST_POINTS:
        return list(range(1, most + 1))
    return sorted({round(value) for value in np.geomspace(1, most, MOST_POINTS)})


def draws(support: Support, shots: int, repeats: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Rows of `shots` random shots a class, leaving at least one of each to test on where that can be.

    Within a class the tests go round: no shot is tested twice before all were tested once.
    """
    random, waiting = np.random.default_rng([seed, shots]), [np.zeros(0, int) for _ in support.classes]
    for _ in range(repeats):
        taken = []
        for label, count in enumerate(support.counts):
            own = np.flatnonzero(support.labels == label)
            tested = max(count - shots, 1) if count > 1 or support.worded[label] else 0
            tested = min(tested, count)
            if len(waiting[label]) < tested:
                others = np.setdiff1d(own, waiting[label])
                waiting[label] = np.r_[waiting[label], random.permutation(others)]
            taken.append(np.setdiff1d(own, waiting[label][:tested]))
            waiting[label] = waiting[label][tested:]
        yield np.sort(np.concatenate(taken))


def share_of(shares: np.ndarray) -> Interval:
    """The mean of the shares of units, NaN aside, with Wilson's interval for as many units."""
    known = shares[np.isfinite(shares)]
    if not len(known):
        return wilson(0, 0)
    return replace(wilson(round(float(known.sum())), len(known)), estimate=float(known.mean()))


@dataclass(frozen=True)
class Bin:
    """Answers whose probability lies in `low` to `high`: how sure they were on average, and how often right."""

    low: float
    high: float
    sure: float
    accuracy: Interval


@dataclass(frozen=True)
class Reliability:
    """`gap` is the expected calibration error: the mean over answers of the distance of sure from right in their bin.

    `sentence` says it in words.
    """

    bins: tuple[Bin, ...]
    gap: float
    sentence: str


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int | None = None) -> Reliability:
    """Of answers `(M, C)` whose truth `(M,)` is known (Guo 2017, equations 1 to 5), bins of equal width.

    By default as many bins as leave about ten answers in each, at most ten: with empty bins the gap of a few answers
    is mostly chance.
    """
    best, count = probabilities.argmax(axis=1), len(labels)
    sure, right = probabilities.max(axis=1, initial=0), best == labels
    number = bins or int(np.clip(count // 10, 1, 10))
    place = np.minimum((sure * number).astype(int), number - 1)
    found = tuple(
        Bin(index / number, (index + 1) / number, float(sure[own].mean()), wilson(int(right[own].sum()), len(own)))
        for index in range(number)
        if len(own := np.flatnonzero(place == index))
    )
    gap = sum(item.accuracy.count * abs(item.sure - item.accuracy.estimate) for item in found) / max(count, 1)
    if not count:
        return Reliability((), 0.0, "No answer whose truth is known: there is nothing to compare probabilities with.")
    lead = float(sure.mean() - right.mean())
    tone = "about as sure as it is right" if abs(lead) < 0.05 else "surer than right" if lead > 0 else "too modest"
    sentence = f"On average {sure.mean():.0%} sure and {right.mean():.0%} right: {tone} ({count} pictures)."
    return Reliability(found, float(gap), sentence)


@dataclass(frozen=True)
class Confusion:
    """`table` `(C, C)`: how many of the true class (row) were answered with which (column); `rows` of each cell."""

    table: np.ndarray
    rows: dict[tuple[int, int], np.ndarray]

    def mistaken(self, label: int) -> tuple[int, int]:
        """The class that `label` is most often mistaken for, and how often; of equals the first."""
        others = self.table[label].copy()
        others[label] = -1
        return int(others.argmax()), int(max(others.max(), 0))


def confusion(labels: np.ndarray, answers: np.ndarray, classes: int, counted: np.ndarray | None = None) -> Confusion:
    """Of answers `(M,)`; those not `counted` `(M,)` bool are left out."""
    rows = np.arange(len(labels)) if counted is None else np.flatnonzero(counted)
    table = np.zeros((classes, classes), int)
    np.add.at(table, (labels[rows], answers[rows]), 1)
    cells = {
        (int(true), int(given)): rows[(labels[rows] == true) & (answers[rows] == given)]
        for true, given in zip(*np.nonzero(table), strict=True)
    }
    return Confusion(table, cells)
