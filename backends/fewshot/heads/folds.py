"""Leaving one shot of every class out at once, so that no class is the one that is short of a shot.

With two shots a class, plain leave-one-out pits the class of the shot, known by one, against classes known by two: the
score of fewer shots is noisier, and among many classes the noisiest often comes out on top or never. Either way it
tells nothing of a classifier that is taught evenly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backends.fewshot.types import Support

THIN, MOST_SHOTS = 8, 400
"""From nine shots a class on one shot makes no difference; past 400 in all, teaching a dozen times takes too long."""

FOLDS, FOLDS_OF_MANY = 16, 3


def is_thin(support: Support) -> bool:
    """Whether one shot less is a difference."""
    counts = support.counts
    return len(support.labels) <= MOST_SHOTS and bool(((counts > 0) & (counts <= THIN)).any())


def folds(support: Support, most: int = FOLDS) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to test on, and rows to teach with; each row is tested in exactly one fold.

    The j-th fold leaves the j-th shot of every class out, beginning anew in classes that have fewer; where classes have
    more shots than there may be folds, each leaves several out. Shots alone in their class are left out last, all
    together: otherwise other shots would be tested without their class.
    """
    labels, counts = support.labels.astype(int), support.counts
    place = places(labels)
    own = counts[labels]
    alone = own == 1
    number = min(int(counts.max(initial=0)), most)
    if (counts > 1).any():
        for fold in range(max(number, 2)):
            gone = np.where(own >= number, place % number == fold, place == fold % np.maximum(own, 1)) & ~alone
            tested = gone & (place % max(number, 2) == fold)
            yield np.flatnonzero(tested), np.flatnonzero(~gone)
    if alone.any():
        yield np.flatnonzero(alone), np.flatnonzero(~alone)


def places(labels: np.ndarray) -> np.ndarray:
    """`(N,)`: how many shots of the same class come before each."""
    order = np.argsort(labels, kind="stable")
    ranks = np.empty(len(labels), int)
    starts = np.searchsorted(labels[order], labels[order])
    ranks[order] = np.arange(len(labels)) - starts
    return ranks
