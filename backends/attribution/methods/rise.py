"""RISE (Petsiuk et al. 2018): cover many random halves of the input, and see what is there when the score is high.

With masks M and scores f, the importance of a place is E[f | it is there] − E[f | it is covered], which is estimated by
the slope of the score by the mask, cov(f, M) / var(M). The masks are drawn coarser than the cells and enlarged
smoothly, with a random shift, as in the paper.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import zoom

from backends.attribution.costs import MASKS
from backends.attribution.types import Attribution, Subject, Unsupported

COARSE = 0.5
"""Cells of a mask before it is enlarged, by those of the input."""


def attribute(subject: Subject, seed: int = 0) -> Attribution:
    """The difference in units of the score between a cell that is there and one that is not."""
    cells = subject.cells
    if cells is None or cells.axes[0].name == "word":
        raise Unsupported("Nothing of this input can be covered.")
    keep = np.concatenate([np.ones((1, *cells.shape)), masks(cells.shape, MASKS, seed)])
    scores = subject.evaluate(cells, keep)
    drawn, found = keep[1:], scores[1:]
    centred = drawn - drawn.mean(0)
    slope = np.tensordot(found - found.mean(), centred, axes=1) / np.maximum((centred**2).sum(0), 1e-9)
    return subject.attribution(slope.astype(np.float32), cells.axes, "rise", float(scores[0]), cells.baseline)


def masks(shape: tuple[int, ...], count: int, seed: int) -> np.ndarray:
    """`(count, *shape)` from 0 to 1, half of each there on average."""
    draw = np.random.default_rng(seed)
    coarse = tuple(max(2, round(side * COARSE)) for side in shape)
    found = np.empty((count, *shape))
    for mask in found:
        # One cell more than is used, so that the shift never leaves the mask.
        low = (draw.random(tuple(side + 1 for side in coarse)) < 0.5).astype(float)
        factor = tuple(-(-side // few) for side, few in zip(shape, coarse, strict=True))
        high = zoom(low, factor, order=1, grid_mode=True, mode="nearest").clip(0, 1)
        shift = [draw.integers(0, size) for size in factor]
        mask[...] = high[tuple(slice(begin, begin + side) for begin, side in zip(shift, shape, strict=True))]
    return found
