"""Short sounds as pictures, and back: 0.46 s as a patch of 64 mel bands × 32 moments in −1..1, packed for a network."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE, WINDOW, HOP = 11025, 512, 160
BANDS, MOMENTS = 64, 32
SAMPLES = HOP * MOMENTS
LOUDEST_DB, RANGE_DB = 30.0, 70.0
"""The power, in dB over 1, that is 1 in a patch; how far below it −1 is."""

CHANNELS, _BAND_GROUP, _MOMENT_GROUP = 8, 4, 2

Array = NDArray[np.float32]


@cache
def mel_bank() -> Array:
    """`(64, 257)` triangles (Slaney's mel scale, each of area 1 in hertz, times 100)."""
    import librosa

    return (100 * librosa.filters.mel(sr=RATE, n_fft=WINDOW, n_mels=BANDS)).astype(np.float32)


@cache
def bank_inverse() -> Array:
    """The pseudo-inverse `(257, 64)` of `mel_bank`."""
    return np.linalg.pinv(mel_bank()).astype(np.float32)


def patch_of(wave: NDArray[np.floating]) -> Array:
    """`(..., 64, 32)` in −1..1 of sounds `(..., T)` at RATE, of which the first 0.46 s count."""
    import librosa

    padded = np.zeros((*wave.shape[:-1], SAMPLES), np.float32)
    padded[..., : min(wave.shape[-1], SAMPLES)] = wave[..., :SAMPLES]
    power = np.abs(librosa.stft(padded, n_fft=WINDOW, hop_length=HOP))[..., :MOMENTS] ** 2
    level = 10 * np.log10(np.maximum(mel_bank() @ power, 1e-10))
    return np.clip(2 * (level - LOUDEST_DB) / RANGE_DB + 1, -1, 1).astype(np.float32)


def magnitudes(patch: Array) -> Array:
    """Magnitudes `(257, 32)` that give a patch `(64, 32)`: the least-squares inverse of the bands, none negative."""
    power = 10 ** (((patch - 1) * RANGE_DB / 2 + LOUDEST_DB) / 10)
    power[patch <= -0.99] = 0
    return np.sqrt(np.maximum(bank_inverse() @ power, 0)).astype(np.float32)


def wave_of(patch: Array, rounds: int = 48, seed: int = 0) -> Array:
    """A sound `(5120,)` in −1..1 with this patch, by Griffin and Lim's method with momentum (Perraudin et al. 2013).

    Args:
        patch: `(64, 32)` in −1..1.
        rounds: how often phases and magnitudes are reconciled.
        seed: of the phases that it begins with.
    """
    import librosa

    known = magnitudes(patch)
    found = librosa.griffinlim(
        np.concatenate([known, known[:, -1:]], 1),  # a centred transform has one moment more
        n_iter=rounds,
        hop_length=HOP,
        n_fft=WINDOW,
        momentum=0.99,
        random_state=seed,
        length=SAMPLES,
    )
    return found.astype(np.float32) / max(1.0, float(np.abs(found).max()))


def pack(patches: Array) -> Array:
    """`(N, 64, 32)` as `(N, 8, 16, 16)`: four neighbouring bands of two neighbouring moments become channels."""
    parts = patches.reshape(-1, 16, _BAND_GROUP, 16, _MOMENT_GROUP)
    return np.ascontiguousarray(parts.transpose(0, 2, 4, 1, 3).reshape(-1, CHANNELS, 16, 16))


def unpack(channels: Array) -> Array:
    """The inverse of `pack`."""
    parts = channels.reshape(-1, _BAND_GROUP, _MOMENT_GROUP, 16, 16)
    return np.ascontiguousarray(parts.transpose(0, 3, 1, 4, 2).reshape(-1, BANDS, MOMENTS))
