"""Cross-validation folds that leave one shot of every class out at once, so that no class is one shot short.

With two shots per class, plain leave-one-out pits the class of the left-out shot, known by one example, against classes
known by two. The score of a class with fewer shots is noisier, and among many classes the noisiest is too often the
largest, or never is: either way the estimate says little about a classifier that is fitted on balanced classes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backends.fewshot.near_copies import canonical_ranks
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

    The unit is a group of near copies, most often one shot: what is tested has no copy among what is fitted. Fold j
    leaves the j-th group of every class out, starting again in classes that have fewer; where classes have more
    groups than there may be folds, each fold leaves several out. Groups alone in their class are left out last, all
    together: otherwise other shots would be tested without their class. Which group is the j-th depends on the
    features alone, so that the same examples in another order give the same folds.
    """
    heads = support.distinct_rows  # one row a group
    labels = support.labels[heads].astype(int)
    counts = np.bincount(labels, minlength=len(support.classes))
    rank = rank_in_class(labels, canonical_ranks(support.image_features[heads]))
    own = counts[labels]
    alone = own == 1
    number = min(int(counts.max(initial=0)), max_folds)
    if (counts > 1).any():
        for fold in range(max(number, 2)):
            left_out = np.where(own >= number, rank % number == fold, rank == fold % np.maximum(own, 1)) & ~alone
            tested = left_out & (rank % max(number, 2) == fold)
            yield _rows_of(support, heads[tested]), _rows_of(support, heads[~left_out])
    if alone.any():
        yield _rows_of(support, heads[alone]), _rows_of(support, heads[~alone])


def _rows_of(support: Support, heads: np.ndarray) -> np.ndarray:
    """All rows of these groups."""
    return np.flatnonzero(np.isin(support.groups, heads))


def rank_in_class(labels: np.ndarray, order: np.ndarray | None = None) -> np.ndarray:
    """`(N,)`: how many shots of the same class come before each, in the order of the rows or of `order` `(N,)`.

    >>> rank_in_class(np.array([0, 1, 0, 0, 1]))
    array([0, 0, 1, 2, 1])
    """
    order = np.arange(len(labels)) if order is None else order
    places = np.lexsort((order, labels))
    ranks = np.empty(len(labels), int)
    starts = np.searchsorted(labels[places], labels[places])
    ranks[places] = np.arange(len(labels)) - starts
    return ranks
