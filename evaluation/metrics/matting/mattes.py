"""Scores of mattes and masks: alpha `(H, W)` in 0..1 against the true one, masks against true masks, clips over time.

Definitions are those of the field's benchmarks, so that numbers can be set beside published ones: Rhemann et al. 2009
for SAD, MSE, gradient and connectivity; Erofeev et al. 2015 for dtSSD; Perazzi et al. 2016 (DAVIS) for J and F.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

GRADIENT_SIGMA = 1.4
CONNECTIVITY_STEP = 0.1
CONNECTIVITY_MARGIN = 0.15
BOUNDARY_SHARE = 0.008
STILL = 6.0


def _pair(alpha: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 of one shape; integers are taken as 0..255."""
    if alpha.shape != truth.shape or alpha.ndim != 2:
        raise ValueError(f"mattes to compare have one shape (H, W), not {alpha.shape} and {truth.shape}")
    return _unit(alpha), _unit(truth)


def _unit(alpha: np.ndarray) -> np.ndarray:
    return alpha / 255.0 if alpha.dtype == np.uint8 else alpha.astype(np.float64)


def sad(alpha: np.ndarray, truth: np.ndarray) -> float:
    """Sum of absolute differences, in thousands (Rhemann et al. 2009, section 4.1: Σ|α − α*|)."""
    alpha, truth = _pair(alpha, truth)
    return float(np.abs(alpha - truth).sum() / 1000)


def mad(alpha: np.ndarray, truth: np.ndarray) -> float:
    """Mean absolute difference: SAD by the number of pixels, in 0..1. Papers often print a thousand times this."""
    alpha, truth = _pair(alpha, truth)
    return float(np.abs(alpha - truth).mean())


def mse(alpha: np.ndarray, truth: np.ndarray) -> float:
    """Mean squared difference (Rhemann et al. 2009, section 4.1: Σ(α − α*)² by the number of pixels)."""
    alpha, truth = _pair(alpha, truth)
    return float(np.square(alpha - truth).mean())


def gradient_magnitude(alpha: np.ndarray) -> np.ndarray:
    """Length of the gradient of `alpha` `(H, W)`, by first derivatives of a Gaussian with σ = 1.4."""
    half = math.ceil(3 * GRADIENT_SIGMA)
    x = np.arange(-half, half + 1)
    bell = np.exp(-(x**2) / (2 * GRADIENT_SIGMA**2)) / (GRADIENT_SIGMA * math.sqrt(2 * math.pi))
    slope = -x * bell / GRADIENT_SIGMA**2
    kernel = np.outer(bell, slope)
    kernel /= np.sqrt(np.square(kernel).sum())
    across = cv2.filter2D(alpha, cv2.CV_64F, kernel, borderType=cv2.BORDER_REPLICATE)
    down = cv2.filter2D(alpha, cv2.CV_64F, kernel.T, borderType=cv2.BORDER_REPLICATE)
    return np.hypot(across, down)


def gradient(alpha: np.ndarray, truth: np.ndarray) -> float:
    """Gradient error, in thousands (Rhemann et al. 2009, equation 1 with q = 2: Σ(∇α − ∇α*)², σ = 1.4)."""
    alpha, truth = _pair(alpha, truth)
    return float(np.square(gradient_magnitude(alpha) - gradient_magnitude(truth)).sum() / 1000)


def _degree(alpha: np.ndarray, level: np.ndarray) -> np.ndarray:
    """φ of the connectivity error: 1 for a pixel of the source region, less the further one sticks out of it."""
    distance = alpha - level
    return 1 - distance * (distance >= CONNECTIVITY_MARGIN)


def connectivity(alpha: np.ndarray, truth: np.ndarray) -> float:
    """Connectivity error, in thousands (Rhemann et al. 2009, equations 2 and 3, θ = 0.15, p = 1).

    The source region at each threshold is the largest connected part of where both mattes exceed it; the level of a
    pixel is the highest threshold at which it still belongs to that region.
    """
    alpha, truth = _pair(alpha, truth)
    steps = np.arange(CONNECTIVITY_STEP, 1 + CONNECTIVITY_STEP / 2, CONNECTIVITY_STEP)
    level = np.full(alpha.shape, -1.0)
    before = 0.0
    for threshold in steps:
        both = (alpha >= threshold - 1e-9) & (truth >= threshold - 1e-9)
        region = _largest(both)
        level[(level < 0) & ~region] = before
        before = threshold
    level[level < 0] = 1.0
    return float(np.abs(_degree(alpha, level) - _degree(truth, level)).sum() / 1000)


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest 4-connected part of `mask`; nothing where it is empty."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count < 2:
        return np.zeros_like(mask)
    return labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))


