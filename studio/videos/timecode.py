"""Times in a video as sliders and captions show them."""

from __future__ import annotations

import datetime

TENTH = datetime.timedelta(milliseconds=100)


def as_clock(seconds: float) -> datetime.time:
    """Seconds as the time of a slider, which ends before midnight."""
    tenths = min(round(seconds * 10), 24 * 36_000 - 1)
    return (datetime.datetime.min + datetime.timedelta(milliseconds=100 * tenths)).time()


def from_clock(shown: datetime.time) -> float:
    """The seconds of a slider's time.

    >>> from_clock(as_clock(3725.4))
    3725.4
    """
    return shown.hour * 3600 + shown.minute * 60 + shown.second + shown.microsecond / 1e6


def clock(seconds: float) -> str:
    """Seconds as minutes, seconds and tenths.

    >>> clock(72.34)
    '1:12.3'
    """
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{int(minutes)}:{rest:04.1f}"
