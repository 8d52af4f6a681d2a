"""Occlusion (Zeiler and Fergus 2014): cover a part of an image and measure how far the score falls."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from captum.attr import Occlusion
from torch import Tensor

from backends.attribution.types import Attribution, Subject, Unsupported, grid_axes

GRID = 8
"""Cells per side. The cover is two cells wide and moves by one, so that a map takes 50 evaluations."""

BATCH = 16


def attribute(subject: Subject) -> Attribution:
    """`(GRID, GRID)` mean fall of the score while a cell is covered by the mean colour of the image.

    Signed, and in units of the score: a cell whose cover raises the score counts against the target.
    """
    image = subject.image
    if image is None:
        raise Unsupported("the input is no image")

    def score(batch: Tensor) -> Tensor:  # (B, 3, S, S) -> (B,)
        return torch.from_numpy(subject.score(batch.permute(0, 2, 3, 1).byte().contiguous().numpy()))

    pixels = torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None]
    cell = max(1, round(image.shape[0] / GRID))
    with torch.no_grad():
        falls = Occlusion(score).attribute(
            pixels,
            sliding_window_shapes=(3, 2 * cell, 2 * cell),
            strides=(3, cell, cell),
            baselines=pixels.mean((2, 3), keepdim=True).round().expand_as(pixels),
            perturbations_per_eval=BATCH,
        )
        uncovered = float(score(pixels))
    cells = F.adaptive_avg_pool2d(falls[:, :1], (GRID, GRID))  # all three colours are covered together
    values = cells[0, 0].numpy().astype(np.float32)
    return subject.attribution(values, grid_axes(), "occlusion", uncovered, "the mean colour")
