"""Which examples to put into the prompt of an image, and in which order.

RICES, retrieval-based in-context example selection (Yang et al. 2022; Alayrac et al. 2022, appendix A.2): the examples
most similar to the query, the most similar one last, where it influences the answer most.
"""

from __future__ import annotations

import numpy as np


def most_similar(query: np.ndarray, shots: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` shots `(N, D)` most similar to `query` `(D,)` by cosine, the most similar last.

    Of equally similar shots the earlier one counts as more similar, so that the choice is deterministic.

    >>> most_similar(np.array([1.0, 0.0]), np.array([[0.0, 1.0], [1.0, 0.1], [1.0, 1.0]]), 2)
    array([2, 1])
    """
    cosines = _unit_vectors(shots) @ _unit_vectors(query[None])[0]
    return np.argsort(-cosines, kind="stable")[:count][::-1]


def draw_balanced(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices of `count` shots drawn evenly over the classes `labels` `(N,)`, in random order."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(labels))
    rank = np.empty(len(labels), int)  # of each shot within its class in that order
    for label in np.unique(labels):
        own = order[labels[order] == label]
        rank[own] = np.arange(len(own))
    taken = order[np.argsort(rank[order], kind="stable")][:count]
    return random.permutation(taken)


def orders(shots: np.ndarray, count: int, seed: int) -> list[np.ndarray]:
    """`count` orders of the same shots: the given one first, then random ones, different while there are some.

    The same seed gives the same shuffles for every query, so that two queries with the same shots can share them.
    """
    random = np.random.default_rng(seed)
    chosen = [tuple(range(len(shots)))]
    possible = 1
    for number in range(2, len(shots) + 1):
        possible = min(possible * number, count)
    while len(chosen) < possible:
        order = tuple(int(place) for place in random.permutation(len(shots)))
        if order not in chosen:
            chosen.append(order)
    return [shots[list(order)] for order in chosen]


def _unit_vectors(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float64)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
