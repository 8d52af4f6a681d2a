"""Some seconds of a song as text inside a document: the sound, and the tile that draws it."""

from __future__ import annotations

import numpy as np

from studio.ui import opus
from studio.ui.opus import RATE
from studio.web.urls import data_url
from viz.separation.tiles import encode_tile

GAIN = 0.5
"""What the samples of a stored segment were scaled by."""

KBITS = (96, 64, 48)
"""Kilobits a second of a stereo lane, best first."""

GOOD_SECONDS, MOST_SECONDS, LEAST_SECONDS = 12.0, 30.0, 4.0
BASE64 = 4 / 3


def frames(seconds: float) -> int:
    """How many frames an excerpt of so many seconds has."""
    return round(seconds * RATE)


def quality(lanes: int, budget: int) -> tuple[int, float]:
    """Kilobits a second and seconds that fit into `budget` bytes: good sound first, then more of it."""
    for kbits in KBITS:
        seconds = budget / (lanes * kbits * 125 * BASE64)
        if seconds >= GOOD_SECONDS:
            return kbits, min(MOST_SECONDS, seconds)
    return KBITS[-1], max(LEAST_SECONDS, seconds)


def encode(sound: np.ndarray, rate: int, kbits: int) -> tuple[str, str]:
    """The sound, and the tile of its waveform and spectrogram, as data addresses.

    Args:
        sound: `(T, 2)` float32 as a segment holds it, scaled by `GAIN`.
        rate: of it in Hz.
        kbits: kilobits a second.
    """
    resampled = opus.resampled(sound, rate)
    tile = encode_tile(resampled.T / GAIN, RATE, len(resampled))
    return opus.address(resampled, kbits), data_url("application/octet-stream", tile)
