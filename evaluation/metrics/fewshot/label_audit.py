"""Shots to review: near-duplicates, outliers of their class, and probable label errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backends.fewshot.calibration import probabilities
from backends.fewshot.classifier import Classifier
from backends.fewshot.near_copies import BURST_SIZE
from backends.fewshot.trust.out_of_distribution import shot_similarity
from backends.fewshot.types import Support

DUPLICATE_FRACTION = 0.2
"""Two shots are nearly one when they are this small a part of the usual distance to the nearest other shot apart."""

DUPLICATE_DISTANCE = 1e-4
OUTLIER_SPREADS = 4.0
"""Robust spreads from which on a shot is unlike its class; Iglewicz and Hoaglin (1993) have 3.5 for normal values."""

MIN_RATIO, MIN_ACCURACY = 4.0, 0.6
"""How many times likelier than its own name another must be, and the leave-one-out accuracy from
which a mistake says something about the label: with a weak model it says more about the model."""

MIN_SHOTS = 4


@dataclass(frozen=True)
class Flag:
    """One finding.

    Attributes:
        kind: “duplicate”, “outlier” or “mislabelled”.
        shots: rows of the support set.
        sentence: for the user.
        strength: sorts flags of one kind.
        label: the class that a mislabelled shot looks like, else -1.
    """

    kind: str
    shots: tuple[int, ...]
    sentence: str
    strength: float
    label: int = -1


def flags(classifier: Classifier, names: Sequence[str] | None = None) -> list[Flag]:
    """All flags, those that hurt most first; `names` `(N,)` are what the shots are called in the sentences."""
    support = classifier.support
    called = list(names) if names is not None else [f"picture {row + 1}" for row in range(len(support.labels))]
    twice = duplicates(support, called)
    wrong = mislabelled(classifier, called)
    known = {row for flag in wrong for row in flag.shots}
    unlike = [flag for flag in outliers(support, called) if not known & set(flag.shots)]
    return [*wrong, *twice, *unlike]


def duplicates(support: Support, names: Sequence[str]) -> list[Flag]:
    """Pairs of shots that are nearly the same picture; in two classes, that is a mistake for sure.

    What “nearly” is depends on the features, so distances (1 − cosine) are compared with the usual one from a shot to
    the nearest other.
    """
    count = len(support.labels)
    if count < 2:
        return []
    images = support.image_features.astype(float)
    apart = np.maximum(1 - images @ images.T, 0)
    np.fill_diagonal(apart, np.inf)
    # The usual distance is that between different pictures: among many copies it would be the copies' own.
    distinct = support.distinct_rows
    usual = apart[np.ix_(distinct, distinct)].min(axis=1)
    limit = (
        max(DUPLICATE_FRACTION * float(np.median(usual)), DUPLICATE_DISTANCE)
        if len(distinct) >= MIN_SHOTS
        else DUPLICATE_DISTANCE
    )
    found, size = _bursts(support, names), np.bincount(support.groups, minlength=count)[support.groups]
    # The pictures of a burst are one finding, not one for each pair of them.
    same_burst = (support.groups[:, None] == support.groups[None]) & (size >= BURST_SIZE)
    for one, other in zip(*np.nonzero(np.triu((apart < limit) & ~same_burst, 1)), strict=True):
        first, second = (support.classes[support.labels[row]] for row in (one, other))
        where = f"in “{first}”" if first == second else f"once in “{first}” and once in “{second}”"
        sentence = f"{names[one]} and {names[other]} are nearly the same picture, {where}."
        strength = 1 - apart[one, other] / limit + (first != second)
        found.append(Flag("duplicate", (int(one), int(other)), sentence, float(strength)))
    return sorted(found, key=lambda flag: -flag.strength)


def _bursts(support: Support, names: Sequence[str]) -> list[Flag]:
    """One flag for each group of near copies that is larger than a pair."""
    heads, counts = np.unique(support.groups, return_counts=True)
    found = []
    for head, number in zip(heads[counts >= BURST_SIZE], counts[counts >= BURST_SIZE], strict=True):
        rows = tuple(np.flatnonzero(support.groups == head).tolist())
        where = support.classes[int(support.labels[head])]
        sentence = f"{number} pictures in “{where}” are nearly the same, such as {names[rows[0]]}: they count as one."
        found.append(Flag("duplicate", rows, sentence, 1.0))
    return found


def outliers(support: Support, names: Sequence[str]) -> list[Flag]:
    """Shots that lie further from the others of their class than those from each other, by far.

    Nearness is the mean cosine to the three nearest of the class; each is compared with the median of its class, in
    robust spreads (1.4826 times the median absolute deviation) of all classes together.
    """
    labels, counts = support.labels.astype(int), support.counts
    rows = np.flatnonzero(counts[labels] >= MIN_SHOTS)
    if not len(rows):
        return []
    images = support.image_features.astype(float)
    cosines = images @ images.T
    np.fill_diagonal(cosines, np.nan)
    near = shot_similarity(cosines, labels, labels)
    below = np.zeros(len(labels))
    for label in np.flatnonzero(counts >= MIN_SHOTS):
        own = labels == label
        below[own] = np.median(near[own]) - near[own]
    spread = 1.4826 * float(np.median(np.abs(below[rows])))
    if spread <= 1e-9:
        return []
    found = [
        Flag(
            "outlier",
            (row,),
            f"{names[row]} is unlike the other pictures of “{support.classes[labels[row]]}”: is it a good example?",
            float(below[row] / spread),
        )
        for row in rows.tolist()
        if below[row] > OUTLIER_SPREADS * spread
    ]
    return sorted(found, key=lambda flag: -flag.strength)


def mislabelled(classifier: Classifier, names: Sequence[str]) -> list[Flag]:
    """Shots that, left out, are answered with another class as surely as that class's own shots are.

    This is the rule of confident learning (Northcutt 2021, section 3.1): the bar of a class is the mean probability
    that left-out shots of it get for it. Alone it would flag most of the mistakes of a weak model, so the other class
    must also be far likelier than the own, and likelier than not.
    """
    left, support = classifier.loo, classifier.support
    if left.counted < MIN_SHOTS or (left.accuracy or 0) < MIN_ACCURACY:
        return []
    shares = probabilities(left.scores, classifier.temperature)
    labels, answers = left.labels, left.predictions
    counted = [left.measurable & (labels == label) for label in range(len(support.classes))]
    bars = np.array([shares[some, label].mean() if some.any() else np.inf for label, some in enumerate(counted)])
    sure, own = shares.max(axis=1), shares[np.arange(len(labels)), labels]
    odd = left.measurable & (answers != labels) & (sure >= np.maximum(bars[answers], 0.5)) & (sure >= MIN_RATIO * own)
    rows = np.flatnonzero(odd)
    found = [
        Flag(
            "mislabelled",
            (row,),
            f"{names[row]} is filed under “{support.classes[labels[row]]}” but looks like “"
            f"{support.classes[answers[row]]}” ({shares[row].max():.0%}): check its name.",
            float(shares[row].max() - shares[row, labels[row]]),
            int(answers[row]),
        )
        for row in rows.tolist()
    ]
    return sorted(found, key=lambda flag: -flag.strength)
