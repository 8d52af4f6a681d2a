"""A passage of a song: some seconds that a network takes at once, as a spectrogram in cells of time and frequency.

The spectrogram X is a short-time Fourier transform; a cell is taken away by setting its bins to 0, and the sound that
is left is the inverse transform of what remains.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from backends.attribution.question import Question, read_interval
from backends.attribution.types import Axis
from backends.core.errors import BadInput
from backends.separation.base import SeparationEngine
from backends.separation.io.audio import open_song, read_mix
from backends.separation.io.mix import Mix

FFT_SIZE, HOP = 2048, 512
LOWEST_HZ = 60.0
"""The upper edge of the lowest band of frequencies lies at or above this."""

FLOOR_DB = -60.0
"""Levels count from here, in dB of full scale: what is quieter is as good as nothing."""

DSP_SECONDS = 4.0
"""Length of a passage for an engine that has no length of its own: it is separated again for every cell."""

REGION_SECONDS = 4.0
"""Length of the stretch that is explained where none was named: the middle of the song."""


@dataclass(frozen=True)
class Passage:
    """Some seconds of a song.

    Attributes:
        samples: `(2, T)` float32.
        samplerate: in Hz.
        start: where in the song it begins, in seconds.
        first, last: the frames of the passage that are asked about.
        detail: number of cells along time, and along frequency.
    """

    samples: np.ndarray
    samplerate: int
    start: float
    first: int
    last: int
    detail: int = 8

    @property
    def seconds(self) -> float:
        return self.samples.shape[1] / self.samplerate

    @cached_property
    def spectrum(self) -> Tensor:
        """`(2, F, N)` complex."""
        return torch.stft(torch.from_numpy(self.samples), FFT_SIZE, HOP, window=self._window, return_complex=True)

    def sound(self, spectrum: Tensor) -> Tensor:
        """`(2, T)` samples of a spectrum `(2, F, N)`; it has a gradient."""
        return torch.istft(spectrum, FFT_SIZE, HOP, window=self._window, length=self.samples.shape[1])

    @property
    def _window(self) -> Tensor:
        return torch.hann_window(FFT_SIZE)

    @cached_property
    def edges_hz(self) -> np.ndarray:
        """`(detail + 1,)` edges of the bands of frequency: equal steps of pitch, from 0."""
        upper = np.geomspace(LOWEST_HZ * 2, self.samplerate / 2, self.detail)
        return np.concatenate([[0.0], upper])

    @cached_property
    def band_of_bin(self) -> np.ndarray:
        """`(F,)` the band in which each bin of the spectrum lies."""
        bins = np.arange(FFT_SIZE // 2 + 1) * self.samplerate / FFT_SIZE
        return np.clip(np.searchsorted(self.edges_hz, bins, side="right") - 1, 0, self.detail - 1)

    @cached_property
    def step_of_frame(self) -> np.ndarray:
        """`(N,)` the step of time in which each frame of the spectrum lies."""
        return np.arange(self.spectrum.shape[-1]) * self.detail // self.spectrum.shape[-1]

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """Time in seconds of the song and frequency in Hz."""
        steps = self.start + (np.arange(self.detail) + 0.5) * self.seconds / self.detail
        middles = np.sqrt(np.maximum(self.edges_hz[:-1], self.edges_hz[1] / 2) * self.edges_hz[1:])
        return Axis("time", "s", coordinates=tuple(steps.tolist())), Axis(
            "frequency", "Hz", coordinates=tuple(middles.tolist())
        )

    def mask(self, cells: np.ndarray) -> Tensor:
        """`(F, N)` of cells `(detail, detail)` over time and frequency."""
        return torch.from_numpy(cells[np.ix_(self.step_of_frame, self.band_of_bin)].T.astype(np.float32))

    def filtered(self, cells: np.ndarray) -> np.ndarray:
        """`(2, T)`: the sound with so much of each cell, `(detail, detail)`."""
        return self.sound(self.spectrum * self.mask(cells)).numpy()

    def summed(self, bins: np.ndarray) -> np.ndarray:
        """`(detail, detail)` over time and frequency: the sum of `bins` `(F, N)` in each cell."""
        places = self.step_of_frame[None] * self.detail + self.band_of_bin[:, None]  # (F, N)
        sums = np.bincount(places.ravel(), np.asarray(bins, np.float64).ravel(), minlength=self.detail**2)
        return sums.reshape(self.detail, self.detail)

    def level(self, stem: np.ndarray) -> float:
        """Of a stem `(2, T)` in what is asked about: dB over FLOOR_DB, 0 for silence."""
        power = float(np.mean(np.square(stem[:, self.first : self.last], dtype=np.float64)))
        return 10 * float(np.log10(power + 10 ** (FLOOR_DB / 10))) - FLOOR_DB


def read_passage(engine: SeparationEngine, song: Path, question: Question, seconds: float) -> Passage:
    """The passage of at most `seconds` around what is asked about. Raises BadInput."""
    with tempfile.TemporaryDirectory(prefix="fourfold-passage-") as folder:
        mix = _read(engine, song, Path(folder) / "mix.wav")
        region = read_interval(question.region)
        if region is None:
            middle, half = mix.seconds / 2, min(REGION_SECONDS, seconds, mix.seconds) / 2
            region = (middle - half, middle + half)
        begin, end = region[0], min(region[1], mix.seconds)
        if end - begin < 0.05:
            raise BadInput(f"There is nothing to explain at {question.region}: the song has {mix.seconds:.1f} seconds.")
        if end - begin > seconds + 1e-6:
            raise BadInput(f"This model hears {seconds:.1f} seconds at once: ask about a stretch that is no longer.")
        start = min(max(0.0, (begin + end - seconds) / 2), max(0.0, mix.seconds - seconds))
        rate = mix.samplerate
        first = round(start * rate)
        samples = mix.read(first, min(int(seconds * rate), mix.frames - first))
        return Passage(
            samples,
            rate,
            first / rate,
            max(0, round(begin * rate) - first),
            min(samples.shape[1], round(end * rate) - first),
            question.detail,
        )


def _read(engine: SeparationEngine, song: Path, path: Path) -> Mix:
    reading: Iterator[float] = read_mix(
        open_song(song), engine.samplerate, path, engine.card.limit("cpu").seconds or 3e4
    )
    while True:
        try:
            next(reading)
        except StopIteration as stop:
            mix: Mix = stop.value
            return mix


def separate(engine: SeparationEngine, samples: np.ndarray) -> np.ndarray:
    """`(S, 2, T)`: every source of the engine in `samples` `(2, T)`, in one go."""
    with tempfile.TemporaryDirectory(prefix="fourfold-passage-") as folder:
        mix = Mix.from_samples(samples, engine.samplerate, Path(folder) / "mix.wav")
        chunks = engine.plan({"overlap": 0})
        return np.concatenate(list(chunks(mix)), axis=-1)
