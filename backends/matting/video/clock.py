"""The clock of a video's frames: exact where the file's own clock is too coarse for its frame rate."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import av

from backends.matting.video.timeline import RunningTime

LEAST_HERTZ = 10_000
"""A clock that also has to hold times between the frames of a constant rate ticks at least so often."""


USUAL_HERTZ = (12, 15, 24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 144, 240)
NEAR = Fraction(1, 20_000)
"""How near a rate is to a usual one that a container rounded; 30 and 30000/1001 Hz are 20 times as far apart."""


class FrameClock:
    """Turns the times of frames into ticks of `base`, counted from `zero`.

    Matroska counts milliseconds and broadcasts 90,000ths of a second, in which a frame of 24000/1001 Hz has no whole
    length. Where a time t lies within one tick of the file's clock of a multiple of the frame's length 1/r, counted
    from the first frame t0, that multiple is meant: t0 + k/r with k = round((t - t0) * r). All other times stay.

    Args:
        stream: of the video.
        rate: r, the frame rate that the file declares, in Hz.
        zero: the moment of the file's clock that counts as 0, in seconds.
    """

    def __init__(self, stream: av.VideoStream, rate: Fraction, zero: Fraction) -> None:
        self._tick = Fraction(stream.time_base or Fraction(1, 90_000))
        self._rate, self._zero = rate, zero
        self.running = RunningTime()
        self._first = Fraction(0) if stream.start_time is None else stream.start_time * self._tick
        self.base = self._tick
        self._snaps = (1 / (rate * self._tick)).denominator != 1
        if self._snaps:
            hertz = max(Fraction(LEAST_HERTZ), 1 / self._tick)
            self.base = 1 / Fraction(rate.numerator * ceil(hertz / rate.numerator))

    def ticks(self, frame: av.VideoFrame) -> int | None:
        """When a frame is shown; None where it does not say."""
        if frame.pts is None:
            return None
        seconds = frame.pts * Fraction(frame.time_base or self._tick)
        return self._nearest(seconds + self.running.offset(seconds, 1 / self._rate))

    def at(self, ticks: int) -> int:
        """A time of the file's clock."""
        return self._nearest(ticks * self._tick)

    def length(self, frame: av.VideoFrame) -> int:
        """For how many ticks a frame is shown; the length of a frame at the declared rate where it does not say."""
        usual = 1 / self._rate
        seconds = (frame.duration or 0) * Fraction(frame.time_base or self._tick)
        if seconds <= 0 or (self._snaps and abs(seconds - usual) <= self._tick):
            seconds = usual
        return max(1, round(seconds / self.base))

    def _nearest(self, seconds: Fraction) -> int:
        if self._snaps:
            near = self._first + round((seconds - self._first) * self._rate) / self._rate
            seconds = near if abs(near - seconds) <= self._tick else seconds
        return round((seconds - self._zero) / self.base)


def usual_rate(rate: Fraction) -> Fraction:
    """The usual frame rate that a container held as a rounded number, or in milliseconds; else the rate as it is.

    >>> usual_rate(Fraction(989, 33)), usual_rate(Fraction(19001, 317)), usual_rate(Fraction(1000, 33))
    (Fraction(30000, 1001), Fraction(60000, 1001), Fraction(1000, 33))
    """
    usual = (hertz * factor for hertz in USUAL_HERTZ for factor in (Fraction(1), Fraction(1000, 1001)))
    return next((each for each in usual if abs(rate / each - 1) < NEAR), rate)
