"""“None of these”: how similar an image must be to its predicted class, learned by leaving whole classes out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.fewshot.trust.leave_one_out import LeaveOneOut
from backends.fewshot.types import Support

NEIGHBOURS = 3
MAX_FALSE_REJECTION_RATE = 0.1
"""Fraction of known images that may be rejected to recognise unknown ones."""

MIN_GAIN = 0.2
"""How much larger the rejection recall must be than the false rejection rate: below, rejecting is a coin toss."""

SMIRNOV = 1.22
"""Times √(1/n + 1/m): the largest gap between two samples of the same distribution exceeds this once in ten, and in
one given direction once in twenty (Kolmogorov-Smirnov)."""

MIN_SHOTS = 4
BLOCK = 4096


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of a similarity over images that belong; `spread` 0: not known."""

    mean: float = 0.0
    spread: float = 0.0

    @classmethod
    def fit(cls, values: np.ndarray) -> Scale:
        known = values[np.isfinite(values)]
        return cls(float(known.mean()), float(known.std())) if len(known) >= MIN_SHOTS else cls()

    def z_scores(self, values: np.ndarray) -> np.ndarray:
        return (values - self.mean) / self.spread if self.spread > 1e-9 else np.full(values.shape, np.nan)


@dataclass(frozen=True)
class Rejection:
    """When to answer “none of these”: where the in-class score is below `threshold`; None: never.

    The in-class score says how similar an image is to the class it was assigned to: the mean cosine to the three
    nearest shots, and the cosine to the text features above the mean over all classes, each as a z-score over left-out
    shots; the mean of both where there are both. The softmax cannot be used: of two classes one always gets half.

    Attributes:
        images, text: what the two similarities are over shots that belong.
        threshold: of the in-class score.
        rejection_recall: fraction of the shots that are rejected when their class is left out.
        false_rejection_rate: fraction of the left-out shots that are rejected though their class is there; both are of
            thresholds that were chosen without the class.
        sentence: both rates in words, or why there is no threshold.
    """

    images: Scale
    text: Scale
    threshold: float | None
    rejection_recall: float
    false_rejection_rate: float
    sentence: str


def fit_rejection(support: Support, loo: LeaveOneOut) -> Rejection:
    """Choose the threshold by leaving classes out.

    Known are the left-out shots; unknown are the same shots with all of their class left out. For the second the head
    is not refitted: the prediction is the best of the other classes. That is one class less to be similar to by
    chance, so from the known images one of the other classes is left out too, each in turn: this matters where that
    class was the prediction. The threshold is where recall exceeds false rejections the most (Youden's index), with at
    most one in ten rejected falsely.

    Both rates are measured on shots that had no part in it: for each class the threshold is chosen on the others.
    There is no threshold if the gain on them is no larger than chance gives among so few.
    """
    rows = np.flatnonzero(loo.measurable)
    if len(rows) < MIN_SHOTS or len(np.unique(loo.labels[rows])) < 2:
        few = "“None of these” is off: to find how unlike is too unlike takes at least two pictures in two classes."
        return Rejection(Scale(), Scale(), None, 0.0, 0.0, few)
    features, labels = support.image_features.astype(float), loo.labels
    cosines = features[rows] @ features.T
    cosines[support.groups[rows][:, None] == support.groups[None]] = np.nan  # no shot is its own neighbour, or a copy
    known = loo.predictions[rows]
    unknown, second = (_best_without(loo.scores[rows], removed) for removed in (labels[rows], known))
    text = text_similarity(support, features[rows])
    scales = (Scale.fit(shot_similarity(cosines, labels, known)), Scale.fit(at_predictions(text, known)))
    inside, outside, without_other = (
        mean_z_score(scales, shot_similarity(cosines, labels, predicted), at_predictions(text, predicted))
        for predicted in (known, unknown, second)
    )
    # The probability that the class left out beside it was the (wrong) prediction.
    weight = np.where(known == labels[rows], 0, 1 / (len(support.classes) - 1))
    trials = Trials(np.r_[inside, without_other], np.r_[1 - weight, weight], np.tile(labels[rows], 2), outside)
    return _rejection(scales, trials.usable())


@dataclass(frozen=True)
class Trials:
    """In-class scores of shots as known images and as unknown ones.

    Attributes:
        inside: `(K,)` scores of known images.
        weights: `(K,)` how much each of them counts.
        inside_labels: `(K,)` their classes.
        outside: `(U,)` scores of the same shots once their class was left out.
        outside_labels: `(U,)` their classes; None until `usable`: those of the first U known ones.
    """

    inside: np.ndarray
    weights: np.ndarray
    inside_labels: np.ndarray
    outside: np.ndarray
    outside_labels: np.ndarray | None = None

    def usable(self) -> Trials:
        """Without scores that could not be measured."""
        known, unknown = np.isfinite(self.inside) & (self.weights > 0), np.isfinite(self.outside)
        labels = self.inside_labels[: len(self.outside)][unknown]
        return Trials(self.inside[known], self.weights[known], self.inside_labels[known], self.outside[unknown], labels)

    def split(self, label: int) -> tuple[Trials, Trials]:
        """Those of the other classes, and those of this class."""
        assert self.outside_labels is not None
        own, unknown = self.inside_labels == label, self.outside_labels == label
        return self._part(~own, ~unknown), self._part(own, unknown)

    def _part(self, known: np.ndarray, unknown: np.ndarray) -> Trials:
        assert self.outside_labels is not None
        return Trials(
            self.inside[known],
            self.weights[known],
            self.inside_labels[known],
            self.outside[unknown],
            self.outside_labels[unknown],
        )

    def best_threshold(self) -> float | None:
        """Where recall exceeds false rejections the most; None if there is nothing to choose between."""
        edges = np.unique(np.r_[self.inside, self.outside])
        cuts = (edges[1:] + edges[:-1]) / 2
        if not len(self.inside) or not len(self.outside) or not len(cuts):
            return None
        order = np.argsort(self.inside)
        total = np.r_[0, np.cumsum(self.weights[order])]
        false_rejections = total[np.searchsorted(self.inside[order], cuts)] / total[-1]
        recall = np.searchsorted(np.sort(self.outside), cuts) / len(self.outside)
        gain = np.where(false_rejections <= MAX_FALSE_REJECTION_RATE, recall - false_rejections, -1)
        return float(cuts[int(gain.argmax())])

    def rejected(self, threshold: float) -> tuple[float, float]:
        """How many unknown images are below the threshold, and the weight of the known ones."""
        return float((self.outside < threshold).sum()), float(self.weights[self.inside < threshold].sum())


