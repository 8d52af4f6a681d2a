"""Which examples to show a model beside a picture, and in which order.

RICES, retrieval-based in-context example selection (Yang et al. 2022, used by Alayrac et al. 2022): the pictures most
like the one that is asked about, the most alike last, where the model looks at it hardest.
"""

from __future__ import annotations

import numpy as np


def similar(query: np.ndarray, shots: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` rows of `shots` `(N, D)` most like `query` `(D,)` by cosine, the most alike last.

    Of equally alike shots the earlier one counts as more alike, so that the choice repeats.
    """
    cosines = _unit(shots) @ _unit(query[None])[0]
    return np.argsort(-cosines, kind="stable")[:count][::-1]


def drawn(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices of `count` shots drawn evenly over the classes `labels` `(N,)`, in an order by chance."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(labels))
    turn = np.empty(len(labels), int)  # the how many-th of its class each shot is in that order
    for label in np.unique(labels):
        own = order[labels[order] == label]
        turn[own] = np.arange(len(own))
    taken = order[np.argsort(turn[order], kind="stable")][:count]
    return random.permutation(taken)


def orders(shots: np.ndarray, count: int, seed: int) -> list[np.ndarray]:
    """`count` orders of the same shots: the given one first, the others by chance, all different while there are some.

    The same seed gives the same shuffles for every query, so that two queries with the same shots can share them.
    """
    random = np.random.default_rng(seed)
    found = [tuple(range(len(shots)))]
    possible = 1
    for number in range(2, len(shots) + 1):
        possible = min(possible * number, count)
    while len(found) < possible:
        order = tuple(int(place) for place in random.permutation(len(shots)))
        if order not in found:
            found.append(order)
    return [shots[list(order)] for order in found]


def _unit(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float64)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
