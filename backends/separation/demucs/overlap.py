"""Run a network over a song of any length in overlapping segments, holding only one segment at a time.

The same sums as `demucs.apply.apply_model` (Défossez, "Hybrid Spectrogram and Waveform Source Separation", 2021), in
the same order, but as a stream: what has no more segments to come is given out and forgotten.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from backends.separation.demucs.checkpoints import Bag
from backends.separation.io.mix import Mix

EPSILON = 1e-8
MAX_SHIFT_SECONDS = 0.5

Forward = Callable[[nn.Module, Tensor], Tensor]
"""(B, 2, T) to (B, S, 2, T) on the device, both ends on the CPU in single precision."""


@dataclass(frozen=True)
class Settings:
    """`overlap` is the share of a segment that it shares with the next. With `shifts` over 0, the song is also

    run that many times, moved by random parts of half a second drawn after `seed`, and the results are averaged.
    """

    overlap: float = 0.25
    shifts: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Normalised:
    """The song with mean 0 and standard deviation 1 of its mono sum, and nothing but zeros around it."""

    mix: Mix

    @property
    def scale(self) -> float:
        return self.mix.std + EPSILON

    def read(self, start: int, frames: int) -> Tensor:
        """(1, 2, `frames`) from `start`, which may be negative."""
        samples = torch.from_numpy(self.mix.read(start, frames))
        before, after = max(-start, 0), max(start + frames - self.mix.frames, 0)
        samples.sub_(self.mix.mean).div_(self.scale)
        # Zeros, not the normalised level of silence, are what the network saw around its training examples.
        samples[:, : min(before, frames)] = 0
        samples[:, max(frames - after, 0) :] = 0
        return samples[None]

    def restore(self, sources: Tensor) -> Tensor:
        return sources * self.scale + self.mix.mean


def separate(bag: Bag, mix: Mix, settings: Settings, forward: Forward) -> Iterator[Tensor | None]:
    """Yield (S, 2, T) pieces that add up to the length of `mix`, and None between two runs of a network."""
    song = Normalised(mix)
    chance = random.Random(settings.seed)
    streams, weights = [], []
    for model, row in zip(bag.models, bag.weights, strict=True):
        furthest = int(MAX_SHIFT_SECONDS * bag.samplerate)
        shifts = [chance.randint(0, furthest) - furthest for _ in range(settings.shifts)] or [0]
        for start in shifts:
            streams.append(_shifted(model, song, start, settings.overlap, forward))
            weights.append(torch.tensor(row) / len(shifts))
    weight = torch.stack(weights)  # (M, S)
    total = weight.sum(dim=0)[:, None, None]
    for pieces in aligned(streams):
        if pieces is None:
            yield None
            continue
        mean = sum((row[:, None, None] * piece for row, piece in zip(weight, pieces, strict=True)), torch.zeros(()))
        yield song.restore(mean / total)


def _shifted(model: nn.Module, song: Normalised, start: int, overlap: float, forward: Forward) -> Iterator[Tensor]:
    """Pieces of the whole song from a run that begins at `start` <= 0: what comes before the song is dropped."""
    skip = -start
    for piece in overlap_add(model, song, start, overlap, forward):
        dropped = min(skip, piece.shape[-1])
        skip -= dropped
        if dropped < piece.shape[-1]:
            yield piece[..., dropped:]


def overlap_add(model: nn.Module, song: Normalised, start: int, overlap: float, forward: Forward) -> Iterator[Tensor]:
    """Yield (S, 2, T) from `start` to the end of the song: segments under a triangular window, over their sum.

    A segment of L frames begins every (1 - overlap) L frames; what lies before the next one's start is finished.
    """
    length = song.mix.frames - start
    segment = int(model.samplerate * model.segment)  # type: ignore[operator]
    stride = max(int((1 - overlap) * segment), 1)
    window = triangle(segment)  # (L,)
    sums = torch.zeros(len(model.sources), 2, segment)  # type: ignore[arg-type]
    norms = torch.zeros(segment)
    for offset in range(0, length, stride):
        frames = min(segment, length - offset)
        sums[..., :frames] += window[:frames] * _centred(model, song, start + offset, frames, forward)
        norms[:frames] += window[:frames]
        done = min(stride, length - offset)
        yield sums[..., :done] / norms[:done]
        sums = torch.cat([sums[..., done:], torch.zeros_like(sums[..., :done])], dim=-1)
        norms = torch.cat([norms[done:], torch.zeros(done)])


def _centred(model: nn.Module, song: Normalised, start: int, frames: int, forward: Forward) -> Tensor:
    """(S, 2, `frames`): the network's output for these frames, with as much song around them as it wants to see."""
    wanted = model.valid_length(frames) if hasattr(model, "valid_length") else frames  # type: ignore[operator]
    before = (wanted - frames) // 2
    return forward(model, song.read(start - before, wanted))[0, ..., before : before + frames]


def triangle(frames: int) -> Tensor:
    """Rises from the first frame to the middle and falls again; the largest value is 1."""
    half = frames // 2
    window = torch.cat([torch.arange(1, half + 1), torch.arange(frames - half, 0, -1)])
    return window / window.max()


def aligned(streams: list[Iterator[Tensor]]) -> Iterator[list[Tensor] | None]:
    """Pieces of equal length from streams of equal total length, and None whenever one of them has worked."""
    held: list[Tensor | None] = [None] * len(streams)
    while True:
        for index, stream in enumerate(streams):
            if held[index] is None:
                held[index] = next(stream, None)
                if held[index] is not None and len(streams) > 1:
                    yield None
        ready = [piece for piece in held if piece is not None]
        if len(ready) < len(streams):
            return
        frames = min(piece.shape[-1] for piece in ready)
        yield [piece[..., :frames] for piece in ready]
        held = [piece[..., frames:] if piece.shape[-1] > frames else None for piece in ready]
