"""Errors of mattes: alpha `(H, W)` against the true alpha α*, both in 0..1 or as 0..255 uint8.

Definitions are those of the field's benchmarks, so that numbers can be set beside published ones: Rhemann et al. 2009
("A Perceptually Motivated Online Benchmark for Image Matting") for SAD, MSE, gradient and connectivity; Erofeev et al.
2015 ("Perceptually Motivated Benchmark for Video Matting") for dtSSD.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from evaluation.metrics.base import Metric
from evaluation.metrics.matting.frames import FramePair

GRADIENT_SIGMA = 1.4
CONNECTIVITY_STEP = 0.1
CONNECTIVITY_MARGIN = 0.15


def _pair(alpha: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 of one shape; integers are taken as 0..255."""
    if alpha.shape != truth.shape or alpha.ndim != 2:
        raise ValueError(f"mattes to compare have one shape (H, W), not {alpha.shape} and {truth.shape}")
    return _unit(alpha), _unit(truth)


def _unit(alpha: np.ndarray) -> np.ndarray:
    return alpha / 255.0 if alpha.dtype == np.uint8 else alpha.astype(np.float64)


def sad(alpha: np.ndarray, truth: np.ndarray) -> float:
    """Sum of absolute differences, in thousands: Σ|α − α*| / 1000 (Rhemann et al. 2009, section 4.1).

    >>> sad(np.full((50, 40), 0.75), np.full((50, 40), 0.5))
    0.5
    """
    alpha, truth = _pair(alpha, truth)
    return float(np.abs(alpha - truth).sum() / 1000)


def mad(alpha: np.ndarray, truth: np.ndarray) -> float:
    """Mean absolute difference, in 0..1: Σ|α − α*| / N for N pixels. Papers often print a thousand times this.

    >>> mad(np.full((50, 40), 0.75), np.full((50, 40), 0.5))
    0.25
    """
    alpha, truth = _pair(alpha, truth)
    return float(np.abs(alpha - truth).mean())


def mse(alpha: np.ndarray, truth: np.ndarray) -> float:
    """Mean squared difference: Σ(α − α*)² / N (Rhemann et al. 2009, section 4.1).

    >>> mse(np.full((50, 40), 0.75), np.full((50, 40), 0.5))
    0.0625
    """
    alpha, truth = _pair(alpha, truth)
    return float(np.square(alpha - truth).mean())


def gradient_magnitude(alpha: np.ndarray) -> np.ndarray:
    """|∇α| of `alpha` `(H, W)`, by first derivatives of a Gaussian with σ = 1.4, normalised to unit energy."""
    half = math.ceil(3 * GRADIENT_SIGMA)
    x = np.arange(-half, half + 1)
    bell = np.exp(-(x**2) / (2 * GRADIENT_SIGMA**2)) / (GRADIENT_SIGMA * math.sqrt(2 * math.pi))
    derivative = -x * bell / GRADIENT_SIGMA**2
    kernel = np.outer(bell, derivative)
    kernel /= np.sqrt(np.square(kernel).sum())
    across = cv2.filter2D(alpha, cv2.CV_64F, kernel, borderType=cv2.BORDER_REPLICATE)
    down = cv2.filter2D(alpha, cv2.CV_64F, kernel.T, borderType=cv2.BORDER_REPLICATE)
    return np.hypot(across, down)


def gradient(alpha: np.ndarray, truth: np.ndarray) -> float:
    """Gradient error, in thousands: Σ(|∇α| − |∇α*|)² / 1000 (Rhemann et al. 2009, equation 1 with q = 2)."""
    alpha, truth = _pair(alpha, truth)
    return float(np.square(gradient_magnitude(alpha) - gradient_magnitude(truth)).sum() / 1000)


def _degree(alpha: np.ndarray, level: np.ndarray) -> np.ndarray:
    """φ = 1 − d·[d ≥ θ] with d = α − l: how connected each pixel is to the source region (equation 3)."""
    distance = alpha - level
    return 1 - distance * (distance >= CONNECTIVITY_MARGIN)


def connectivity(alpha: np.ndarray, truth: np.ndarray) -> float:
    """Connectivity error, in thousands: Σ|φ(α) − φ(α*)| / 1000 (Rhemann et al. 2009, equations 2 and 3).

    Here θ = 0.15 and p = 1. The source region at each threshold is the largest connected part of the pixels where both
    mattes reach it; the level l of a pixel is the highest threshold at which it still belongs to that region.
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
    """The error of the change from one frame to the next, in hundredths (Erofeev et al. 2015).

    dtSSD = 100·√(Σ((α_t − α_{t−1}) − (α*_t − α*_{t−1}))² / N)

    Args:
        alpha: of frame t, `(H, W)`.
        truth: of frame t, `(H, W)`.
        alpha_before: of frame t−1, `(H, W)`.
        truth_before: of frame t−1, `(H, W)`.
    """
    alpha, truth = _pair(alpha, truth)
    alpha_before, truth_before = _pair(alpha_before, truth_before)
    change = (alpha - alpha_before) - (truth - truth_before)
    return float(100 * np.sqrt(np.square(change).mean()))


def _dtssd(frame: FramePair, before: FramePair | None) -> float:
    return math.nan if before is None else dtssd(frame.alpha, frame.truth, before.alpha, before.truth)


METRICS = (
    Metric(
        "sad",
        "SAD",
        "",
        2,
        False,
        "Sum of absolute differences to the true matte, in thousands; grows with the picture.",
        lambda frame, before: sad(frame.alpha, frame.truth),
    ),
    Metric(
        "mad",
        "MAD × 1000",
        "",
        2,
        False,
        "Mean absolute difference of alpha to the true one, times a thousand.",
        lambda frame, before: mad(frame.alpha, frame.truth),
        scale=1000,
    ),
    Metric(
        "mse",
        "MSE × 1000",
        "",
        2,
        False,
        "Mean squared difference of alpha, times a thousand: weighs large errors.",
        lambda frame, before: mse(frame.alpha, frame.truth),
        scale=1000,
    ),
    Metric(
        "gradient",
        "Gradient",
        "",
        2,
        False,
        "How differently the matte's edges rise and fall, in thousands.",
        lambda frame, before: gradient(frame.alpha, frame.truth),
    ),
    Metric(
        "connectivity",
        "Connectivity",
        "",
        2,
        False,
        "Parts that hang loose or holes that should not be, in thousands.",
        lambda frame, before: connectivity(frame.alpha, frame.truth),
    ),
    Metric(
        "dtssd",
        "dtSSD",
        "",
        2,
        False,
        "How wrongly the matte changes from frame to frame, in hundredths: its flicker.",
        _dtssd,
    ),
)
"""Computed of a `FramePair` of mattes and of the one before it, or None where that is missing."""
