"""Run a network over a song of any length by overlap-add, with only one segment in memory at a time.

Segments of L frames start every (1 - overlap) L frames. With segment k of the network's output y_k, starting at frame
o_k, and a triangular window w, the result is the weighted mean

    y(t) = sum_k w(t - o_k) y_k(t - o_k) / sum_k w(t - o_k).

These are the sums of `demucs.apply.apply_model` (Défossez, "Hybrid Spectrogram and Waveform Source Separation", 2021),
in the same order, as a stream: frames that no further segment reaches are yielded and dropped.
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
class OverlapParameters:
    """How segments are laid over a song."""

    overlap: float = 0.25
    """The fraction of a segment that the next one overlaps."""
    shifts: int = 0
    """With 1 or more, that many runs are averaged, each moved by a random part of half a second (the shift trick)."""
    seed: int = 0
    """Of the random shifts."""
    segment: float | None = None
    """Seconds of a segment; None for the length that each network was trained on."""


@dataclass(frozen=True)
class Normalised:
    """The song with mean 0 in each channel and standard deviation 1 of its mono sum, with zeros before and after it.

    A constant level (DC offset) is no sound of any source; `restore` gives it to one of them alone, so that the
    sources add up to the song.
    """

    mix: Mix
    sources: tuple[str, ...]

    @property
    def scale(self) -> float:
        return self.mix.std + EPSILON

    def read(self, start: int, frames: int) -> Tensor:
        """(1, 2, `frames`) from `start`, which may be negative."""
        samples = torch.from_numpy(self.mix.read(start, frames))
        before, after = max(-start, 0), max(start + frames - self.mix.frames, 0)
        samples.sub_(self._offset).div_(self.scale)
        # Zeros, not the normalised level of silence, are what the network saw around its training examples.
        samples[:, : min(before, frames)] = 0
        samples[:, max(frames - after, 0) :] = 0
        return samples[None]

    def restore(self, sources: Tensor) -> Tensor:
        """(S, 2, T) at the level of the song, with its constant level in “other”, or in the last but the voice."""
        restored = sources * self.scale
        rest = [name for name in self.sources if name != "vocals"]
        taker = "other" if "other" in rest else (rest or self.sources)[-1]
        restored[self.sources.index(taker)] += self._offset
        return restored

    @property
    def _offset(self) -> Tensor:
        return torch.tensor(self.mix.offset, dtype=torch.float32)[:, None]  # (2, 1)


def separate(bag: Bag, mix: Mix, parameters: OverlapParameters, forward: Forward) -> Iterator[Tensor | None]:
    """Separate a song with all networks of a bag.

    Args:
        bag: networks and how their outputs are weighted.
        mix: the song.
        parameters: overlap and shifts.
        forward: runs one network on one segment.

    Yields:
        (S, 2, T) pieces that add up to the length of `mix`, and None between two runs of a network.
    """
    song = Normalised(mix, bag.sources)
    generator = random.Random(parameters.seed)
    streams, weights = [], []
    for model, source_weights in zip(bag.models, bag.weights, strict=True):
        furthest = int(MAX_SHIFT_SECONDS * bag.samplerate)
        shifts = [generator.randint(0, furthest) - furthest for _ in range(parameters.shifts)] or [0]
        for start in shifts:
            streams.append(_shifted(model, song, start, parameters, forward))
            weights.append(torch.tensor(source_weights) / len(shifts))
    weight = torch.stack(weights)  # (M, S)
    total = weight.sum(dim=0)[:, None, None]
    for pieces in align_streams(streams):
        if pieces is None:
            yield None
            continue
        mean = sum((one[:, None, None] * piece for one, piece in zip(weight, pieces, strict=True)), torch.zeros(()))
        yield song.restore(mean / total)


def segment_frames(model: nn.Module, seconds: float | None) -> int:
    """Frames of a segment: of `seconds`, or of the training length where that is None.

    A transformer network (the only one with `use_train_segment`) cannot be run on more than it was trained on.
    """
    trained = float(model.segment)  # type: ignore[arg-type]
    if seconds is not None:
        trained = min(seconds, trained) if hasattr(model, "use_train_segment") else seconds
    return int(model.samplerate * trained)  # type: ignore[operator]


def _shifted(
    model: nn.Module, song: Normalised, start: int, parameters: OverlapParameters, forward: Forward
) -> Iterator[Tensor]:
    """Pieces of the whole song from a run that begins at `start` <= 0: what comes before the song is dropped."""
    skip = -start
    for piece in overlap_add(model, song, start, parameters, forward):
        dropped = min(skip, piece.shape[-1])
        skip -= dropped
        if dropped < piece.shape[-1]:
            yield piece[..., dropped:]


def overlap_add(
    model: nn.Module, song: Normalised, start: int, parameters: OverlapParameters, forward: Forward
) -> Iterator[Tensor]:
    """Overlap-add of one network's output over a song; see the module for the equation.

    Args:
        model: the network.
        song: the normalised song.
        start: frame at which the first segment starts, 0 or before the song.
        parameters: length and overlap of the segments.
        forward: runs the network on one segment.

    Yields:
        (S, 2, T) pieces from `start` to the end of the song: what lies before the next segment's start is finished.
    """
    length = song.mix.frames - start
    segment = segment_frames(model, parameters.segment)
    stride = max(int((1 - parameters.overlap) * segment), 1)
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
    """A triangular window (`frames`,) whose largest value is 1.

    >>> triangle(5)
    tensor([0.3333, 0.6667, 1.0000, 0.6667, 0.3333])
    """
    half = frames // 2
    window = torch.cat([torch.arange(1, half + 1), torch.arange(frames - half, 0, -1)])
    return window / window.max()


def align_streams(streams: list[Iterator[Tensor]]) -> Iterator[list[Tensor] | None]:
    """Cut streams of equal total length into pieces of equal length; None whenever one of them has done some work."""
    buffered: list[Tensor | None] = [None] * len(streams)
    while True:
        for index, stream in enumerate(streams):
            if buffered[index] is None:
                buffered[index] = next(stream, None)
                if buffered[index] is not None and len(streams) > 1:
                    yield None
        ready = [piece for piece in buffered if piece is not None]
        if len(ready) < len(streams):
            return
        frames = min(piece.shape[-1] for piece in ready)
        yield [piece[..., :frames] for piece in ready]
        buffered = [piece[..., frames:] if piece.shape[-1] > frames else None for piece in ready]
