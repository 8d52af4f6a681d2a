"""“None of these”: how like its answer a picture must be, found by leaving whole classes out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.fewshot.trust.leave_one_out import LeftOut
from backends.fewshot.types import Support

NEIGHBOURS = 3
MOST_REFUSED = 0.1
"""Share of known pictures that may be turned away to catch unknown ones."""

LEAST_GAIN = 0.2
"""How much larger the share caught must be than the share refused: below, it is a coin toss that annoys."""

SMIRNOV = 1.22
"""Times √(1/n + 1/m): the gain that the best cut through two samples of the same kind passes once in twenty."""

FEWEST = 4
BLOCK = 4096


@dataclass(frozen=True)
class Scale:
    """What is normal for pictures that belong: mean and spread of a similarity; `spread` 0: not known."""

    mean: float = 0.0
    spread: float = 0.0

    @classmethod
    def of(cls, values: np.ndarray) -> Scale:
        known = values[np.isfinite(values)]
        return cls(float(known.mean()), float(known.std())) if len(known) >= FEWEST else cls()

    def standard(self, values: np.ndarray) -> np.ndarray:
        return (values - self.mean) / self.spread if self.spread > 1e-9 else np.full(values.shape, np.nan)


@dataclass(frozen=True)
class Rejection:
    """When to answer “none of these”: below `threshold` of familiarity; None: never, and `sentence` says why.

    Familiarity is how near a picture is to the class it was answered with: the mean cosine to the three nearest shots,
    and the cosine to the words above the mean over all classes' words, each in spreads of what is normal for shots
    that were left out, and the mean of both where there are both. Softmax cannot be used: with two classes one of
    them always gets half.

    caught: share of the shots that were turned away when their class was left out, though taught to no class.
    refused: share of the left-out shots that would be turned away though their class was there.
    """

    pictures: Scale
    words: Scale
    threshold: float | None
    caught: float
    refused: float
    sentence: str


def find(support: Support, left: LeftOut) -> Rejection:
    """Known are the left-out shots; unknown are the same shots with all of their class left out.

    For the second the head is not taught anew: its answer is the best of the other classes. That is one class less to
    be like by chance, so from the known one of the other classes is left out too, each in turn: it matters where that
    class was the answer. The threshold is where the
    share caught exceeds the share refused the most, with at most one in ten refused; there is none if that is no more
    than chance finds among so few.
    """
    rows = np.flatnonzero(left.measurable)
    if len(rows) < FEWEST or len(np.unique(left.labels)) < 2:
        few = "“None of these” is off: to find how unlike is too unlike takes at least two pictures in two classes."
        return Rejection(Scale(), Scale(), None, 0.0, 0.0, few)
    images, labels = support.images.astype(float), left.labels
    cosines = images[rows] @ images.T
    cosines[np.arange(len(rows)), rows] = np.nan  # no shot is its own neighbour
    known = left.answers[rows]
    unknown, second = (_best_but(left.scores[rows], gone) for gone in (labels[rows], known))
    words = word_similarity(support, images[rows])
    scales = (Scale.of(nearness(cosines, labels, known)), Scale.of(picked(words, known)))
    inside, outside, again = (
        together(scales, nearness(cosines, labels, answers), picked(words, answers))
        for answers in (known, unknown, second)
    )
    share = np.where(known == labels[rows], 0, 1 / (len(support.classes) - 1))
    return _best(scales, (np.r_[inside, again], np.r_[1 - share, share]), outside[np.isfinite(outside)])


def _best_but(scores: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """`(M,)` the best class of each row when class `gone` `(M,)` is not there."""
    scores = scores.copy()
    scores[np.arange(len(scores)), gone] = -np.inf
    return scores.argmax(axis=1)


def _best(scales: tuple[Scale, Scale], known: tuple[np.ndarray, np.ndarray], outside: np.ndarray) -> Rejection:
    """`known` are familiarities and how much each counts."""
    counted = np.isfinite(known[0]) & (known[1] > 0)
    order = np.argsort(known[0][counted])
    inside, shares = known[0][counted][order], known[1][counted][order]
    if len(inside) < FEWEST or not len(outside):
        same = "“None of these” is off: the examples do not show how unlike an unknown picture would be."
        return Rejection(*scales, None, 0.0, 0.0, same)
    edges = np.unique(np.r_[inside, outside])
    cuts = (edges[1:] + edges[:-1]) / 2
    refused = np.r_[0, np.cumsum(shares)][np.searchsorted(inside, cuts)] / shares.sum()
    caught = np.searchsorted(np.sort(outside), cuts) / len(outside)
    gain = np.where(refused <= MOST_REFUSED, caught - refused, -1)
    chance = SMIRNOV * np.sqrt(1 / shares.sum() + 1 / len(outside))
    if not len(cuts) or gain.max() < max(LEAST_GAIN, chance):
        alike = "“None of these” is off: pictures of a class that is not there look as familiar as those that belong."
        return Rejection(*scales, None, 0.0, 0.0, alike)
    best = int(gain.argmax())
    sentence = (
        f"“None of these” would turn away {caught[best]:.0%} of your pictures had their class been left out, "
        f"and wrongly {refused[best]:.0%} of those that belong."
    )
    return Rejection(*scales, float(cuts[best]), float(caught[best]), float(refused[best]), sentence)


def familiarity(support: Support, rejection: Rejection, queries: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """`(M,)` how like its answer each query is, 0 for a usual picture that belongs; NaN where there is no measure."""
    queries, result = queries.astype(float), np.empty(len(queries))
    scales, images = (rejection.pictures, rejection.words), support.images.astype(float)
    for start in range(0, len(queries), BLOCK):
        part, given = queries[start : start + BLOCK], answers[start : start + BLOCK]
        near = nearness(part @ images.T, support.labels.astype(int), given)
        result[start : start + BLOCK] = together(scales, near, picked(word_similarity(support, part), given))
    return result


def together(scales: tuple[Scale, Scale], pictures: np.ndarray, words: np.ndarray) -> np.ndarray:
    """The mean of what is known of the two, `(M,)`."""
    both = np.stack([scale.standard(values) for scale, values in zip(scales, (pictures, words), strict=True)])
    known = np.isfinite(both)
    total = np.where(known, both, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def nearness(cosines: np.ndarray, labels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Mean of the three largest cosines `(M,)` to shots of the answered class; NaN where it has none.

    cosines: `(M, N)`; NaN entries do not count.
    """
    result = np.full(len(answers), np.nan)
    for answer in np.unique(answers):
        rows, own = np.flatnonzero(answers == answer), np.flatnonzero(labels == answer)
        if not len(own):
            continue
        near = np.where(np.isnan(cosines[np.ix_(rows, own)]), -np.inf, cosines[np.ix_(rows, own)])
        near = -np.sort(-near, axis=1)[:, :NEIGHBOURS]
        known = np.isfinite(near)
        total = np.where(known, near, 0).sum(axis=1)
        result[rows] = np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)
    return result


def word_similarity(support: Support, queries: np.ndarray) -> np.ndarray:
    """Cosine to each class's words above the mean over all that have words, `(M, C)`; NaN without."""
    if support.words is None or support.worded.sum() < 2:
        return np.full((len(queries), len(support.classes)), np.nan)
    cosines = queries @ support.words.astype(float).T
    return cosines - cosines[:, support.worded].mean(axis=1, keepdims=True)


def picked(values: np.ndarray, answers: np.ndarray) -> np.ndarray:
    return values[np.arange(len(answers)), answers]
