"""Soft masks on spectrograms: pure functions of float32 magnitude arrays `(F, T)`, F frequency bins by T frames.

A mask gives the fraction of each time-frequency bin, 0 to 1, that is assigned to one source. Multiplying the complex
spectrogram of the mixture by it and inverting the transform yields that source.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter

EPSILON = 1e-9


def running_median(values: np.ndarray, width: int) -> np.ndarray:
    """Median over `width` (odd) neighbours along the last axis; at the edges the outermost value is repeated.

    >>> running_median(np.array([[1.0, 9.0, 2.0, 3.0]]), 3)
    array([[1., 2., 3., 3.]])
    """
    # All rows are filtered as one long signal with padding between them, because scipy's fast path is one-dimensional.
    half = width // 2
    padded = np.pad(values, ((0, 0), (half, half)), mode="edge")  # (F, T + 2 half)
    flat = median_filter(padded.ravel(), size=width, mode="nearest")
    return np.ascontiguousarray(flat.reshape(padded.shape)[:, half : half + values.shape[1]])


def odd_width(count: float) -> int:
    """`count` rounded down to a whole number and, if that is even, up by one: a median filter needs a centre.

    >>> odd_width(6.3), odd_width(7.9), odd_width(0.2)
    (7, 7, 1)
    """
    return max(int(count), 0) | 1


def wiener_mask(target: np.ndarray, rest: np.ndarray, power: float = 2.0) -> np.ndarray:
    """The mask target^p / (target^p + rest^p); p = 2 is the Wiener filter on magnitudes. 0 where both are 0.

    >>> wiener_mask(np.array([[3.0, 0.0]]), np.array([[1.0, 0.0]])).round(3).tolist()
    [[0.8999999761581421, 0.0]]
    """
    # Dividing by the larger of the two first keeps both powers within 0 to 1: no overflow or underflow at any scale.
    larger = np.maximum(target, rest) + EPSILON * max(float(np.max(target, initial=0)), 1e-30)
    numerator, other = (target / larger) ** power, (rest / larger) ** power
    return np.asarray(numerator / (numerator + other + EPSILON), dtype=np.float32)


def harmonic_and_percussive(magnitude: np.ndarray, frames: float, bins: float) -> tuple[np.ndarray, np.ndarray]:
    """Harmonic and percussive estimates `(F, T)` by median filtering (FitzGerald, DAFx 2010).

    H(f, t) = median over `frames` frames round t of X(f, .), and P(f, t) = median over `bins` bins round f of X(., t).
    A held note is a ridge along time and survives in H; a drum hit is a ridge along frequency and survives in P. What
    counts as held depends on `frames`: over half a second or more a singing voice, whose pitch always moves, is no
    longer in H (Tachibana et al. 2014).

    Args:
        magnitude: X, `(F, T)`.
        frames: width of the median along time, in frames.
        bins: width of the median along frequency, in bins.
    """
    return running_median(magnitude, odd_width(frames)), running_median(magnitude.T, odd_width(bins)).T


def repeating_background(magnitude: np.ndarray, min_distance: int, neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    """What recurs in a song, by REPET-SIM (Rafii & Pardo, ISMIR 2012).

    With S(t, u) the cosine similarity of frames t and u, and N(t) the `neighbours` frames most similar to t, the
    background is B(f, t) = min(X(f, t), median of X(f, u) over u in N(t)). Similarity is
    computed on square-root magnitudes here, so that the bass alone does not decide it.

    Args:
        magnitude: X, `(F, T)`.
        min_distance: frames that a neighbour must be away, so that one held sound is not its own repetition.
        neighbours: how many similar frames the median is taken over.

    Returns:
        The background `(F, T)`, and the mean similarity `(T,)` of each frame to its neighbours, 0 to 1. Both are zero
        in excerpts too short to repeat.
    """
    frames = magnitude.shape[1]
    count = min(neighbours, frames - 2 * min_distance)
    background = np.zeros_like(magnitude)
    if count < 2:
        return background, np.zeros(frames, np.float32)
    unit = np.sqrt(magnitude)
    unit /= np.linalg.norm(unit, axis=0) + EPSILON
    similarity = unit.T @ unit  # (T, T)
    index = np.arange(frames)
    similarity[np.abs(index[:, None] - index) < min_distance] = -1.0
    nearest = np.argpartition(-similarity, count - 1, axis=1)[:, :count]  # (T, count)
    columns = np.ascontiguousarray(magnitude.T)  # (T, F)
    for t in range(frames):
        background[:, t] = np.median(columns[nearest[t]], axis=0)
    return np.minimum(background, magnitude), np.take_along_axis(similarity, nearest, axis=1).mean(axis=1)


def centre_mask(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Similarity of the two channels in each bin, 2 Re(L R*) / (|L|² + |R|²), with negative values set to 0.

    After the similarity function of Avendano & Jot (JAES 2004). It is 1 for a source panned to the centre and falls
    with any difference in level or phase. Takes two complex spectrograms `(F, T)` and returns a mask `(F, T)`.

    >>> left, right = np.array([[1, 1, 1]], np.complex64), np.array([[1, 0, -1]], np.complex64)
    >>> centre_mask(left, right).round(3).tolist()
    [[1.0, 0.0, 0.0]]
    """
    energy = np.abs(left) ** 2 + np.abs(right) ** 2
    product = 2 * (left.real * right.real + left.imag * right.imag)
    floor = EPSILON * max(float(energy.max(initial=0)), 1e-30)
    return np.asarray(np.maximum(product, 0) / (energy + floor), dtype=np.float32)


