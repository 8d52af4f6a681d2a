"""Time: what stands still, how much a matte flickers there, and smoothing that does not drag behind movement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np

STILL = 6.0
"""Change of blurred luma, in steps of 255, under which a pixel counts as standing still: above camera noise."""

TOLERANCE = 0.1
"""ξ of MODNet's equation for the one-frame delay: alphas closer than this agree."""

Payload = TypeVar("Payload")


def luma(frame: np.ndarray) -> np.ndarray:
    """`(H, W, 3)` uint8 RGB to blurred luma `(H, W)` float32; the blur takes out the noise of single pixels."""
    return cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (5, 5), 0).astype(np.float32)


def still(previous: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Where two `luma` pictures `(H, W)` show no movement."""
    return np.abs(current - previous) < STILL


def flicker(previous: np.ndarray, current: np.ndarray, calm: np.ndarray) -> float:
    """Mean change of alpha from one frame to the next over the pixels that stand still; 0 where none does.

    A true matte of a still pixel does not change, so any change is the method's own unrest.
    """
    count = int(np.count_nonzero(calm))
    return float(np.abs(current - previous)[calm].sum() / count) if count else 0.0


def one_frame_delay(
    before: np.ndarray, alpha: np.ndarray, after: np.ndarray, calm: np.ndarray, tolerance: float = TOLERANCE
) -> np.ndarray:
    """Smooth `alpha` from its neighbours in time (MODNet, section "One-Frame Delay", equation 7).

    Where the frames before and after agree with each other and this one with neither, it is taken for a flicker and
    becomes their mean. `calm` says where the picture itself stood still over the three frames: a hand that is there
    for one frame only is no flicker, and stays.

    Args:
        before, alpha, after: mattes `(H, W)` of frames t−1, t and t+1.
        calm: `(H, W)` bool.
    """
    agree = np.abs(before - after) <= tolerance
    astray = (np.abs(alpha - before) > tolerance) & (np.abs(alpha - after) > tolerance)
    return np.where(agree & astray & calm, (before + after) / 2, alpha)


@dataclass(frozen=True)
class Moment(Generic[Payload]):
    """One frame on its way through time: `raw` is the engine's matte, `alpha` what became of it.

    `unrest_raw` and `unrest` are the flicker against the frame before, without and with smoothing.
    """

    payload: Payload
    luma: np.ndarray
    raw: np.ndarray
    alpha: np.ndarray
    unrest_raw: float = 0.0
    unrest: float = 0.0


class Smoother(Generic[Payload]):
    """Mattes in, mattes out one frame later, smoothed where `active`; measures the flicker before and after."""

    def __init__(self, active: bool = True) -> None:
        self.active = active
        self._before: Moment[Payload] | None = None
        self._now: Moment[Payload] | None = None

    def push(self, payload: Payload, frame: np.ndarray, alpha: np.ndarray) -> list[Moment[Payload]]:
        """Take the next frame's matte; give the one before it, finished, if there is one."""
        coming = Moment(payload, luma(frame), alpha, alpha)
        done = [self._finished(coming)] if self._now is not None else []
        self._now = coming
        return done

    def flush(self) -> list[Moment[Payload]]:
        done = [self._finished(None)] if self._now is not None else []
        self._now = self._before = None
        return done

    def _finished(self, coming: Moment[Payload] | None) -> Moment[Payload]:
        now, before = self._now, self._before
        assert now is not None
        alpha, unrest_raw, unrest = now.raw, 0.0, 0.0
        if before is not None:
            calm = still(before.luma, now.luma)
            if self.active and coming is not None:
                both = calm & still(now.luma, coming.luma) & still(before.luma, coming.luma)
                alpha = one_frame_delay(before.raw, now.raw, coming.raw, both)
            unrest_raw = flicker(before.raw, now.raw, calm)
            unrest = flicker(before.alpha, alpha, calm)
        self._before = Moment(now.payload, now.luma, now.raw, alpha, unrest_raw, unrest)
        return self._before
