"""Features of many numbers as points on a plane, so that similar images lie close together."""

from __future__ import annotations

import numpy as np

MIN_ROWS = 5
"""With fewer rows a neighbourhood means nothing, and t-SNE falls back to PCA."""

PERPLEXITY = 30.0
MAX_DIMENSIONS = 50
"""Principal components that t-SNE starts from, as van der Maaten and Hinton (2008, section 4.2) do."""


def pca(features: np.ndarray) -> tuple[np.ndarray, float]:
    """Principal component analysis: the rows `(N, D)` projected onto the plane of largest variance.

    The sign of each axis is fixed by its largest entry, so that one more image does not mirror the map.

    Returns:
        Points `(N, 2)`, and the fraction of the total variance that they show.

    >>> points, fraction = pca(np.array([[0.0, 0.0, 1.0], [2.0, 0.0, 1.0]]))
    >>> points.tolist(), fraction
    ([[-1.0, 0.0], [1.0, 0.0]], 1.0)
    """
    rows = np.asarray(features, float)
    if len(rows) < 2:
        return np.zeros((len(rows), 2)), 1.0
    centred = rows - rows.mean(axis=0)
    # The eigenvectors of the covariance are the same axes, and cheaper to compute for thousands of rows.
    _, singular_values, axes = (
        np.linalg.svd(centred, full_matrices=False) if min(rows.shape) < 200 else _covariance_eigenvectors(centred)
    )
    axes = axes[:2]
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    points = centred @ axes.T
    if points.shape[1] < 2:
        points = np.column_stack([points, np.zeros(len(rows))])
    total = float((singular_values**2).sum())
    return points, float((singular_values[:2] ** 2).sum()) / total if total > 0 else 1.0


def _covariance_eigenvectors(centred: np.ndarray) -> tuple[None, np.ndarray, np.ndarray]:
    values, vectors = np.linalg.eigh(centred.T @ centred)
    return None, np.sqrt(np.maximum(values[::-1], 0)), vectors[:, ::-1].T


def tsne(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """t-SNE (van der Maaten and Hinton 2008) of unit vectors `(N, D)`: points `(N, 2)`. The same seed repeats it.

    It starts from the first two principal components, which keeps the large-scale layout (Kobak and Berens 2019).
    """
    rows = np.asarray(features, np.float32)
    if len(rows) < MIN_ROWS or rows.shape[1] < 2 or not np.ptp(rows, axis=0).any():
        return pca(rows)[0]
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    components = min(MAX_DIMENSIONS, *rows.shape)
    if components < rows.shape[1]:
        rows = PCA(components, random_state=seed).fit_transform(rows)
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    points = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(rows)
    return np.asarray(points, float)
