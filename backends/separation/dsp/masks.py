"""Soft masks on spectrograms: pure functions of arrays of magnitudes (F, T), float32.

A mask is the share of each time-frequency bin that one source takes, 0 to 1.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter

TINY = 1e-9


def running_median(values: np.ndarray, width: int) -> np.ndarray:
    """Median over `width` (odd) neighbours along the last axis; edges see their own value repeated.

    The rows are filtered as one long signal, padded between rows: scipy has a fast path for one dimension alone.
    """
    half = width // 2
    padded = np.pad(values, ((0, 0), (half, half)), mode="edge")  # (F, T + 2 half)
    flat = median_filter(padded.ravel(), size=width, mode="nearest")
    return np.ascontiguousarray(flat.reshape(padded.shape)[:, half : half + values.shape[1]])


def odd(count: float) -> int:
    """The odd number nearest below or at `count` + 1, at least 1: a median needs a middle."""
    return max(int(count), 0) | 1


def wiener(wanted: np.ndarray, rest: np.ndarray, power: float = 2.0) -> np.ndarray:
    """Share of `wanted` in the sum of both, each to `power`; 2 is the Wiener filter of magnitudes. 0 where both are."""
    # One quotient of at most 1 instead of two powers: no overflow, no underflow, whatever the scale.
    larger = np.maximum(wanted, rest) + TINY * max(float(np.max(wanted, initial=0)), 1e-30)
    top, bottom = (wanted / larger) ** power, (rest / larger) ** power
    return np.asarray(top / (top + bottom + TINY), dtype=np.float32)


def sustained_and_struck(magnitude: np.ndarray, frames: float, bins: float) -> tuple[np.ndarray, np.ndarray]:
    """Median along time over `frames`, and along frequency over `bins` (FitzGerald 2010), both (F, T).

    A held note is a ridge along time and survives the first; a drum hit is one along frequency and survives the
    second. How long "held" is depends on `frames`: over half a second the singing voice, which never keeps still,
    is no longer in the first (Tachibana et al. 2014).
    """
    return running_median(magnitude, odd(frames)), running_median(magnitude.T, odd(bins)).T


def repeating(magnitude: np.ndarray, frames_apart: int, neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    """What recurs, and how exactly: (F, T), each frame's median over its most similar frames elsewhere, at most the
    frame itself; and (T,), their mean similarity, 0 to 1.

    REPET-SIM (Rafii & Pardo 2012): cosine similarity, here of square-root magnitudes, so that the bass alone does not
    decide. `frames_apart` is how far away a similar frame has to be: one held sound is not its own repetition. Zeros in
    songs too short to repeat.
    """
    frames = magnitude.shape[1]
    count = min(neighbours, frames - 2 * frames_apart)
    background = np.zeros_like(magnitude)
    if count < 2:
        return background, np.zeros(frames, np.float32)
    unit = np.sqrt(magnitude)
    unit /= np.linalg.norm(unit, axis=0) + TINY
    alike = unit.T @ unit  # (T, T)
    index = np.arange(frames)
    alike[np.abs(index[:, None] - index) < frames_apart] = -1.0
    nearest = np.argpartition(-alike, count - 1, axis=1)[:, :count]  # (T, count)
    columns = np.ascontiguousarray(magnitude.T)  # (T, F)
    for t in range(frames):
        background[:, t] = np.median(columns[nearest[t]], axis=0)
    return np.minimum(background, magnitude), np.take_along_axis(alike, nearest, axis=1).mean(axis=1)


def centred(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How alike the channels are in each bin: 2 Re(L R*) / (|L|² + |R|²), floored at 0 (after Avendano & Jot 2004).

    Complex (F, T) in. 1 in the middle of the stage, falling with any difference in level or phase.
    """
    energy = np.abs(left) ** 2 + np.abs(right) ** 2
    product = 2 * (left.real * right.real + left.imag * right.imag)
    floor = TINY * max(float(energy.max(initial=0)), 1e-30)
    return np.asarray(np.maximum(product, 0) / (energy + floor), dtype=np.float32)


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part` / `whole`, between 0 and 1, and 0 where there is nothing to share."""
    floor = TINY * max(float(whole.max(initial=0)), 1e-30)
    return np.asarray(np.clip(part / (whole + floor), 0, 1), dtype=np.float32)


def comb(pitch: np.ndarray, frequencies: np.ndarray, *, width: float, widening: float) -> np.ndarray:
    """A lobe round each harmonic of `pitch` (T,), in Hz; 0 for unpitched frames, whose pitch is 0. (F, T)

    `width` is a lobe's standard deviation in Hz; `widening` is how much wider it gets for each Hz of the harmonic,
    since vibrato and glides spread the upper harmonics most.
    """
    sung = pitch > 0
    tone = np.where(sung, pitch, 1.0).astype(np.float32)
    nearest = np.maximum(np.round(frequencies[:, None] / tone), 1) * tone  # (F, T)
    lobes = np.exp(-0.5 * ((frequencies[:, None] - nearest) / (width + widening * nearest)) ** 2)
    return np.asarray(lobes * sung, dtype=np.float32)


def rise(frequencies: np.ndarray, start: float, stop: float) -> np.ndarray:
    """0 below `start` Hz, 1 above `stop`, half a cosine between them. (F, 1)"""
    ramp = np.clip((frequencies - start) / (stop - start), 0, 1)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * ramp), dtype=np.float32)[:, None]