def dtssd(alpha: np.ndarray, truth: np.ndarray, alpha_before: np.ndarray, truth_before: np.ndarray) -> float:
    """How wrongly a matte changes from one frame to the next, in hundredths.

    Erofeev et al. 2015 ("Perceptually Motivated Benchmark for Video Matting"), dtSSD: the root of the mean over the
    pixels of ((α_t − α_{t−1}) − (α*_t − α*_{t−1}))².
    """
    alpha, truth = _pair(alpha, truth)
    alpha_before, truth_before = _pair(alpha_before, truth_before)
    change = (alpha - alpha_before) - (truth - truth_before)
    return float(100 * np.sqrt(np.square(change).mean()))


def region_j(mask: np.ndarray, truth: np.ndarray) -> float:
    """Region similarity J = |M ∩ G| / |M ∪ G| of two masks `(H, W)` (Perazzi et al. 2016); 1 where both are empty."""
    mask, truth = mask.astype(bool), truth.astype(bool)
    union = np.count_nonzero(mask | truth)
    return np.count_nonzero(mask & truth) / union if union else 1.0


def boundary(mask: np.ndarray) -> np.ndarray:
    """The pixels whose right, lower or lower right neighbour is on the other side of the mask's edge."""
    mask = mask.astype(bool)
    right, below, corner = mask.copy(), mask.copy(), mask.copy()
    right[:, :-1] = mask[:, 1:]
    below[:-1] = mask[1:]
    corner[:-1, :-1] = mask[1:, 1:]
    edge = (mask ^ right) | (mask ^ below) | (mask ^ corner)
    # Beyond the picture there is no neighbour: its last row and column only look along themselves.
    edge[-1, :], edge[:, -1] = (mask ^ right)[-1, :], (mask ^ below)[:, -1]
    edge[-1, -1] = False
    return edge


def boundary_f(mask: np.ndarray, truth: np.ndarray, share: float = BOUNDARY_SHARE) -> float:
    """Contour accuracy F = 2PR / (P + R) of two masks (Perazzi et al. 2016).

    Boundary pixels match within `share` of the picture's diagonal, rounded up; matching is by dilation, as in DAVIS.
    """
    found, true = boundary(mask), boundary(truth)
    if not found.any() or not true.any():
        return float(found.any() == true.any())
    reach = math.ceil(share * math.hypot(*mask.shape)) if share < 1 else int(share)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = (x * x + y * y <= reach * reach).astype(np.uint8)
    near_true = cv2.dilate(true.astype(np.uint8), disk).astype(bool)
    near_found = cv2.dilate(found.astype(np.uint8), disk).astype(bool)
    precision = np.count_nonzero(found & near_true) / np.count_nonzero(found)
    recall = np.count_nonzero(true & near_found) / np.count_nonzero(true)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def flicker(alpha: np.ndarray, alpha_before: np.ndarray, frame: np.ndarray, frame_before: np.ndarray) -> float:
    """Unrest without a reference: the mean change of alpha, in percent, over pixels whose picture stood still.

    Still is a change of blurred luma under 6 of 255, which is above camera noise. Frames `(H, W, 3)` uint8 RGB.
    The true matte of a still pixel does not change, so this is 0 for a perfect method; without any still pixel too.
    """
    alpha, alpha_before = _pair(alpha, alpha_before)
    now, before = (
        cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (5, 5), 0).astype(np.float64)
        for picture in (frame, frame_before)
    )
    calm = np.abs(now - before) < STILL
    return float(100 * np.abs(alpha - alpha_before)[calm].mean()) if calm.any() else 0.0


@dataclass(frozen=True)
class MatteScores:
    """The scores of one frame, or their means over a clip. `dtssd` is 0 for a first frame, which has none."""

    sad: float
    mad: float
    mse: float
    gradient: float
    connectivity: float
    dtssd: float = 0.0


def frame_scores(
    alpha: np.ndarray, truth: np.ndarray, before: tuple[np.ndarray, np.ndarray] | None = None
) -> MatteScores:
    """All scores of one frame; `before` holds the matte and the true matte of the frame before."""
    change = dtssd(alpha, truth, *before) if before is not None else 0.0
    return MatteScores(
        sad=sad(alpha, truth),
        mad=mad(alpha, truth),
        mse=mse(alpha, truth),
        gradient=gradient(alpha, truth),
        connectivity=connectivity(alpha, truth),
        dtssd=change,
    )


def clip_scores(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> MatteScores:
    """Means over the frames of one clip, the unit of all statistics; dtSSD over the steps between them.

    Args:
        pairs: (matte, true matte) of each frame in order; only two frames are held at a time.

    Raises:
        ValueError: there is no frame.
    """
    sums, count, before = np.zeros(6), 0, None
    for alpha, truth in pairs:
        row = frame_scores(alpha, truth, before)
        sums += (row.sad, row.mad, row.mse, row.gradient, row.connectivity, row.dtssd)
        before, count = (alpha, truth), count + 1
    if not count:
        raise ValueError("a clip to score has at least one frame")
    means = sums / count
    means[5] = sums[5] / (count - 1) if count > 1 else 0.0
    return MatteScores(*(float(mean) for mean in means))
