"""What a region looks like: a smooth histogram of its colours, against that of what lies around it."""

from __future__ import annotations

import cv2
import numpy as np

BINS = 16
"""Of each of the three colour channels."""

FLOOR = 2e-4
"""The share that every colour has at least, so that one never seen before decides nothing alone."""

MAX_EVIDENCE = 3.0
"""A single colour speaks at most so strongly (natural logarithm) for one of two sides."""


def colour_bins(frame: np.ndarray) -> np.ndarray:
    """The bin `(H, W)` int32 of each pixel of `frame` `(H, W, 3)` uint8, in CIE Lab."""
    lab = cv2.cvtColor(cv2.GaussianBlur(frame, (3, 3), 0), cv2.COLOR_RGB2LAB).astype(np.int32)
    # People and rooms fill a small part of Lab: chroma is spread around gray, where the differences are.
    light = lab[..., 0] * BINS >> 8
    green, blue = (np.clip((lab[..., channel] - 128) * 2 + 128, 0, 255) * BINS >> 8 for channel in (1, 2))
    return (light * BINS + green) * BINS + blue


def histogram(bins: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The share of each bin `(BINS³,)` float32 among pixels with these bins and weights, both `(H, W)`.

    Neighbouring bins share a little, because light changes and cameras are noisy.
    """
    counts = np.bincount(bins.ravel(), weight.ravel().astype(np.float64), BINS**3).reshape(BINS, BINS, BINS)
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if one == axis else (0, 0) for one in range(3)], mode="edge")
        before, after = (np.take(padded, range(start, start + BINS), axis) for start in (0, 2))
        counts = 0.6 * counts + 0.2 * (before + after)
    total = counts.sum()
    shares = counts.ravel() / total if total > 0 else np.full(BINS**3, 1 / BINS**3)
    return shares.astype(np.float32)


def evidence(bins: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """log p(colour | one) − log p(colour | other) of each pixel, `(H, W)` float32, limited to ±MAX_EVIDENCE."""
    ratio = np.log((one + FLOOR) / (other + FLOOR)).astype(np.float32)
    return np.clip(ratio, -MAX_EVIDENCE, MAX_EVIDENCE)[bins]


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The Bhattacharyya coefficient Σ √(p·q) of two histograms: 1 for the same colours, 0 for none in common."""
    return float(np.sqrt(one * other).sum())
