"""Smoothing over time: which pixels stand still, how much a matte flickers there, and how flashes are removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np

STILL = 6.0
"""A pixel whose blurred luma changes by less than this, of 255, counts as standing still: it is above camera noise."""

BACKGROUND = 0.05
"""Alpha below which a pixel is background for sure."""

TOLERANCE = 0.1
"""ξ of MODNet's one-frame delay: alphas that are closer than this agree."""

Payload = TypeVar("Payload")


def luma(frame: np.ndarray) -> np.ndarray:
    """`(H, W, 3)` uint8 RGB to blurred luma `(H, W)` float32; the blur takes out the noise of single pixels."""
    return cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (5, 5), 0).astype(np.float32)


def still_pixels(previous: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Where two `luma` pictures `(H, W)` show no movement, `(H, W)` bool.

    >>> still_pixels(np.array([[100.0, 100.0]]), np.array([[103.0, 120.0]])).tolist()
    [[True, False]]
    """
    return np.abs(current - previous) < STILL


def flicker(previous: np.ndarray, current: np.ndarray, still: np.ndarray) -> float:
    """Mean |α_t − α_{t−1}| over the pixels that stand still, in 0..1; 0 where none does.

    The true matte of a still pixel does not change, so any change comes from the method.

    >>> flicker(np.zeros((1, 2)), np.array([[0.25, 1.0]]), np.array([[True, False]]))
    0.25
    """
    count = int(np.count_nonzero(still))
    return float(np.abs(current - previous)[still].sum() / count) if count else 0.0


def one_frame_delay(
    before: np.ndarray, alpha: np.ndarray, after: np.ndarray, still: np.ndarray, tolerance: float = TOLERANCE
) -> np.ndarray:
    """Smooth `alpha` from its neighbours in time (Ke et al. 2022, MODNet, "One-Frame Delay", equation 7).

    Where |α_{t−1} − α_{t+1}| ≤ ξ while |α_t − α_{t−1}| > ξ and |α_t − α_{t+1}| > ξ, α_t is a flash and becomes
    (α_{t−1} + α_{t+1}) / 2. Unlike the paper, this is limited to pixels whose picture stood still over the three
    frames: a hand that is there for one frame only is no flash, and stays.

    Args:
        before: matte of frame t−1, `(H, W)` in 0..1.
        alpha: matte of frame t, `(H, W)`.
        after: matte of frame t+1, `(H, W)`.
        still: where the picture stood still over the three frames, `(H, W)` bool.
        tolerance: ξ.

    Returns:
        The smoothed matte of frame t, `(H, W)`.

    >>> flash = one_frame_delay(np.array([0.8]), np.array([0.2]), np.array([0.86]), np.array([True]))
    >>> round(float(flash[0]), 2)
    0.83
    """
    neighbours_agree = np.abs(before - after) <= tolerance
    differs = (np.abs(alpha - before) > tolerance) & (np.abs(alpha - after) > tolerance)
    return np.where(neighbours_agree & differs & still, (before + after) / 2, alpha)


@dataclass(frozen=True)
class SmoothedFrame(Generic[Payload]):
    """One frame with its matte, before (`raw`) and after (`alpha`) smoothing, both `(H, W)`.

    `flicker_raw` and `flicker` are its flicker against the frame before, without and with smoothing; `still` is the
    share of the background that stood still since then. `payload` is whatever the caller wants back with the frame.
    """

    payload: Payload
    luma: np.ndarray
    raw: np.ndarray
    alpha: np.ndarray
    flicker_raw: float = 0.0
    flicker: float = 0.0
    still: float = 1.0


class Smoother(Generic[Payload]):
    """Takes mattes in order and returns each one frame later: smoothed if `active`, its flicker measured either way."""

    def __init__(self, active: bool = True) -> None:
        self.active = active
        self._previous: SmoothedFrame[Payload] | None = None
        self._current: SmoothedFrame[Payload] | None = None

    def push(self, payload: Payload, frame: np.ndarray, alpha: np.ndarray) -> list[SmoothedFrame[Payload]]:
        """Take the next frame `(H, W, 3)` uint8 and its matte `(H, W)`; return the frame before it, if there is one."""
        following = SmoothedFrame(payload, luma(frame), alpha, alpha)
        smoothed = [self._smooth(following)] if self._current is not None else []
        self._current = following
        return smoothed

    def flush(self) -> list[SmoothedFrame[Payload]]:
        """Return the last frame, and start afresh."""
        smoothed = [self._smooth(None)] if self._current is not None else []
        self._current = self._previous = None
        return smoothed

    def _smooth(self, following: SmoothedFrame[Payload] | None) -> SmoothedFrame[Payload]:
        current, previous = self._current, self._previous
        assert current is not None
        alpha, flicker_raw, flicker_smoothed, still_share = current.raw, 0.0, 0.0, 1.0
        if previous is not None:
            still = still_pixels(previous.luma, current.luma)
            if self.active and following is not None:
                still_throughout = (
                    still & still_pixels(current.luma, following.luma) & still_pixels(previous.luma, following.luma)
                )
                alpha = one_frame_delay(previous.raw, current.raw, following.raw, still_throughout)
            flicker_raw = flicker(previous.raw, current.raw, still)
            flicker_smoothed = flicker(previous.alpha, alpha, still)
            background = (previous.raw < BACKGROUND) & (current.raw < BACKGROUND)
            still_share = float(still[background].mean()) if background.any() else 1.0
        self._previous = SmoothedFrame(
            current.payload, current.luma, current.raw, alpha, flicker_raw, flicker_smoothed, still_share
        )
        return self._previous
