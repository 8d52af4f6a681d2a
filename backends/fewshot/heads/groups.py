"""Leaving out in groups, for heads that are trained: one training a shot would take too long."""

from __future__ import annotations

import numpy as np

from backends.fewshot.types import Support

ONE_BY_ONE, FEW = 24, 200


def groups(support: Support) -> list[np.ndarray]:
    """Rows to leave out together, as indices. Up to 24 shots each is alone; then ten groups, past 200 shots four.

    Neighbours within a class go to different groups, so a class with two shots or more never loses all of them at once.
    More shots are missing than one, so the scores are, if anything, worse than those of true leave-one-out.
    """
    count = len(support.labels)
    number = count if count <= ONE_BY_ONE else 10 if count <= FEW else 4
    order = np.argsort(support.labels, kind="stable")
    return [order[start::number] for start in range(number)]


def without(support: Support, rows: np.ndarray) -> Support:
    keep = np.ones(len(support.labels), bool)
    keep[rows] = False
    return support.chosen(keep)
