"""Occlusion (Zeiler and Fergus 2014): cover a few neighbouring parts of the input and see how far the score falls.

Windows that lie side by side come first: about a quarter of all of them give a first, coarse map for `subject.preview`.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from captum.attr import Occlusion

from backends.attribution.coalitions import Coalitions
from backends.attribution.types import Attribution, Parts, Subject, Unsupported

METHOD = "occlusion"


def attribute(subject: Subject, seed: int = 0) -> Attribution:
    """The mean fall of the score while a part is covered, over the windows that cover it.

    Signed, and in units of the score: a part whose cover raises the score counts against the target.
    """
    cells = subject.cells
    if cells is None or cells.axes[0].name == "word":
        raise Unsupported("Nothing of this input can be covered.")
    score = Coalitions(subject, cells)
    coarse = coarse_falls(cells, score).astype(np.float32)
    subject.preview(subject.attribution(coarse, cells.axes, METHOD, score.whole, cells.baseline))
    values = _mean_falls(cells, score)
    return subject.attribution(values, cells.axes, METHOD, score.whole, cells.baseline)


def coarse_falls(parts: Parts, score: Coalitions) -> np.ndarray:
    """Of each part the fall of the score under one window near it; the windows are two parts or more apart."""
    ones = (1,) * len(parts.shape)
    windows, strides = parts.window or ones, parts.stride or ones
    steps = [stride * max(1, -(-max(2, wide) // stride)) for wide, stride in zip(windows, strides, strict=True)]
    starts = [
        range(0, max(1, size - wide + 1), step)
        for size, wide, step in zip(parts.shape, windows, steps, strict=True)
    ]  # fmt: skip
    covers = []
    for corner in itertools.product(*starts):
        keep = np.ones(parts.shape)
        keep[tuple(slice(at, at + wide) for at, wide in zip(corner, windows, strict=True))] = 0
        covers.append(keep)
    coarse = (score.whole - score(np.stack(covers)).numpy()).reshape([len(each) for each in starts])
    nearest = [
        np.minimum(np.arange(size) // step, len(each) - 1)
        for size, step, each in zip(parts.shape, steps, starts, strict=True)
    ]  # fmt: skip
    return np.asarray(coarse[np.ix_(*nearest)])


def _mean_falls(parts: Parts, score: Coalitions) -> np.ndarray:
    """By captum, which asks again for what is known already: that costs nothing."""
    with torch.no_grad():
        values = Occlusion(score).attribute(
            torch.ones(1, *parts.shape, dtype=torch.float64),
            sliding_window_shapes=parts.window or (1,) * len(parts.shape),
            strides=parts.stride or (1,) * len(parts.shape),
            baselines=0,
            perturbations_per_eval=parts.batch,
        )
    return np.asarray(values[0].numpy().astype(np.float32))
