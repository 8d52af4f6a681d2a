"""Similarity of masks `(H, W)` bool to true masks: J and F of the DAVIS benchmark (Perazzi et al. 2016).

Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", section 4.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from evaluation.metrics.base import Metric

BOUNDARY_TOLERANCE = 0.008
"""Of the picture's diagonal: boundary pixels that are no farther apart match."""


def region_j(mask: np.ndarray, truth: np.ndarray) -> float:
    """Region similarity J = |M ∩ G| / |M ∪ G| of two masks `(H, W)`; 1 where both are empty.

    >>> region_j(np.array([[1, 1, 0]]), np.array([[0, 1, 1]]))
    0.3333333333333333
    """
    mask, truth = mask.astype(bool), truth.astype(bool)
    union = np.count_nonzero(mask | truth)
    return float(np.count_nonzero(mask & truth) / union) if union else 1.0


def boundary(mask: np.ndarray) -> np.ndarray:
    """The boundary of a mask `(H, W)`: pixels whose right, lower or lower right neighbour differs."""
    mask = mask.astype(bool)
    right, below, corner = mask.copy(), mask.copy(), mask.copy()
    right[:, :-1] = mask[:, 1:]
    below[:-1] = mask[1:]
    corner[:-1, :-1] = mask[1:, 1:]
    edge = (mask ^ right) | (mask ^ below) | (mask ^ corner)
    # The last row and column have neighbours only along themselves.
    edge[-1, :], edge[:, -1] = (mask ^ right)[-1, :], (mask ^ below)[:, -1]
    edge[-1, -1] = False
    return edge


def boundary_f(mask: np.ndarray, truth: np.ndarray, tolerance: float = BOUNDARY_TOLERANCE) -> float:
    """Contour accuracy F = 2PR / (P + R) of two masks `(H, W)`.

    Precision P and recall R count boundary pixels that lie within `tolerance`, a fraction of the picture's diagonal
    rounded up to pixels, of a boundary pixel of the other mask; matching is by dilation, as in DAVIS. A tolerance of 1
    or more counts in pixels.
    """
    edge, true_edge = boundary(mask), boundary(truth)
    if not edge.any() or not true_edge.any():
        return float(edge.any() == true_edge.any())
    reach = math.ceil(tolerance * math.hypot(*mask.shape)) if tolerance < 1 else int(tolerance)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = (x * x + y * y <= reach * reach).astype(np.uint8)
    near_true = cv2.dilate(true_edge.astype(np.uint8), disk).astype(bool)
    near_edge = cv2.dilate(edge.astype(np.uint8), disk).astype(bool)
    precision = np.count_nonzero(edge & near_true) / np.count_nonzero(edge)
    recall = np.count_nonzero(true_edge & near_edge) / np.count_nonzero(true_edge)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


METRICS = (
    Metric(
        "jf",
        "J&F",
        "",
        3,
        True,
        "The mean of region similarity J and contour accuracy F.",
        lambda frame, before: (frame.region_j + frame.boundary_f) / 2,
    ),
    Metric(
        "j",
        "J",
        "",
        3,
        True,
        "Region similarity: what matte and mask share, over what either covers; 1 is perfect.",
        lambda frame, before: frame.region_j,
    ),
    Metric(
        "f",
        "F",
        "",
        3,
        True,
        "Contour accuracy: how well the outlines match, precision and recall together.",
        lambda frame, before: frame.boundary_f,
    ),
)
"""Computed of a `FramePair` whose truth is a mask; the frame before plays no part."""
