"""Cross-validation folds that leave one shot of every class out at once, so that no class is one shot short.

With two shots per class, plain leave-one-out pits the class of the left-out shot, known by one example, against classes
known by two. The score of a class with fewer shots is noisier, and among many classes the noisiest is too often the
largest, or never is: either way the estimate says little about a classifier that is fitted on balanced classes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backends.fewshot.types import Support

MAX_THIN_COUNT, MAX_THIN_SHOTS = 8, 400
"""From nine shots per class on one shot makes no difference; past 400 in all, a dozen refits take too long."""

MAX_FOLDS, MAX_FOLDS_IF_MANY = 16, 3


def is_thin(support: Support) -> bool:
    """Whether some class has so few shots that leaving one out matters."""
    counts = support.counts
    return len(support.labels) <= MAX_THIN_SHOTS and bool(((counts > 0) & (counts <= MAX_THIN_COUNT)).any())


def folds(support: Support, max_folds: int = MAX_FOLDS) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to test on and rows to fit with; each row is tested in exactly one fold.

    Fold j leaves the j-th shot of every class out, starting again in classes that have fewer; where classes have more
    shots than there may be folds, each fold leaves several out. Shots alone in their class are left out last, all
    together: otherwise other shots would be tested without their class.
    """
    labels, counts = support.labels.astype(int), support.counts
    rank = rank_in_class(labels)
    own = counts[labels]
    alone = own == 1
    number = min(int(counts.max(initial=0)), max_folds)
    if (counts > 1).any():
        for fold in range(max(number, 2)):
            left_out = np.where(own >= number, rank % number == fold, rank == fold % np.maximum(own, 1)) & ~alone
            tested = left_out & (rank % max(number, 2) == fold)
            yield np.flatnonzero(tested), np.flatnonzero(~left_out)
    if alone.any():
        yield np.flatnonzero(alone), np.flatnonzero(~alone)


def rank_in_class(labels: np.ndarray) -> np.ndarray:
    """`(N,)`: how many shots of the same class come before each.

    >>> rank_in_class(np.array([0, 1, 0, 0, 1]))
    array([0, 0, 1, 2, 1])
    """
    order = np.argsort(labels, kind="stable")
    ranks = np.empty(len(labels), int)
    starts = np.searchsorted(labels[order], labels[order])
    ranks[order] = np.arange(len(labels)) - starts
    return ranks