def _rejection(scales: tuple[Scale, Scale], trials: Trials) -> Rejection:
    """The threshold from all trials, with the rates of each class under the threshold from the others."""
    if len(trials.inside) < MIN_SHOTS or not len(trials.outside):
        same = "“None of these” is off: the examples do not show how unlike an unknown picture would be."
        return Rejection(*scales, None, 0.0, 0.0, same)
    found = wrong = 0.0
    for label in np.unique(trials.inside_labels):
        others, own = trials.split(int(label))
        threshold = others.best_threshold()
        if threshold is not None:
            of_unknown, of_known = own.rejected(threshold)
            found, wrong = found + of_unknown, wrong + of_known
    total = float(trials.weights.sum())
    recall, false_rejections = found / len(trials.outside), wrong / total
    chance = SMIRNOV * np.sqrt(1 / total + 1 / len(trials.outside))
    threshold = trials.best_threshold()
    if threshold is None or recall - false_rejections < max(MIN_GAIN, chance):
        alike = "“None of these” is off: pictures of a class that is not there look as familiar as those that belong."
        return Rejection(*scales, None, 0.0, 0.0, alike)
    sentence = (
        f"“None of these” was tried on your own classes only: with its class left out, {recall:.0%} of the pictures "
        f"were turned away, and wrongly {false_rejections:.0%} of those that belong. Nothing else was tried: things "
        "of other kinds can look more familiar and still get the name of a class."
    )
    return Rejection(*scales, threshold, recall, false_rejections, sentence)


def _best_without(scores: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """`(M,)` the best class of each row of scores when class `removed` `(M,)` is not there."""
    scores = scores.copy()
    scores[np.arange(len(scores)), removed] = -np.inf
    return scores.argmax(axis=1)


def in_class_score(support: Support, rejection: Rejection, queries: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """How similar each query is to its predicted class, as a z-score.

    Args:
        support: the shots.
        rejection: the scales of the two similarities.
        queries: `(M, D)` unit vectors.
        predictions: `(M,)` index of a class each.

    Returns:
        `(M,)`: 0 for a typical image that belongs, below for less similar ones; NaN where nothing can be measured.
    """
    queries, result = queries.astype(float), np.empty(len(queries))
    scales, features = (rejection.images, rejection.text), support.image_features.astype(float)
    for start in range(0, len(queries), BLOCK):
        part, predicted = queries[start : start + BLOCK], predictions[start : start + BLOCK]
        near = shot_similarity(part @ features.T, support.labels.astype(int), predicted)
        text = at_predictions(text_similarity(support, part), predicted)
        result[start : start + BLOCK] = mean_z_score(scales, near, text)
    return result


def mean_z_score(scales: tuple[Scale, Scale], images: np.ndarray, text: np.ndarray) -> np.ndarray:
    """`(M,)` the mean of those of the two z-scores that are known."""
    both = np.stack([scale.z_scores(values) for scale, values in zip(scales, (images, text), strict=True)])
    known = np.isfinite(both)
    total = np.where(known, both, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def shot_similarity(cosines: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Mean of the three largest cosines to shots of the predicted class, `(M,)`; NaN where the class has no shot.

    Args:
        cosines: `(M, N)`; NaN entries do not count.
        labels: `(N,)` of the shots.
        predictions: `(M,)`.

    >>> shot_similarity(np.array([[0.2, 0.4, 0.9]]), np.array([0, 0, 1]), np.array([0])).round(2)
    array([0.3])
    """
    result = np.full(len(predictions), np.nan)
    for label in np.unique(predictions):
        rows, own = np.flatnonzero(predictions == label), np.flatnonzero(labels == label)
        if not len(own):
            continue
        near = np.where(np.isnan(cosines[np.ix_(rows, own)]), -np.inf, cosines[np.ix_(rows, own)])
        near = -np.sort(-near, axis=1)[:, :NEIGHBOURS]
        known = np.isfinite(near)
        total = np.where(known, near, 0).sum(axis=1)
        result[rows] = np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)
    return result


def text_similarity(support: Support, queries: np.ndarray) -> np.ndarray:
    """Cosine to the text features of each class above the mean over all classes with text, `(M, C)`; NaN without."""
    if support.text_features is None or support.has_text.sum() < 2:
        return np.full((len(queries), len(support.classes)), np.nan)
    cosines = queries @ support.text_features.astype(float).T
    return cosines - cosines[:, support.has_text].mean(axis=1, keepdims=True)


def at_predictions(values: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """`(M,)`: of `values` `(M, C)` the entry of each row's predicted class."""
    return values[np.arange(len(predictions)), predictions]
