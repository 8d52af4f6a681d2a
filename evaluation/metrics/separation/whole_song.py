"""Signal to distortion of a whole song in one number, without windows or filters, as music demixing challenges use."""

from __future__ import annotations

import numpy as np

from evaluation.metrics.base import Metric


def song_sdr(estimate: np.ndarray, reference: np.ndarray) -> float:
    """10 log10(|s|² / |s − ŝ|²) over all samples and channels (Mitsufuji et al. 2022); NaN for a silent reference.

    >>> round(song_sdr(np.array([0.9, -0.9]), np.array([1.0, -1.0])), 6)
    20.0
    """
    power = float(np.sum(np.square(reference, dtype=np.float64)))
    error = float(np.sum(np.square(reference.astype(np.float64) - estimate)))
    if power == 0:
        return float("nan")
    with np.errstate(divide="ignore"):
        return float(10 * (np.log10(power) - np.log10(error)))


METRICS = (
    Metric(
        "song_sdr",
        "SDR of the song",
        "dB",
        1,
        True,
        "The energy of the true stem over that of the error, summed over the whole song: its volume counts as well.",
        song_sdr,
    ),
)
