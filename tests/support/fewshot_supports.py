"""Supports of random features: classes with a centre each, words near it, and as many shots as asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backends.fewshot.types import Support


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def centres(classes: int, dimensions: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((classes, dimensions))


def drawn(labels: np.ndarray, dimensions: int, seed: int = 0, apart: float = 0.8) -> np.ndarray:
    """Unit features `(N, D)` of pictures of the given classes; all share a direction, as pictures of one model do."""
    random = np.random.default_rng([seed, 1])
    middle = centres(int(labels.max(initial=0)) + 1, dimensions)
    noise = random.standard_normal((len(labels), dimensions))
    return unit(apart * middle[labels] + noise + np.ones(dimensions)).astype(np.float32)


def support(
    counts: Sequence[int],
    dimensions: int = 24,
    worded: Sequence[bool] | bool = True,
    seed: int = 0,
    apart: float = 0.8,
) -> Support:
    """`counts` shots of each class; `worded` says which classes have words."""
    classes = len(counts)
    labels = np.repeat(np.arange(classes), counts)
    flags = np.full(classes, worded) if isinstance(worded, bool) else np.array(worded)
    words = centres(classes, dimensions) + 1.5 * centres(classes, dimensions, seed + 50)
    words = np.where(flags[:, None], unit(words), np.nan).astype(np.float32)
    images = drawn(labels, dimensions, seed, apart) if len(labels) else np.zeros((0, dimensions), np.float32)
    names = tuple(f"class {index}" for index in range(classes))
    return Support(images, labels, names, words if flags.any() else None)
