"""Retrieval both ways: is the caption of a picture, or the picture of a caption, among the first k?

`compute` takes similarities `(P, T)` of pictures and captions, and for each caption `(T,)` the picture it is of. As
CLIP Benchmark counts it, a picture is found where any of its captions is among the first k.
"""

from __future__ import annotations

from functools import partial
from math import comb

import numpy as np

from evaluation.metrics.base import Metric

KS = (1, 5, 10)


def text_recall(similarities: np.ndarray, owners: np.ndarray, k: int) -> float:
    """Share of the pictures of which a caption is among the k most similar captions.

    >>> text_recall(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1]), 1)
    0.5
    """
    own = owners[None] == np.arange(len(similarities))[:, None]
    return float(np.mean([_hit(row, mine, k) for row, mine in zip(similarities, own, strict=True)]))


def image_recall(similarities: np.ndarray, owners: np.ndarray, k: int) -> float:
    """Share of the captions whose picture is among the k most similar pictures."""
    own = owners[:, None] == np.arange(len(similarities))[None]
    return float(np.mean([_hit(row, mine, k) for row, mine in zip(similarities.T, own, strict=True)]))


def _hit(row: np.ndarray, own: np.ndarray, k: int) -> float:
    """Whether one of `own` is among the first k; with equal similarities, how often it would be in a random order."""
    if not own.any():
        return float("nan")
    best = row[own].max()
    slots = k - int((row > best).sum())
    tied, mine = int((row == best).sum()), int((row[own] == best).sum())
    if slots <= 0:
        return 0.0
    return 1.0 if slots >= tied else 1.0 - comb(tied - mine, slots) / comb(tied, slots)


def ranks(similarities: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """(P,) how many captions are more similar to a picture than the best of its own."""
    found = np.zeros(len(similarities))
    for number, row in enumerate(similarities):
        own = owners == number
        found[number] = (row > row[own].max()).sum() if own.any() else 0
    return found


METRICS = (
    *(
        Metric(
            f"text_recall_{k}", f"R@{k}, picture to caption", "%", 1, True,
            f"How many pictures have one of their captions among the first {k} of the pool.", partial(text_recall, k=k),
        )
        for k in KS
    ),
    *(
        Metric(
            f"image_recall_{k}", f"R@{k}, caption to picture", "%", 1, True,
            f"How many captions have their picture among the first {k} of the pool.", partial(image_recall, k=k),
        )
        for k in KS
    ),
)  # fmt: skip
