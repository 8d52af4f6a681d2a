"""Tempo and key of a piece of music, each with a measure of how far to trust it.

Tempo: the autocorrelation of the onset strength (spectral flux), weighted by a preference for the tempi that people tap
(Ellis, "Beat Tracking by Dynamic Programming", 2007). Key: correlation of the pitch-class profile with the probe-tone
profiles of Krumhansl & Kessler (1982).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, signal

Wave = NDArray[np.float64]

SAMPLERATE = 22050
"""Samples a second that `detect_tempo` and `detect_key` expect."""
HOP = 256
WINDOW_SECONDS = 12.0
MIN_BPM, MAX_BPM, PREFERRED_BPM = 45.0, 210.0, 120.0
MIN_SECONDS = 8.0
MIN_TONE_HZ, MAX_TONE_HZ = 53.0, 1800.0
"""Where peaks are looked for. The lowest bass note counted is A1, 55 Hz, whose bin has its centre a little below."""

PITCH_CLASSES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


@dataclass(frozen=True)
class Tempo:
    """`confidence` is the fraction of stretches of the song that alone have the same beat (or half or double)."""

    bpm: float
    confidence: float


@dataclass(frozen=True)
class Key:
    """`fit` is the correlation with the best key's profile, `margin` how far it lies above that of `runner_up`."""

    name: str
    fit: float
    runner_up: str
    margin: float


