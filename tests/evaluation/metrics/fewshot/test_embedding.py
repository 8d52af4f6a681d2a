"""Maps of features: the plane of largest spread, and neighbours that stay neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.metrics.fewshot.embedding import pca, tsne


def clusters(count: int = 12, dimensions: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three bundles of unit rows around three directions."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), count)
    rows = np.eye(dimensions)[labels] + 0.08 * rng.normal(size=(3 * count, dimensions))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels


@pytest.mark.parametrize("dimensions", [16, 400])
def test_pca_keeps_what_lies_in_a_plane_and_says_what_share_it_shows(dimensions: int) -> None:
    rng = np.random.default_rng(1)
    flat = rng.normal(size=(300, 2)) * (3, 1)
    axes = np.linalg.qr(rng.normal(size=(dimensions, 2)))[0]
    points, share = pca(flat @ axes.T + 5)
    assert share == pytest.approx(1.0, abs=1e-6)
    distances = [np.linalg.norm(one[:, None] - one[None], axis=-1) for one in (points, flat)]
    assert np.allclose(*distances, atol=1e-6)
    assert points[:, 0].var() > points[:, 1].var()
    again, share = pca(np.vstack([flat @ axes.T + 5, 5 + np.zeros((1, dimensions))]))
    assert np.allclose(again[:-1] - again[0], points - points[0], atol=0.15)  # one more does not mirror the map
    assert pca(rng.normal(size=(300, dimensions)))[1] < 0.3


def test_few_rows_are_no_fault() -> None:
    assert pca(np.zeros((0, 5)))[0].shape == (0, 2) and pca(np.ones((1, 5)))[0].tolist() == [[0, 0]]
    assert pca(np.ones((3, 1)))[0].shape == (3, 2) and pca(np.ones((4, 7)))[1] == 1.0
    assert tsne(np.eye(3)).shape == (3, 2) and tsne(np.ones((9, 4))).shape == (9, 2)
    assert tsne(np.eye(6)).shape == (6, 2) and tsne(np.eye(6)[:, :1]).shape == (6, 2)


@pytest.mark.parametrize("dimensions", [16, 400])
def test_tsne_keeps_clusters_together(dimensions: int) -> None:
    rows, labels = clusters(dimensions=dimensions)
    points = tsne(rows)
    means = np.stack([points[labels == k].mean(axis=0) for k in range(3)])
    nearest = np.linalg.norm(points[:, None] - means[None], axis=-1).argmin(axis=1)
    assert (nearest == labels).mean() > 0.95
    assert np.array_equal(tsne(rows), points), "the same seed repeats it"
