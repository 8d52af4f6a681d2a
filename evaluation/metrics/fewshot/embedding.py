"""Features of many numbers as points on a plane, so that what is alike lies close together."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[3]

FEW = 4
"""Under so many rows neighbours say nothing, and UMAP falls back to PCA."""


def pca(features: np.ndarray) -> tuple[np.ndarray, float]:
    """The plane on which the rows `(N, D)` spread most: points `(N, 2)`, and the share of all spread that it shows.

    Signs are fixed by the largest entry of each axis, so that one more picture does not mirror the map.
    """
    rows = np.asarray(features, float)
    if len(rows) < 2:
        return np.zeros((len(rows), 2)), 1.0
    centred = rows - rows.mean(axis=0)
    # The smaller of the two products has the same axes and is quick for thousands of rows.
    _, spread, axes = np.linalg.svd(centred, full_matrices=False) if min(rows.shape) < 200 else _by_squares(centred)
    axes = axes[:2]
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    points = centred @ axes.T
    if points.shape[1] < 2:
        points = np.column_stack([points, np.zeros(len(rows))])
    total = float((spread**2).sum())
    return points, float((spread[:2] ** 2).sum()) / total if total > 0 else 1.0


def _by_squares(centred: np.ndarray) -> tuple[None, np.ndarray, np.ndarray]:
    values, vectors = np.linalg.eigh(centred.T @ centred)
    return None, np.sqrt(np.maximum(values[::-1], 0)), vectors[:, ::-1].T


def umap(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """UMAP (McInnes 2018) of unit rows `(N, D)` by cosine distance: `(N, 2)`. A seed repeats it.

    The first call in a process compiles for half a minute, which holds up every thread of it: see `umap_apart`.
    """
    rows = np.asarray(features, np.float32)
    if len(rows) < FEW + 1:
        return pca(rows)[0]
    from umap import UMAP

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns of its own defaults and of small sets, which are meant.
        made = UMAP(
            n_components=2,
            n_neighbors=min(15, len(rows) - 1),
            min_dist=0.25,
            metric="cosine",
            random_state=seed,
            n_jobs=1,
            init="spectral" if len(rows) > 3 * FEW else "random",
        ).fit_transform(rows)
    return np.asarray(made, float)


def umap_apart(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """`umap` in a process of its own, which gives way to others."""
    with tempfile.TemporaryDirectory(prefix="fourfold-map-") as folder:
        rows, points = Path(folder, "rows.npy"), Path(folder, "points.npy")
        np.save(rows, np.asarray(features, np.float32))
        command = [sys.executable, "-m", "evaluation.metrics.fewshot.embedding", str(rows), str(points), str(seed)]
        subprocess.run(command, cwd=ROOT, check=True)
        return np.load(points)


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)
    np.save(sys.argv[2], umap(np.load(sys.argv[1]), int(sys.argv[3])))