def ratio_mask(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part` / `whole`, limited to 0 to 1; 0 where `whole` is 0.

    >>> ratio_mask(np.array([[1.0, 3.0]]), np.array([[4.0, 0.0]])).tolist()
    [[0.25, 1.0]]
    """
    floor = EPSILON * max(float(whole.max(initial=0)), 1e-30)
    return np.asarray(np.clip(part / (whole + floor), 0, 1), dtype=np.float32)


def harmonic_comb(pitch: np.ndarray, frequencies: np.ndarray, *, width: float, widening: float) -> np.ndarray:
    """A Gaussian lobe round each harmonic of a pitch contour: exp(-(f - h)² / 2 s(h)²), s(h) = width + widening · h.

    Args:
        pitch: fundamental frequency of each frame in Hz, `(T,)`; 0 marks a frame without pitch, whose column is 0.
        frequencies: centre of each bin in Hz, `(F,)`.
        width: standard deviation of a lobe in Hz.
        widening: Hz by which a lobe's standard deviation grows for each Hz of its harmonic h, because vibrato and
            glides spread the upper harmonics most.

    Returns:
        The comb `(F, T)`, 0 to 1; h is the harmonic nearest to each bin.
    """
    voiced = pitch > 0
    fundamental = np.where(voiced, pitch, 1.0).astype(np.float32)
    harmonic = np.maximum(np.round(frequencies[:, None] / fundamental), 1) * fundamental  # (F, T)
    lobes = np.exp(-0.5 * ((frequencies[:, None] - harmonic) / (width + widening * harmonic)) ** 2)
    return np.asarray(lobes * voiced, dtype=np.float32)


def high_pass(frequencies: np.ndarray, start: float, stop: float) -> np.ndarray:
    """A raised-cosine high-pass mask `(F, 1)`: 0 below `start` Hz, 1 above `stop` Hz, half a cosine between them.

    >>> high_pass(np.array([50.0, 150.0, 300.0]), 100, 200).ravel().round(3).tolist()
    [0.0, 0.5, 1.0]
    """
    ramp = np.clip((frequencies - start) / (stop - start), 0, 1)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * ramp), dtype=np.float32)[:, None]
