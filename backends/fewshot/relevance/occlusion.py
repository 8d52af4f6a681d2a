"""Relevance for any engine: cover a part of the picture and see how far the score falls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from captum.attr import Occlusion
from torch import Tensor

GRID = 8
"""Cells a side. The cover is two cells wide and moves by one, so that a map takes 50 looks at the picture."""
AT_ONCE = 16

Features = Callable[[np.ndarray], np.ndarray]
"""Unit features `(B, D)` of prepared pictures `(B, S, S, 3)` uint8, as `FeatureEngine.features` gives them."""


def occluded(features: Features, seen: np.ndarray, direction: np.ndarray, grid: int = GRID) -> tuple[np.ndarray, float]:
    """`(grid, grid)` mean fall of `direction · f(seen)` while a place is covered by the mean colour; and the score.

    Signed, and in units of the score: a place whose cover makes it rise speaks against the direction.
    """

    def score(batch: Tensor) -> Tensor:  # (B, 3, S, S)
        pictures = batch.permute(0, 2, 3, 1).byte().contiguous().numpy()
        return torch.from_numpy(features(pictures) @ direction.astype(np.float32))

    pixels = torch.from_numpy(seen.astype(np.float32)).permute(2, 0, 1)[None]
    cell = max(1, round(seen.shape[0] / grid))
    with torch.no_grad():
        found = Occlusion(score).attribute(
            pixels,
            sliding_window_shapes=(3, 2 * cell, 2 * cell),
            strides=(3, cell, cell),
            baselines=pixels.mean((2, 3), keepdim=True).round().expand_as(pixels),
            perturbations_per_eval=AT_ONCE,
        )
        told = float(score(pixels))
    cells = F.adaptive_avg_pool2d(found[:, :1], (grid, grid))  # all three colours are covered together
    return cells[0, 0].numpy().astype(np.float32), told
