"""Stems laid over each other: each at its gain and place, over a region of the song, at the rate that is written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import soundfile
import soxr

from backends.core.errors import BadInput
from studio.songs.encode import LAYOUTS, Sound

BLOCK = 1 << 16
CENTRE = np.eye(2)


class Part:
    """One file to be: opened stems, which must agree in rate and channels, each with the matrix that places it.

    Matrices are (2, 2), left and right in by left and right out; a stem of one channel takes the middle of its own.
    Regions count frames of the stems, also where another `rate` is written.
    """

    def __init__(self, sources: Sequence[tuple[soundfile.SoundFile, np.ndarray]], rate: int = 0) -> None:
        self.sources = sources
        first = sources[0][0]
        self.own_rate, self.channels = first.samplerate, first.channels
        self.samplerate = rate or self.own_rate
        self.frames = max(file.frames for file, _ in sources)
        if any((file.samplerate, file.channels) != (self.own_rate, self.channels) for file, _ in sources):
            raise BadInput("These stems do not belong together: their sample rates or channels differ.")
        if self.channels not in LAYOUTS:
            raise BadInput(f"Stems with {self.channels} channels cannot be exported; one or two can.")
        if self.channels == 1 and any(matrix[0, 1] or matrix[1, 0] for _, matrix in sources):
            raise BadInput("Stems of one channel cannot be moved left or right: set their pan to the middle.")

    def length(self, region: range) -> int:
        """Frames that are written of `region`."""
        return round(len(region) * self.samplerate / self.own_rate)

    def blocks(self, region: range) -> Iterator[np.ndarray]:
        """(T, C) float64 blocks of the mixture over `region`, at the rate that is written."""
        blocks = self._mixed(region)
        return blocks if self.samplerate == self.own_rate else self._resampled(blocks, self.length(region))

    def _resampled(self, blocks: Iterator[np.ndarray], wanted: int) -> Iterator[np.ndarray]:
        stream = soxr.ResampleStream(self.own_rate, self.samplerate, self.channels, dtype="float64", quality="VHQ")
        for block in chain(blocks, [np.zeros((0, self.channels))]):
            made = stream.resample_chunk(block, last=not len(block))[:wanted]
            wanted -= len(made)
            if len(made):
                yield made

    def _mixed(self, region: range) -> Iterator[np.ndarray]:
        """The mixture as it lies there; a stem that ends early is silent from where it ends."""
        for file, _ in self.sources:
            file.seek(min(region.start, file.frames))
        for begin in range(region.start, region.stop, BLOCK):
            mixed = np.zeros((min(BLOCK, region.stop - begin), self.channels))
            for file, matrix in self.sources:
                block = file.read(len(mixed), dtype="float32", always_2d=True)
                mixed[: len(block)] += block.astype(np.float64) @ matrix[: self.channels, : self.channels]
            yield mixed

    def sound(self, region: range, gain: float) -> Sound:
        return Sound((block * gain for block in self.blocks(region)), self.samplerate, self.channels)


def panner(name: str, pan: float) -> np.ndarray:
    """How left and right come out (2, 2) where `pan` moves a stereo sound: the stereo panner of the Web Audio API."""
    if not -1 <= pan <= 1:
        raise BadInput(f"The pan of “{name}” must lie between -1, which is left, and 1, which is right.")
    angle = (pan + 1 if pan <= 0 else pan) * math.pi / 2
    if pan == 0:
        return CENTRE
    if pan < 0:
        return np.array([[1, 0], [math.cos(angle), math.sin(angle)]])
    return np.array([[math.cos(angle), math.sin(angle)], [0, 1]])


def frames_of(part: Part, start: float | None, end: float | None) -> range:
    """The frames from `start` to `end` seconds; an end past the song is the song's end."""
    seconds = part.frames / part.own_rate
    begin, finish = start or 0.0, seconds if end is None else end
    if not (math.isfinite(begin) and math.isfinite(finish)) or begin < 0 or finish <= begin or begin >= seconds:
        raise BadInput(f"Choose a region that starts before it ends, within the song's {seconds:.1f} seconds.")
    region = range(round(begin * part.own_rate), min(round(finish * part.own_rate), part.frames))
    if not region:
        raise BadInput("The chosen region is too short to hold any sound: make it longer.")
    return region
