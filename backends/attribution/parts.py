"""Inputs as parts that can be taken away: an image as a grid of cells, a sentence as words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from backends.attribution import baselines
from backends.attribution.types import Axis, Parts, grid_axes

GRID = 8
"""Cells per side of an image. The cover is two cells wide and moves by one, so that a map takes 50 evaluations."""

BATCH = 16


def image_cells(
    image: np.ndarray,
    score: Callable[[np.ndarray], np.ndarray],
    axes: tuple[Axis, ...] = grid_axes(),
    shape: tuple[int, int] = (GRID, GRID),
    baseline: str = "",
) -> Parts:
    """An image whose cells can be covered.

    Args:
        image: `(H, W, 3)` uint8.
        score: from images `(B, H, W, 3)` uint8 to scores `(B,)`.
        axes: of the cells, rows and columns.
        shape: number of rows and columns.
        baseline: what covers them, of `baselines.PICTURE`; its mean colour by default.
    """
    mean, baseline = image.mean((0, 1)).round(), baselines.usual(baselines.PICTURE, baseline)
    behind = baselines.behind(image, baseline)
    plain = np.abs(image.astype(np.float32) - mean).mean(2)

    def scores(keep: np.ndarray) -> np.ndarray:
        return score(np.stack([cover(image, one, behind) for one in keep]))

    return Parts(
        axes,
        shape,
        scores,
        baselines.PICTURE[baseline],
        window=(2, 2),
        stride=(1, 1),
        batch=BATCH,
        plain=mean_of_cells(plain, shape),
        plain_name="how far the colours are from their mean",
    )


def cover(image: np.ndarray, keep: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """`image` `(H, W, 3)` uint8 with `keep` `(rows, columns)` of each cell, and the rest of it `baseline`, a colour
    or an image."""
    weight = enlarged(keep, image.shape[:2])[..., None]
    return (image * weight + baseline * (1 - weight)).round().clip(0, 255).astype(np.uint8)


def enlarged(cells: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`cells` as an array of `shape`: each element that of the cell in which it lies."""
    places = (np.arange(side) * count // side for side, count in zip(shape, cells.shape, strict=True))
    return cells[np.ix_(*places)]


def mean_of_cells(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The mean of an array over the elements of each cell, the reverse of `enlarged`; a cell of no element has 0."""
    numbers = np.ravel_multi_index(
        np.ix_(*(np.arange(side) * count // side for side, count in zip(values.shape, shape, strict=True))), shape
    )
    size = int(np.prod(shape))
    sums = np.bincount(numbers.ravel(), values.ravel().astype(np.float64), minlength=size)
    counts = np.bincount(numbers.ravel(), minlength=size)
    return (sums / np.maximum(counts, 1)).reshape(shape)


def regridded(parts: Parts, shape: tuple[int, ...]) -> Parts:
    """The same input on a grid of `shape`: each of the old parts is as present as the new ones over it."""

    def score(keep: np.ndarray) -> np.ndarray:
        return parts.score(np.stack([resized(one, parts.shape) for one in keep]))

    axes = tuple(axis.resampled(count) for axis, count in zip(parts.axes, shape, strict=True))
    plain = None if parts.plain is None else resized(parts.plain, shape)
    return replace(parts, axes=axes, shape=shape, score=score, window=(), stride=(), plain=plain)


def resized(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An array on a grid of `shape`: the mean where that is coarser, the nearest where it is finer.

    >>> resized(np.array([1.0, 3.0]), (4,)), resized(np.array([1.0, 1.0, 3.0, 5.0]), (2,))
    (array([1., 1., 3., 3.]), array([1., 4.]))
    """
    for place, count in enumerate(shape):
        old = values.shape[place]
        target = (*values.shape[:place], count, *values.shape[place + 1 :])
        values = mean_of_cells(values, target) if count <= old else enlarged(values, target)
    return values


def words_of(sentence: str, score: Callable[[Any], np.ndarray]) -> Parts:
    """A sentence whose words can be left out; `score` takes a list of sentences."""
    words = tuple(sentence.split())

    def scores(keep: np.ndarray) -> np.ndarray:
        kept = [" ".join(word for word, here in zip(words, one, strict=True) if here >= 0.5) for one in keep]
        return score(kept)

    axes = (Axis("word", labels=words),)
    return Parts(axes, (len(words),), scores, "left out", window=(1,), stride=(1,), batch=len(words) + 1)
