"""Songs: some seconds of the mix, the true stem and the answer, as MP3; whole ones as FLAC."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

import numpy as np
import soxr

from evaluation.conditions.separation import encode
from evaluation.datasets.base import Sample
from evaluation.studies.excerpts import OutputFile

SECONDS = 4.0
RATE = 24_000
BITS = 48_000
PEAK = 0.9


def excerpt(sample: Sample, output: Mapping[str, np.ndarray], where: float | None) -> Iterator[OutputFile]:
    """The stem that people ask for most, all three at one loudness, so that none sounds better by being louder."""
    name = next((stem for stem in ("vocals", *sorted(output)) if stem in output), None)
    if name is None:
        return
    rate = int(sample.inputs["samplerate"])
    waves = {
        ("input", "the mix"): sample.inputs["mixture"],
        ("truth", f"true {name}"): sample.reference[name],
        ("answer", f"{name} as separated"): output[name],
    }
    cut = {label: _cut(np.asarray(wave, np.float64), rate, where) for label, wave in waves.items()}
    for (role, caption), wave in cut.items():
        yield OutputFile(role, caption, ".mp3", mp3(wave, rate, PEAK / max(np.abs(wave).max(), 1e-3)))


def _cut(wave: np.ndarray, rate: int, where: float | None) -> np.ndarray:
    """`(T,)`: the mean of the channels around a second."""
    mono = np.atleast_2d(wave).mean(axis=0)
    start = max(0.0, min((where or 0.0) + 0.5 - SECONDS / 2, len(mono) / rate - SECONDS))
    return mono[round(start * rate) :][: round(SECONDS * rate)]


def mp3(wave: np.ndarray, rate: int, gain: float) -> bytes:
    """`(T,)` as a small file that every browser plays."""
    small = soxr.resample(gain * wave, rate, RATE)
    return encode(np.clip(small, -1, 1).astype(np.float32)[None], RATE, "mp3", BITS)


def whole_input(sample: Sample) -> Iterator[OutputFile]:
    rate = int(sample.inputs["samplerate"])
    yield OutputFile("input", "the mix", ".flac", _flac(sample.inputs["mixture"], rate))
    for name, stem in sample.reference.items():
        yield OutputFile("truth", f"true {name}", ".flac", _flac(stem, rate))


def whole_output(sample: Sample, output: Mapping[str, np.ndarray]) -> Iterator[OutputFile]:
    rate = int(sample.inputs["samplerate"])
    for name, stem in output.items():
        yield OutputFile("answer", f"{name} as separated", ".flac", _flac(stem, rate))


def _flac(wave: np.ndarray, rate: int) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.asarray(wave, np.float32).T, rate, format="FLAC", subtype="PCM_24")
    return file.getvalue()