def spectra(wave: Wave, size: int, hop: int, batch: int = 512) -> NDArray[np.float32]:
    """Magnitudes `(M, size / 2 + 1)` of Hann frames of `wave` `(T,)`, computed in batches to keep memory low."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(wave, size // 2), size)[::hop]
    window = signal.windows.hann(size, sym=False)
    parts = [np.abs(fft.rfft(frames[i : i + batch] * window)).astype(np.float32) for i in range(0, len(frames), batch)]
    return np.concatenate(parts)


def onset_strength(wave: Wave, bands: int = 40) -> Wave:
    """Spectral flux `(M,)`: the rise in level since two frames earlier, averaged over bands, minus its slow trend.

    O(m) = mean over bands b of max(0, L_b(m + 1) - L_b(m - 1)), with L_b in dB and at most 60 dB below the loudest.
    """
    size = 1024
    edges = np.unique(np.geomspace(2, size // 2, bands + 1).astype(int))
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(wave, size // 2), size)[::HOP]
    window = signal.windows.hann(size, sym=False)
    power = [
        np.add.reduceat(np.abs(fft.rfft(frames[i : i + 2048] * window)) ** 2, edges[:-1], axis=1)
        for i in range(0, len(frames), 2048)
    ]
    level = 10.0 * np.log10(np.concatenate(power) + 1e-10)  # (M, bands)
    level = np.maximum(level, level.max() - 60.0)
    rise = np.maximum(level[2:] - level[:-2], 0.0).mean(axis=1)
    rise = np.concatenate([[0.0], rise, [0.0]])
    return rise - ndimage.uniform_filter1d(rise, round(1.5 * SAMPLERATE / HOP))


def autocorrelation(stretch: Wave, lags: int) -> Wave:
    """Autocorrelation `(lags,)` of `stretch`, 1 at lag 0, divided by the number of products at each lag (unbiased)."""
    size = fft.next_fast_len(2 * stretch.size)
    raw = fft.irfft(np.abs(fft.rfft(stretch - stretch.mean(), size)) ** 2, size)[:lags]
    unbiased = raw / (stretch.size - np.arange(lags))
    return unbiased / unbiased[0] if unbiased[0] > 0 else np.zeros(lags)


def pulse_score(correlation: Wave, bpm: Wave, multiples: int) -> Wave:
    """How well beats at each `bpm` fit: the mean of the autocorrelation at lags of 1 to `multiples` beats."""
    beat = 60.0 * SAMPLERATE / HOP / bpm  # lag of one beat in frames
    lags = np.arange(correlation.size)
    return np.mean([np.interp(k * beat, lags, correlation) for k in range(1, multiples + 1)], axis=0)


def best_tempo(correlation: Wave) -> float:
    """The tempo in beats a minute for one autocorrelation `(lags,)`.

    The score of each tempo is weighted by exp(-½ (log2(bpm / 120) / 0.9)²) (Ellis 2007): people tap near 120.
    """
    bpm = np.geomspace(MIN_BPM, MAX_BPM, 600)
    preference = np.exp(-0.5 * (np.log2(bpm / PREFERRED_BPM) / 0.9) ** 2)
    return float(bpm[np.argmax(np.maximum(pulse_score(correlation, bpm, 4), 0.0) * preference)])


def same_beat(first: float, second: float) -> bool:
    """Whether two tempi are within 4 %, counting half and double time as the same beat.

    >>> same_beat(120.0, 61.0), same_beat(120.0, 90.0)
    (True, False)
    """
    octaves = np.log2(first / second)
    return bool(abs(octaves - round(octaves)) < np.log2(1.04) and abs(octaves) < 1.1)


def detect_tempo(wave: Wave) -> Tempo | None:
    """Tempo of mono `wave` `(T,)` at `SAMPLERATE`; None where it is silent, too short, or has no onsets."""
    if wave.size < MIN_SECONDS * SAMPLERATE or np.abs(wave).max() < 1e-3:
        return None
    onsets = onset_strength(wave)
    width = min(onsets.size, round(WINDOW_SECONDS * SAMPLERATE / HOP))
    lags = min(width - 1, round(8.1 * 60.0 / MIN_BPM * SAMPLERATE / HOP))
    stretches = [onsets[i : i + width] for i in range(0, onsets.size - width + 1, max(1, width // 2))]
    correlations = [autocorrelation(stretch, lags) for stretch in stretches if stretch.std() > 1e-6]
    if not correlations:
        return None
    overall = np.mean(correlations, axis=0)
    coarse = best_tempo(overall)
    near = coarse * np.linspace(0.96, 1.04, 321)
    most = int(min(8, (lags - 1) * near[0] / (60.0 * SAMPLERATE / HOP)))
    bpm = float(near[np.argmax(pulse_score(overall, near, most))])
    clear = float(pulse_score(overall, np.array([bpm]), 1)[0]) > 0.1
    agreeing = [same_beat(best_tempo(correlation), bpm) for correlation in correlations]
    return Tempo(bpm, float(np.mean(agreeing)) if clear else 0.0)


def pitch_classes(wave: Wave) -> Wave | None:
    """Strength of the twelve pitch classes, C first, `(12,)` with maximum 1; None where nothing is tonal.

    Spectral peaks (parabolic interpolation) are folded into classes relative to the song's own tuning, so that an
    instrument a third of a semitone off is not smeared over two classes. A median over time keeps drums out.
    """
    import librosa  # here, because its import takes seconds of a processor

    size = 8192
    magnitude = spectra(wave, size, size // 2)  # (M, F)
    magnitude = ndimage.median_filter(magnitude, size=(5, 1))
    audible = 0.01 * float(magnitude.max())  # 40 dB below the loudest
    hz, strength = librosa.piptrack(S=magnitude.T, sr=SAMPLERATE, fmin=MIN_TONE_HZ, fmax=MAX_TONE_HZ, ref=audible)
    peaks = strength > 0
    if not peaks.any():
        return None
    tuning = librosa.pitch_tuning(hz[peaks])  # of a semitone
    classes = np.round(librosa.hz_to_midi(hz[peaks]) - tuning).astype(int) % 12
    profile = np.bincount(classes, np.sqrt(strength[peaks]), minlength=12)
    return profile / profile.max()


def detect_key(wave: Wave) -> Key | None:
    """Key of mono `wave` `(T,)` at `SAMPLERATE`; None where it is silent, too short, or nothing in it has a pitch."""
    if wave.size < MIN_SECONDS * SAMPLERATE or np.abs(wave).max() < 1e-3:
        return None
    profile = pitch_classes(wave)
    if profile is None or profile.std() < 1e-6:
        return None
    fits = {}
    for mode, template in (("major", MAJOR_PROFILE), ("minor", MINOR_PROFILE)):
        for tonic, name in enumerate(PITCH_CLASSES):
            fits[f"{name} {mode}"] = float(np.corrcoef(profile, np.roll(template, tonic))[0, 1])
    (best, fit), (second, next_fit) = sorted(fits.items(), key=lambda item: -item[1])[:2]
    return Key(best, fit, second, fit - next_fit)
