"""Levels of sound in decibels relative to full scale, measured block by block so that memory does not grow."""

from __future__ import annotations

from typing import overload

import numpy as np

FLOOR_DB = -120.0
SILENCE_DB = -60.0
"""A window softer than this counts as silence: below the noise of most rooms at normal listening level."""


@overload
def decibels(power: float) -> float: ...
@overload
def decibels(power: np.ndarray) -> np.ndarray: ...


def decibels(power: float | np.ndarray) -> float | np.ndarray:
    """10 log10(`power`), where full scale is 1, and never below `FLOOR_DB`: silence has a finite level too.

    >>> decibels(0.5**2), decibels(0.0)
    (-6.020599913279624, -120.0)
    >>> decibels(np.array([1.0, 0.01]))
    array([  0., -20.])
    """
    level = 10.0 * np.log10(np.maximum(power, 10.0 ** (FLOOR_DB / 10.0)))
    return level if isinstance(power, np.ndarray) else float(level)


class LevelMeter:
    """Level (RMS), peak, and the fraction of silence of one signal, fed in blocks `(C, T)` of any length.

    Power is averaged over channels. Silence is counted in windows of `window_seconds`; the last may be shorter.

    >>> meter = LevelMeter(samplerate=1000)
    >>> meter.add(np.concatenate([np.full((2, 1000), 0.1), np.zeros((2, 1000))], axis=1))
    >>> round(meter.level_db, 2), round(meter.peak_db, 2), meter.silent_fraction
    (-23.01, -20.0, 0.5)
    """

    def __init__(self, samplerate: int, window_seconds: float = 1.0) -> None:
        self.window = max(1, round(window_seconds * samplerate))
        self.frames = self.over = 0
        self.power = self.peak = 0.0
        self._silent = self._filled = 0
        self._pending = 0.0  # summed power of the window that is being filled

    def add(self, block: np.ndarray) -> None:
        if not block.shape[1]:
            return
        power = np.square(block, dtype=np.float64).mean(axis=0)  # (T,)
        self.frames += len(power)
        self.power += float(power.sum())
        magnitude = np.abs(block)
        self.peak = max(self.peak, float(magnitude.max()))
        if self.peak > 1.0:
            self.over += int((magnitude > 1.0).any(axis=0).sum())
        for piece in np.split(power, range(self.window - self._filled, len(power), self.window)):
            self._pending += float(piece.sum())
            self._filled += len(piece)
            if self._filled == self.window:
                self._silent += self._silent_frames()
                self._pending, self._filled = 0.0, 0

    def _silent_frames(self) -> int:
        """Frames of the window that is being filled, where it is silent so far, else 0."""
        return self._filled if self._filled and decibels(self._pending / self._filled) < SILENCE_DB else 0

    @property
    def level_db(self) -> float:
        """RMS in dB relative to full scale: a square wave at full scale is 0, a sine -3."""
        return decibels(self.power / max(self.frames, 1))

    @property
    def peak_db(self) -> float:
        return decibels(self.peak**2)

    @property
    def silent_fraction(self) -> float:
        return (self._silent + self._silent_frames()) / max(self.frames, 1)

    @property
    def over_fraction(self) -> float:
        """The fraction of frames in which any channel is beyond full scale."""
        return self.over / max(self.frames, 1)
