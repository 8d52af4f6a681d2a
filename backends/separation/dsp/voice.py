"""Tell a sung line from what accompanies it, given its pitch: a source-filter model of the voice beside free parts."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

BANDS = 24
PARTS = 20
ROUNDS = 20
TINY = 1e-9


def formants(frequencies: np.ndarray) -> np.ndarray:
    """(F, B) triangles on the mel scale, each reaching its neighbours' tips: any sum of them is a smooth envelope."""
    mel = 2595 * np.log10(1 + frequencies / 700)
    tips = np.linspace(0, mel[-1], BANDS)
    return np.maximum(0, 1 - np.abs(mel[:, None] - tips) / tips[1]).astype(np.float32)


def fit_voice(magnitude: np.ndarray, comb: np.ndarray, frequencies: np.ndarray) -> Generator[None, None, np.ndarray]:
    """Fit |X| (F, T) by a voice and an accompaniment; pauses each round, then returns the voice's share (F, T).

    The voice is a `comb` (F, T) at its pitch under an envelope that is smooth along frequency and free along time (the
    source-filter model of Durrieu et al. 2010); the accompaniment a non-negative factorisation (Lee & Seung 2001) into
    `PARTS` spectra. Multiplicative updates for the generalised Kullback-Leibler divergence. The start is pseudo-random
    from a fixed seed: the same song always gives the same stems.
    """
    bins, frames = magnitude.shape
    target = magnitude + np.float32(1e-6 * magnitude.max(initial=0) + 1e-12)
    shapes = formants(frequencies)  # (F, B)
    random = np.random.default_rng(0)
    level = target.mean()
    envelope = np.full((BANDS, frames), level, np.float32)
    parts = (random.random((bins, PARTS), np.float32) + 0.1) * target.mean(axis=1, keepdims=True) / (0.6 * PARTS)
    gains = (random.random((PARTS, frames), np.float32) + 0.1) * target.mean(axis=0) / (0.6 * level)
    heard = shapes.T @ comb + TINY  # (B, T)
    voice, rest = comb * (shapes @ envelope), parts @ gains
    for _ in range(ROUNDS):
        envelope *= shapes.T @ (comb * target / (voice + rest)) / heard
        voice = comb * (shapes @ envelope)
        gains *= parts.T @ (target / (voice + rest)) / (parts.sum(axis=0)[:, None] + TINY)
        rest = parts @ gains + np.float32(1e-12)
        parts *= (target / (voice + rest)) @ gains.T / (gains.sum(axis=1) + TINY)
        rest = parts @ gains + np.float32(1e-12)
        yield
    return np.asarray(voice / (voice + rest), dtype=np.float32)
