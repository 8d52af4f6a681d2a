"""Another speed with the pitch kept, and another key with the speed kept, block by block.

A phase vocoder: windows of the sound are laid at other distances than they were taken at, with phases that go on from
one to the next. Around each peak of the spectrum phases are locked (Laroche & Dolson, "Improved phase vocoder
time-scale modification of audio", 1999), and all channels turn alike, so that the stereo image stays. Another key is
another length read faster or slower. The player does the same while it plays (`shifter_worklet.js` beside it).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from backends.core.errors import BadInput

Block = NDArray[np.float64]

SIZE = 4096
"""Frames of a window."""

HOP = SIZE // 4
LEAST_SPEED, MOST_SPEED = 0.25, 2.0
MOST_SEMITONES = 12
WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)  # (SIZE,)
OVERLAP = 0.375
"""The mean of the squared window."""


@dataclass(frozen=True)
class Pace:
    """`speed` 0.5 takes twice as long; `semitones` 12 is an octave higher."""

    speed: float = 1.0
    semitones: int = 0

    def __post_init__(self) -> None:
        if not LEAST_SPEED <= self.speed <= MOST_SPEED:
            raise BadInput(f"The speed must lie between {LEAST_SPEED:g} and {MOST_SPEED:g} times that of the song.")
        if abs(self.semitones) > MOST_SEMITONES:
            raise BadInput(f"The key can go up or down by at most {MOST_SEMITONES} semitones.")

    @property
    def pitch(self) -> float:
        """The ratio of frequencies after to before."""
        return float(2 ** (self.semitones / 12))

    @property
    def changes(self) -> bool:
        return self.speed != 1.0 or self.semitones != 0

    def length(self, frames: int) -> int:
        """Frames after the change."""
        return round(frames / self.speed)

    def describe(self) -> str:
        """What is other than in the song, for names of files; "" for nothing."""
        words = [f"{100 * self.speed:.0f} %"] if self.speed != 1.0 else []
        if self.semitones:
            words.append(f"{self.semitones:+d} semitone{'s' * (abs(self.semitones) > 1)}")
        return ", ".join(words)


def at_pace(blocks: Iterable[Block], frames: int, rate: int, pace: Pace) -> Iterator[Block]:
    """The sound at another pace, `pace.length(frames)` frames of it.

    Args:
        blocks: `(T, C)` of the sound, in order.
        frames: of all blocks together.
        rate: in Hz.
        pace: the speed and key to give it.
    """
    longer = stretch(blocks, pace.pitch / pace.speed)
    if pace.semitones:
        longer = _read_faster(longer, rate, pace.pitch)
    wanted = pace.length(frames)
    for block in longer:
        yield block[:wanted]
        wanted -= len(block)
        if wanted <= 0:
            return


def _read_faster(blocks: Iterable[Block], rate: int, ratio: float) -> Iterator[Block]:
    stream = None
    channels = 1
    for block in blocks:
        channels = block.shape[1]
        stream = stream or soxr.ResampleStream(rate * ratio, rate, channels, dtype="float64", quality="HQ")
        yield stream.resample_chunk(block)
    if stream is not None:
        yield stream.resample_chunk(np.zeros((0, channels)), last=True)


def stretch(blocks: Iterable[Block], ratio: float) -> Iterator[Block]:
    """The sound `ratio` times as long at the same pitch; some milliseconds of silence follow it."""
    vocoder: Vocoder | None = None
    channels = 1
    for block in blocks:
        channels = block.shape[1]
        vocoder = vocoder or Vocoder(ratio, channels)
        yield from vocoder.feed(block)
    if vocoder is not None:
        yield from vocoder.feed(np.zeros((2 * SIZE + round(SIZE / ratio), channels)))


class Vocoder:
    """Takes blocks of sound and gives blocks that are longer or shorter, with memory for a few windows."""

    def __init__(self, ratio: float, channels: int) -> None:
        self.ratio = ratio
        self.hop = round(HOP * min(1.0, ratio))
        self.lead = 2 * SIZE  # silence before the sound, for the first windows
        self.input = np.zeros((self.lead, channels))
        self.first = -self.lead  # the frame of the sound at which `input` begins
        self.windows = 0
        self.begin = -SIZE  # of the first window, in frames of the result
        self.last = np.zeros((SIZE // 2 + 1, channels), complex)
        self.made = np.zeros((SIZE, channels))

    def feed(self, block: Block) -> Iterator[Block]:
        """The sound that is complete once `block` has come."""
        self.input = np.concatenate([self.input, block])
        parts = []
        while True:
            place = self.begin + self.windows * self.hop
            centre = (place + SIZE / 2) / self.ratio
            start = round(centre - SIZE / 2) - self.first
            if start + SIZE > len(self.input):
                break
            if start >= self.hop:
                self._add(start)
                if place >= 0:
                    parts.append(self.made[: self.hop].copy())
                elif place + self.hop > 0:
                    parts.append(self.made[-place : self.hop].copy())
                self.made = np.concatenate([self.made[self.hop :], np.zeros((self.hop, self.made.shape[1]))])
            self.windows += 1
        keep = max(0, start - self.hop - SIZE)
        self.input, self.first = self.input[keep:], self.first + keep
        if parts:
            yield np.concatenate(parts)

    def _add(self, start: int) -> None:
        """One window, turned so that it goes on from the last."""
        now, before = (
            np.fft.rfft(self.input[at : at + SIZE] * WINDOW[:, None], axis=0) for at in (start, start - self.hop)
        )  # (SIZE / 2 + 1, C) each
        turned = now * _turns(now, before, self.last)[:, None]
        self.last = turned
        self.made += np.fft.irfft(turned, SIZE, axis=0) * (WINDOW[:, None] * (self.hop / (OVERLAP * SIZE)))


def _turns(now: NDArray[np.complex128], before: NDArray[np.complex128], last: NDArray[np.complex128]) -> np.ndarray:
    """The unit number by which each bin turns, `(SIZE / 2 + 1,)`: that of the peak it belongs to.

    At a peak it is Σ Y(t - h) X*(t - h) over the channels, h the hop: X(t) goes on from what was made as it went on
    from what was there.
    """
    power = (now.real**2 + now.imag**2).sum(axis=1)
    inner = power[2:-2]
    highest = (inner > power[1:-3]) & (inner > power[:-4]) & (inner >= power[3:-1]) & (inner >= power[4:])
    peaks = np.flatnonzero(highest) + 2
    if not len(peaks):
        return np.ones(len(power))
    turn = (last[peaks] * before[peaks].conj()).sum(axis=1)
    size = np.abs(turn)
    unit = np.where(size > 1e-18, turn / np.maximum(size, 1e-18), 1.0)
    borders = (peaks[1:] + peaks[:-1] + 1) // 2
    return unit[np.searchsorted(borders, np.arange(len(power)), side="right")]
