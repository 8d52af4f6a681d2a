"""BSS Eval v4 on arrays: distortion filters fitted once for a whole signal, then energy ratios in every window.

The same quantities as museval's `bss_eval` of images without permutations (Vincent et al. 2006; Liutkus, Stöter and Ito
2018), from another order of the work: correlations are summed over short segments, all estimates share one factorised
system, and a window of a reference is transformed once for all filters.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import fft

TAPS = 512
SEGMENT = 1 << 14
"""Samples whose correlations are summed at once."""


def ratios(true: np.ndarray, estimated: np.ndarray, starts: Iterable[int], window: int, taps: int = TAPS) -> np.ndarray:
    """SDR, ISR, SIR and SAR in dB.

    Args:
        true: references, `(N, T, C)`, none of them silent throughout.
        estimated: estimates of the same shape.
        starts: the first sample of each window.
        window: its length in samples.
        taps: length of the distortion filters.

    Returns:
        `(4, N, W)`: NaN in a window in which a reference or estimate is silent, infinity where an error is zero.
    """
    sources, _, channels = true.shape
    rows = np.moveaxis(true, 1, 2).reshape(sources * channels, -1)  # (K, T)
    guesses = np.moveaxis(estimated, 1, 2).reshape(sources * channels, -1)
    lags = correlations(rows, np.concatenate([rows, guesses]), taps)  # (K, 2K, 2 taps - 1)
    every = filters(lags, taps)  # (K, taps, K): from all references to each channel of each estimate
    own = own_filters(lags, taps, channels)
    size = fft.next_fast_len(window + taps - 1, real=True)
    spectra = fft.rfft(np.concatenate([every, own], axis=2), size, axis=1)  # (K, F, 2K)
    spectra = np.ascontiguousarray(spectra.transpose(1, 0, 2))  # (F, K, 2K)
    cuts = (slice(start, start + window) for start in starts)
    return np.stack([_window(true[:, cut], estimated[:, cut], spectra, size, taps) for cut in cuts], axis=-1)


def correlations(rows: np.ndarray, others: np.ndarray, taps: int) -> np.ndarray:
    """`(A, B, 2 taps - 1)` of `r(lag) = sum_t a[t] b[t + lag]`, lags from -(taps - 1) to taps - 1.

    Args:
        rows: `(A, T)`.
        others: `(B, T)`.
        taps: one more than the largest lag.
    """
    reach, length = taps - 1, rows.shape[1]
    size = fft.next_fast_len(SEGMENT + 2 * reach, real=True)
    padded = np.pad(others, ((0, 0), (reach, reach + SEGMENT)))
    total = np.zeros((size // 2 + 1, len(rows), len(others)), complex)
    for start in range(0, length, SEGMENT):
        short = fft.rfft(rows[:, start : start + SEGMENT], size)
        long = fft.rfft(padded[:, start : start + SEGMENT + 2 * reach], size)
        total += np.matmul(short.conj().T[:, :, None], long.T[:, None, :])
    return fft.irfft(np.moveaxis(total, 0, 2), size, axis=2)[..., : 2 * reach + 1]


def filters(lags: np.ndarray, taps: int) -> np.ndarray:
    """The least-squares filters `(K, taps, M)` that make M signals of K references.

    They solve `G h = d`, where `G[(a, p), (b, q)] = r_ab(p - q)` holds the inner products of delayed references and
    `d[(a, p)] = r_ae(p)` those of delayed references and an estimate e. One factorisation serves all estimates.

    Args:
        lags: `(K, K + M, 2 taps - 1)`, correlations of the references with themselves and with the M signals.
        taps: length of the filters.
    """
    count = len(lags)
    gap = np.arange(taps)[:, None] - np.arange(taps)[None] + taps - 1
    gram = lags[:, :count][:, :, gap].transpose(0, 2, 1, 3).reshape(count * taps, count * taps)
    wanted = lags[:, count:, taps - 1 :].transpose(0, 2, 1).reshape(count * taps, -1)
    gram[np.diag_indices_from(gram)] += np.finfo(float).eps
    try:
        solved = np.linalg.solve(gram, wanted)
    except np.linalg.LinAlgError:
        solved = np.linalg.lstsq(gram, wanted)[0]
    return solved.reshape(count, taps, -1)


def own_filters(lags: np.ndarray, taps: int, channels: int) -> np.ndarray:
    """`(K, taps, K)`: each estimate from its own reference alone; zero from all others."""
    count = len(lags)
    own = np.zeros((count, taps, count))
    for start in range(0, count, channels):
        mine = slice(start, start + channels)
        chosen = np.r_[np.arange(count)[mine], count + np.arange(count)[mine]]
        own[mine, :, mine] = filters(lags[mine][:, chosen], taps)
    return own


def _window(true: np.ndarray, estimated: np.ndarray, filtering: np.ndarray, size: int, taps: int) -> np.ndarray:
    """`(4, N)` of one window; `filtering` `(F, K, 2K)` are the spectra of the filters of all and of own references."""
    sources, length, channels = true.shape
    if any(not signal.sum(axis=1).any() for signals in (true, estimated) for signal in signals):
        return np.full((4, sources), np.nan)
    whole = length + taps - 1
    spectra = fft.rfft(np.moveaxis(true, 1, 2).reshape(sources * channels, length), size)  # (K, F)
    mixed = np.matmul(spectra.T[:, None], filtering)[:, 0].T  # (2K, F)
    by_all, by_own = fft.irfft(mixed, size)[:, :whole].reshape(2, sources, channels, whole)
    target, guess = (np.pad(np.moveaxis(x, 1, 2), ((0, 0), (0, 0), (0, taps - 1))) for x in (true, estimated))

    def energy(signal: np.ndarray) -> np.ndarray:
        return np.square(signal).sum(axis=(1, 2))

    with np.errstate(divide="ignore", invalid="ignore"):
        pairs = (
            (energy(target), energy(guess - target)),  # SDR
            (energy(target), energy(by_own - target)),  # ISR
            (energy(by_own), energy(by_all - by_own)),  # SIR
            (energy(by_all), energy(guess - by_all)),  # SAR
        )
        return np.stack([np.where(wrong == 0, np.inf, 10 * np.log10(right / wrong)) for right, wrong in pairs])
