"""The frequency scale of every drawing of sound, Slaney's mel scale, and the filters that sum Fourier bins into bands.

Slaney's scale (Auditory Toolbox, 1998) is linear up to 1 kHz, with 200/3 Hz to the mel, and logarithmic above, with 27
mels to a factor of 6.4. It is librosa's default. It is computed here because librosa takes seconds to import, and the
first sound of a song waits for its picture.
"""

from __future__ import annotations

from functools import cache
from typing import overload

import numpy as np

LOWEST_HZ = 30.0
HIGHEST_HZ = 16000.0

_BREAK_HZ, _BREAK_MEL = 1000.0, 15.0
_HZ_PER_MEL = 200.0 / 3.0
_LOG_STEP = np.log(6.4) / 27.0
_HANN_NOISE_BANDWIDTH = 1.5
"""Of a Hann window, in bins: dividing by it makes the level of a sine independent of the window's leakage."""


@overload
def hz_to_mel(hz: float) -> float: ...
@overload
def hz_to_mel(hz: np.ndarray) -> np.ndarray: ...


def hz_to_mel(hz: float | np.ndarray) -> float | np.ndarray:
    """Hz to mels.

    >>> float(hz_to_mel(200.0)), float(hz_to_mel(1000.0)), round(float(hz_to_mel(6400.0)), 6)
    (3.0, 15.0, 42.0)
    """
    log = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(np.asarray(hz) < _BREAK_HZ, hz / _HZ_PER_MEL, log)


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    """Mels to Hz, the inverse of `hz_to_mel`."""
    return np.where(mel < _BREAK_MEL, mel * _HZ_PER_MEL, _BREAK_HZ * np.exp((mel - _BREAK_MEL) * _LOG_STEP))


def highest_hz(samplerate: int) -> float:
    """The top of the scale for sound at this rate: `HIGHEST_HZ`, or half the rate where that is lower."""
    return min(HIGHEST_HZ, samplerate / 2)


def band_edges(samplerate: int, bands: int) -> np.ndarray:
    """Frequencies in Hz, `(bands + 2,)`, even in mels: both ends of the scale, and between them the bands' centres.

    Band i rises from edge i to its centre, edge i + 1, and falls to edge i + 2.
    """
    return mel_to_hz(np.linspace(hz_to_mel(LOWEST_HZ), hz_to_mel(highest_hz(samplerate)), bands + 2))


def mel_filters(samplerate: int, size: int, bands: int) -> np.ndarray:
    """Triangles of height 1 over the bins of a Fourier transform of `size` samples: float32, `(bands, size / 2 + 1)`.

    A slope narrower than the spacing of the bins is widened to it, so that no band falls between two bins.
    """
    edges = band_edges(samplerate, bands)[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    spacing = samplerate / size
    frequencies = np.arange(size // 2 + 1) * spacing
    rise = (frequencies - centre) / np.maximum(centre - low, spacing)
    fall = (centre - frequencies) / np.maximum(high - centre, spacing)
    return np.maximum(0.0, 1.0 + np.minimum(rise, fall)).astype(np.float32)


@cache
def full_scale_window(size: int) -> np.ndarray:
    """A Hann window `(size,)`, float32, scaled so that the power in a band of a sine at full scale adds up to 1."""
    window = np.hanning(size + 1)[:-1]
    window *= 2.0 / (window.sum() * np.sqrt(_HANN_NOISE_BANDWIDTH))
    return window.astype(np.float32)
