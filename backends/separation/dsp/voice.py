"""A source-filter model of the singing voice beside a free model of the accompaniment, fitted to one spectrogram."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

ENVELOPE_BANDS = 24
"""Triangles whose sum forms the spectral envelope of the voice (its formants)."""
COMPONENTS = 20
"""Spectra that make up the accompaniment."""
ITERATIONS = 20
EPSILON = 1e-9


def envelope_basis(frequencies: np.ndarray) -> np.ndarray:
    """Triangles `(F, B)` evenly spaced on the mel scale, each reaching its neighbours' tips.

    Any non-negative sum of them is a smooth spectral envelope. `frequencies` are the bins' centres in Hz, `(F,)`.
    """
    mel = 2595 * np.log10(1 + frequencies / 700)
    tips = np.linspace(0, mel[-1], ENVELOPE_BANDS)
    return np.maximum(0, 1 - np.abs(mel[:, None] - tips) / tips[1]).astype(np.float32)


def fit_source_filter(
    magnitude: np.ndarray, comb: np.ndarray, frequencies: np.ndarray
) -> Generator[None, None, np.ndarray]:
    """Fit a voice and an accompaniment to a magnitude spectrogram and return the mask of the voice.

    The model is X ≈ V + R with

        V = C ∘ (W E)    the voice: a harmonic comb C under an envelope that is smooth along frequency and free along
                         time (the source-filter model of Durrieu et al., IEEE TASLP 2010),
        R = A G          the accompaniment: a non-negative matrix factorisation into `COMPONENTS` spectra.

    E, A and G minimise the generalised Kullback-Leibler divergence by multiplicative updates (Lee & Seung, NIPS 2001,
    eq. 5). The start is pseudo-random with a fixed seed, so the same song always gives the same stems.

    Args:
        magnitude: X, `(F, T)`.
        comb: C, `(F, T)`, 0 to 1, at the pitch of the voice.
        frequencies: centre of each bin in Hz, `(F,)`.

    Yields:
        None after each iteration, so that the caller can stop.

    Returns:
        V / (V + R), `(F, T)`.
    """
    bins, frames = magnitude.shape
    target = magnitude + np.float32(1e-6 * magnitude.max(initial=0) + 1e-12)
    basis = envelope_basis(frequencies)  # W (F, B)
    random = np.random.default_rng(0)
    level = target.mean()
    envelope = np.full((ENVELOPE_BANDS, frames), level, np.float32)  # E (B, T)
    spectra = (  # A (F, K)
        (random.random((bins, COMPONENTS), np.float32) + 0.1) * target.mean(axis=1, keepdims=True) / (0.6 * COMPONENTS)
    )
    gains = (random.random((COMPONENTS, frames), np.float32) + 0.1) * target.mean(axis=0) / (0.6 * level)  # G (K, T)
    comb_in_band = basis.T @ comb + EPSILON  # (B, T): the denominator of E's update, which never changes
    voice, rest = comb * (basis @ envelope), spectra @ gains
    for _ in range(ITERATIONS):
        # E <- E ∘ W^T(C ∘ X / (V + R)) / W^T C
        envelope *= basis.T @ (comb * target / (voice + rest)) / comb_in_band
        voice = comb * (basis @ envelope)
        # G <- G ∘ A^T(X / (V + R)) / A^T 1
        gains *= spectra.T @ (target / (voice + rest)) / (spectra.sum(axis=0)[:, None] + EPSILON)
        rest = spectra @ gains + np.float32(1e-12)
        # A <- A ∘ (X / (V + R)) G^T / 1 G^T
        spectra *= (target / (voice + rest)) @ gains.T / (gains.sum(axis=1) + EPSILON)
        rest = spectra @ gains + np.float32(1e-12)
        yield
    return np.asarray(voice / (voice + rest), dtype=np.float32)
