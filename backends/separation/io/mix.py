"""The mixture as engines read it: stereo, at the model's rate, on disk, with statistics of the whole song."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

SILENCE_RMS = 3e-5
"""RMS of one step of a 16-bit file, about -90 dBFS: a song under it has nothing that could be heard or separated."""


@dataclass(frozen=True)
class Mix:
    """A song in stereo at the model's sample rate, stored as a WAV file of 32-bit floats.

    Attributes:
        mean, std: of the mono sum (left + right) / 2 over the whole song; the standard deviation is the unbiased one.
        peak: the largest absolute sample.
        clipped: the fraction of samples at or over full scale.
        offset: the constant level (DC offset) of each channel.
        tags: title, artist and so on, as the file states them.
        notices: sentences about the file that its listener should know.
    """

    path: Path
    samplerate: int
    frames: int
    mean: float
    std: float
    peak: float = 0.0
    clipped: float = 0.0
    offset: tuple[float, float] = (0.0, 0.0)
    tags: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    channels: int = 2

    @property
    def seconds(self) -> float:
        return self.frames / self.samplerate

    def blocks(self, frames: int) -> Iterator[np.ndarray]:
        """Consecutive (2, `frames`) float32 blocks from the start, the last one shorter. Can be called again."""
        with soundfile.SoundFile(self.path) as file:
            while len(block := file.read(frames, dtype="float32", always_2d=True)):
                yield np.ascontiguousarray(block.T)

    def read(self, start: int, frames: int) -> np.ndarray:
        """(2, `frames`) float32 from `start`; zeros where that reaches past either end of the song."""
        begin, end = max(start, 0), min(start + frames, self.frames)
        out = np.zeros((2, frames), np.float32)
        if begin < end:
            with soundfile.SoundFile(self.path) as file:
                file.seek(begin)
                out[:, begin - start : end - start] = file.read(end - begin, dtype="float32", always_2d=True).T
        return out

    @classmethod
    def from_samples(cls, samples: np.ndarray, samplerate: int, path: Path) -> Mix:
        """A mix of `samples` (2, T), written to `path`: for sound that does not come from a file."""
        statistics = MixStatistics()
        statistics.add(samples)
        soundfile.write(path, samples.T, samplerate, subtype="FLOAT", format="WAV")
        return statistics.to_mix(path, samplerate)


class MixStatistics:
    """Mean, standard deviation, peak and clipping of a song given in blocks (2, T).

    Blocks of n_a and n_b samples are merged in double precision by the update of Chan, Golub & LeVeque (The American
    Statistician 1983): with d = mean_b - mean_a,

        mean = mean_a + d n_b / (n_a + n_b),    S = S_a + S_b + d² n_a n_b / (n_a + n_b),

    where S is the summed squared distance from the mean.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.peak = 0.0
        self.clipped = 0
        self.mean = np.zeros(3)  # left, right, (left + right) / 2
        self.squares = np.zeros(3)  # summed squared distances from those means

    def add(self, block: np.ndarray) -> None:
        count = block.shape[1]
        if not count:
            return
        signals = np.concatenate([block, block.mean(axis=0, keepdims=True)]).astype(np.float64)  # (3, T)
        mean = signals.mean(axis=1)
        squares = ((signals - mean[:, None]) ** 2).sum(axis=1)
        total, delta = self.frames + count, mean - self.mean
        self.squares += squares + delta**2 * self.frames * count / total
        self.mean += delta * count / total
        self.frames = total
        magnitude = np.abs(block)
        self.peak = max(self.peak, float(magnitude.max()))
        self.clipped += int((magnitude >= 1 - 2**-15).sum())

    def to_mix(self, path: Path, samplerate: int) -> Mix:
        std = float(np.sqrt(self.squares[2] / max(self.frames - 1, 1)))
        left, right, mean = (float(value) for value in self.mean)
        clipped = self.clipped / max(2 * self.frames, 1)
        return Mix(path, samplerate, self.frames, mean, std, self.peak, clipped, (left, right))

    @property
    def audible(self) -> bool:
        """Whether the RMS of either channel about its constant level is over `SILENCE_RMS`."""
        return bool(np.sqrt(self.squares[:2].max() / max(self.frames, 1)) > SILENCE_RMS)
