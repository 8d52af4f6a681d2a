"""Sound for the ear: a stretch of a song through a map, what the map leaves over, and a rectangle wiped out of it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.errors import BadInput
from studio.ui.excerpts import Sound
from viz.inside.sound import Box

WINDOW_SECONDS = 0.046
STRONG = 95
"""The percentile of a map's positive values from which on a cell is passed whole."""
EDGE_SECONDS, EDGE_OCTAVES = 0.02, 0.08
"""How softly a wiped rectangle begins: a hard edge would be heard as a click."""
CEILING = 0.89
"""The peak of what is played, -1 dB of full scale."""
SILENCE = 1e-5


@dataclass(frozen=True)
class Stretch:
    """A stretch of a song: `samples` `(C, T)` at `rate` Hz, which begin `start` seconds into the song."""

    samples: np.ndarray
    rate: int
    start: float

    @property
    def seconds(self) -> float:
        return self.samples.shape[1] / self.rate

    @property
    def end(self) -> float:
        return self.start + self.seconds

    def wav(self) -> bytes:
        """As a WAV file of 16 bits, which every browser plays."""
        return _encode(np.rint(np.clip(self.samples, -1, 1) * 32767).astype(np.int16), self.rate)

    def exact(self) -> bytes:
        """As a WAV file of 32-bit floats, for a model."""
        return _encode(self.samples.astype(np.float32), self.rate)

    def named(self, name: str, meaning: str = "") -> Sound:
        """As a page plays it: with a name, and what it is in a sentence."""
        return Sound(name, self.samples, self.rate, self.wav(), meaning)


def _encode(samples: np.ndarray, rate: int) -> bytes:
    """The same samples give the same bytes: libsndfile would write the time of day into a file of floats."""
    from scipy.io import wavfile

    buffer = io.BytesIO()
    wavfile.write(buffer, rate, samples.T)
    return buffer.getvalue()


def read_stretch(path: Path | bytes, start: float = 0.0, end: float | None = None) -> Stretch:
    """From `start` to `end` seconds of a sound file; to its end where none is given. Raises BadInput."""
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(path) if isinstance(path, bytes) else path) as file:
            first = min(max(0, round(start * file.samplerate)), file.frames)
            last = file.frames if end is None else min(round(end * file.samplerate), file.frames)
            file.seek(first)
            samples = file.read(max(0, last - first), dtype="float32", always_2d=True).T
            return Stretch(samples, file.samplerate, first / file.samplerate)
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadInput("The sound of this run cannot be read any more.") from error


def _transform(rate: int) -> Any:
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    size = 1 << round(np.log2(WINDOW_SECONDS * rate))
    return ShortTimeFFT(hann(size, sym=False), hop=size // 4, fs=rate)


def through_map(
    sound: Stretch, values: np.ndarray, frequency: np.ndarray, time: np.ndarray
) -> tuple[Stretch, Stretch, float]:
    """The sound through a map `(F, T)` and what is left, which add up to it, and the share of its power that passes.

    The mask is the positive part of the map over its 95th percentile, at most 1:

        m(f, t) = min(1, max(0, v(f, t)) / q),   S_map = m · X,   S_left = (1 - m) · X

    Args:
        sound: the stretch.
        values: positive where the sound speaks for the answer.
        frequency: `(F,)` in Hz, rising.
        time: `(T,)` in s from the start of the song, rising.
    """
    positive = np.clip(np.nan_to_num(values), 0, None)
    strong = float(np.percentile(positive[positive > 0], STRONG)) if (positive > 0).any() else 1.0
    transform = _transform(sound.rate)
    spectrum = transform.stft(sound.samples)  # (C, F', T')
    rows = _nearest(frequency, transform.f)
    columns = _nearest(time, sound.start + transform.t(sound.samples.shape[1]))
    mask = np.minimum(1.0, positive / strong)[np.ix_(rows, columns)]
    frames = sound.samples.shape[1]
    passed = transform.istft(mask * spectrum, k1=frames).astype(np.float32)
    power = float(np.square(sound.samples).sum())
    share = float(np.square(passed).sum()) / power if power > 0 else 0.0
    return Stretch(passed, sound.rate, sound.start), Stretch(sound.samples - passed, sound.rate, sound.start), share


def _nearest(centres: np.ndarray, places: np.ndarray) -> np.ndarray:
    """For each place the index of the nearest of the rising `centres`."""
    edges = (centres[1:] + centres[:-1]) / 2
    return np.searchsorted(edges, places)


def wiped(sound: Stretch, box: Box) -> Stretch:
    """The sound without a rectangle of its spectrogram, whose edges fade."""
    transform = _transform(sound.rate)
    spectrum = transform.stft(sound.samples)
    times = sound.start + transform.t(sound.samples.shape[1])
    inside = np.clip(np.minimum(times - box.start, box.end - times) / EDGE_SECONDS + 0.5, 0, 1)
    with np.errstate(divide="ignore"):
        octaves = np.log2(np.maximum(transform.f, 1e-3))
    low, high = np.log2(max(box.low, 1e-3)), np.log2(max(box.high, 1e-3))
    within = np.clip(np.minimum(octaves - low, high - octaves) / EDGE_OCTAVES + 0.5, 0, 1)
    keep = 1 - np.outer(within, inside)
    frames = sound.samples.shape[1]
    return Stretch(transform.istft(keep * spectrum, k1=frames).astype(np.float32), sound.rate, sound.start)


def level_matched(*sounds: Stretch) -> list[Stretch]:
    """The sounds at one level (root mean square), as loud as the loudest peak allows; silence stays silent."""
    levels = [float(np.sqrt(np.square(sound.samples).mean())) if sound.samples.size else 0.0 for sound in sounds]
    peaks = [float(np.abs(sound.samples).max(initial=0.0)) for sound in sounds]
    heard = [peak / level for peak, level in zip(peaks, levels, strict=True) if level > SILENCE]
    target = CEILING / max(heard, default=1.0)
    return [
        Stretch(sound.samples * (target / level if level > SILENCE else 0.0), sound.rate, sound.start)
        for sound, level in zip(sounds, levels, strict=True)
    ]


def change_decibels(before: Stretch, after: Stretch, box: Box) -> tuple[float, float]:
    """How strong the difference is, in dB of what was there before: inside the rectangle, and in all the rest.

    0 dB is a change as strong as the sound itself.
    """
    transform = _transform(before.rate)
    frames = min(before.samples.shape[1], after.samples.shape[1])
    was = np.square(np.abs(transform.stft(before.samples[:, :frames]))).sum(axis=0)
    moved = np.square(np.abs(transform.stft(after.samples[:, :frames] - before.samples[:, :frames]))).sum(axis=0)
    times = before.start + transform.t(frames)
    inside = np.outer(
        (transform.f >= box.low) & (transform.f <= box.high), (times >= box.start) & (times <= box.end)
    )  # fmt: skip
    return _decibels(moved[inside].sum(), was[inside].sum()), _decibels(moved[~inside].sum(), was[~inside].sum())


def _decibels(one: float, other: float) -> float:
    return float(10 * np.log10(max(one, 1e-12) / max(other, 1e-12)))
