"""The linear layer on the image tower in closed form: the directions that tell ImageNet's 1,000 classes apart best.

The rows wᵢ of the published classifier are those of a discriminant analysis: wᵢ = Σ⁻¹μᵢ up to what all share, with Σ
the spread of features within a class. So they tell the means of all classes, of most of which there are no pictures
here: μᵢ = m + κΣ(wᵢ − w̄), where Σ, m and the factor κ are measured on the pictures that there are. The layer takes a
feature x to Dᵀ(x − m), where D are Fisher's discriminants, the sharper ones longer. In that space the spread within a
class is nearly the same in all directions, so the direction of a class's mean is also what tells it from the others,
and a sentence that lies there is found by its cosine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

SHRINK, SOFT = 1.0, 0.01
"""How much of the mean spread is added to every direction; below which ratio a direction is made shorter."""
OTHERS = 0.1
"""The part of classes that ImageNet lacks (of photographs and of drawn scenes) in what is to be told apart."""


@dataclass(frozen=True)
class LinearLayer:
    """Dᵀ(x − m).

    Attributes:
        middle: m, `(C,)`.
        directions: D, `(C, D)`.
        means: `(K, D)`, where the mean of each ImageNet class lies.
        scales: `(D,)`, the spread within a class along each direction.
    """

    middle: np.ndarray
    directions: np.ndarray
    means: np.ndarray
    scales: np.ndarray

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Unit rows `(N, D)` of features `(N, C)`."""
        return unit((rows - self.middle) @ self.directions)


def fit_layer(
    rows: np.ndarray, labels: np.ndarray, classifier: np.ndarray, known: np.ndarray, size: int
) -> LinearLayer:
    """The layer to `size` numbers.

    Args:
        rows: `(N, C)` float64 features of pictures.
        labels: `(N,)` numbers of their classes, from 0.
        classifier: `(K, C)` rows of the published classifier.
        known: of each label the row of the classifier that is the same class, or -1.
        size: D.
    """
    within, averages = spread(rows, labels)
    within += SHRINK * np.trace(within) / len(within) * np.eye(len(within))
    steps = (classifier - classifier.mean(0)) @ within  # (K, C): μ − m up to κ
    own = known >= 0
    real, told = averages[own], steps[known[own]]
    factor = float(((real - real.mean(0)) * told).sum() / ((told - told.mean(0)) ** 2).sum())
    middle, means = real.mean(0) - factor * told.mean(0), factor * steps
    others = averages[~own] - middle
    between = (1 - OTHERS) * means.T @ means / len(means) + OTHERS * others.T @ others / max(1, len(others))
    span = (len(within) - size, len(within) - 1)
    ratios, vectors = linalg.eigh(between, within, subset_by_index=span)
    scales = np.sqrt(np.maximum(ratios, 0) / (np.maximum(ratios, 0) + SOFT))
    directions = vectors * scales
    return LinearLayer(middle, directions, means @ directions, scales)


def spread(rows: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The covariance within classes `(C, C)`, and the mean of each `(L, C)`."""
    counts = np.bincount(labels)
    averages = np.stack([np.bincount(labels, column) for column in rows.T], axis=1) / counts[:, None]
    inner = rows - averages[labels]
    return inner.T @ inner / len(rows), averages


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
