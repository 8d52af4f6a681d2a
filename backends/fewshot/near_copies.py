"""Near copies among shots, such as the frames of a burst: together they say no more than one picture."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

COPY_FRACTION = 0.15
"""Two shots of a class are near copies when they are this small a part of the usual distance between classes apart.

Measured with CLIP and with the built-in features on photographs: frames of one scene lie mostly at 0.01 to 0.15 of that
distance from the next frame, different photographs of a class at 0.21 and more."""

BURST_SIZE, BURST_FRACTION = 3, 0.3
"""From so many near copies on a group is a burst, and what lies this near to one of its frames belongs to it too: a
camera that is moved on makes larger steps now and then."""

MIN_DIMENSIONS = 16
"""With fewer numbers a picture, pictures lie close by chance; no model has so few."""

COPY_DISTANCE = 1e-4
"""The limit where there is no second class to compare with."""

MAX_SCALE_SHOTS = 256
"""Shots from which the usual distance between classes is estimated."""

BLOCK = 1024


def copy_groups(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The row that stands for each shot and its near copies, `(N,)`; its own row for a shot without copies.

    Near copies are the connected components of a class under the limit: each frame of a burst is close to the next,
    the first not always to the last. The result does not depend on the order of the rows.

    Args:
        features: `(N, D)` unit vectors.
        labels: `(N,)` int.
    """
    features, order = features.astype(float), canonical_ranks(features)
    stands_for = np.arange(len(labels))
    if features.shape[1] < MIN_DIMENSIONS:
        return stands_for
    limit = _limit(features, labels, order)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        if len(own) < 2:
            continue
        component = _bursts(features[own], limit)
        for group in np.flatnonzero(np.bincount(component) > 1):
            rows = own[component == group]
            stands_for[rows] = rows[order[rows].argmin()]
    return stands_for


def _bursts(features: np.ndarray, limit: float) -> np.ndarray:
    """The group of each shot of one class, `(N,)`: near copies, and what lies near to three or more of them."""
    component = connected_components(_close_pairs(features, limit), directed=False)[1]
    in_burst = np.bincount(component)[component] >= BURST_SIZE
    if not in_burst.any():
        return component
    one, other = _close_pairs(features, limit * BURST_FRACTION / COPY_FRACTION).coords
    near = (component[one] == component[other]) | in_burst[one] | in_burst[other]
    pairs = coo_array((np.ones(near.sum(), bool), (one[near], other[near])), shape=(len(features),) * 2)
    return connected_components(pairs, directed=False)[1]


def canonical_ranks(features: np.ndarray) -> np.ndarray:
    """The place of each row in an order that depends on its numbers alone, `(N,)`: by a fixed projection."""
    projection = features.astype(float) @ np.cos(np.arange(1, features.shape[1] + 1) ** 2)
    ranks = np.empty(len(features), int)
    ranks[np.argsort(projection, kind="stable")] = np.arange(len(features))
    return ranks


def _limit(features: np.ndarray, labels: np.ndarray, order: np.ndarray) -> float:
    """The distance 1 − cosine under which two shots are near copies."""
    some = np.argsort(order)[:: max(1, len(order) // MAX_SCALE_SHOTS)]
    apart = 1 - features[some] @ features[some].T
    across = apart[labels[some][:, None] != labels[some][None]]
    return max(COPY_FRACTION * float(np.median(across)), COPY_DISTANCE) if len(across) else COPY_DISTANCE


def _close_pairs(features: np.ndarray, limit: float) -> coo_array:
    """`(N, N)` bool: which pairs are under the limit."""
    rows, columns = [], []
    for start in range(0, len(features), BLOCK):
        row, column = np.nonzero(1 - features[start : start + BLOCK] @ features.T < limit)
        rows.append(row + start)
        columns.append(column)
    row, column = np.concatenate(rows), np.concatenate(columns)
    return coo_array((np.ones(len(row), bool), (row, column)), shape=(len(features), len(features)))
