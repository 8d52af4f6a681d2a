"""Meters that read a file block by block: level, silence, clipping, peaks, residual, loudness. Memory never grows.

Every meter has `add(block)` with a `(C, n)` float64 block and properties that hold the answer so far.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backends.core.errors import BadInput

Block = NDArray[np.float64]

SILENCE_DB = -60.0
"""Frames softer than this count as silence: below the noise of most rooms at normal listening level."""
FLOOR_DB = -120.0


def decibels(power: float) -> float:
    """`10 log10(power)`, never below -120."""
    return float(10.0 * np.log10(max(power, 10.0 ** (FLOOR_DB / 10.0))))


def read_together(paths: Mapping[str, Path], seconds: float = 1.0) -> Iterator[tuple[int, dict[str, Block]]]:
    """Read several sound files in step: `(samplerate, {name: (C, n)})` for each stretch of `seconds`.

    The first file gives the rate, the number of channels and the length; mono files are heard on every channel, shorter
    files are silent at the end.

    Raises:
        BadInput: a file cannot be read, has another sample rate or channels that do not match, or holds values that are
            not numbers.
    """
    import soundfile

    with ExitStack() as stack:
        files = {}
        for name, path in paths.items():
            try:
                files[name] = stack.enter_context(soundfile.SoundFile(path))
            except (soundfile.LibsndfileError, OSError) as error:
                raise BadInput(f"The sound of “{name}” cannot be read; the file may be damaged.") from error
        lead = next(iter(files.values()))
        if not lead.frames:
            raise BadInput("There is no sound in this file.")
        for name, file in files.items():
            if file.samplerate != lead.samplerate:
                raise BadInput(f"“{name}” has {file.samplerate} samples a second, not {lead.samplerate} like the song.")
            if file.channels not in (1, lead.channels):
                raise BadInput(f"“{name}” has {file.channels} channels, not {lead.channels} like the song.")
        size = max(1, round(seconds * lead.samplerate))
        for start in range(0, lead.frames, size):
            length = min(size, lead.frames - start)
            yield lead.samplerate, {name: _read(file, length, lead.channels, name) for name, file in files.items()}


def _read(file, length: int, channels: int, name: str) -> Block:
    frames = file.read(length, dtype="float64", always_2d=True, fill_value=0.0)  # (n, C)
    block = np.ascontiguousarray(frames.T)  # channels in one piece each: sums over them are many times faster
    if not np.isfinite(block).all():
        raise BadInput(f"“{name}” holds values that are not numbers, so it cannot be measured.")
    return np.repeat(block, channels, axis=0) if block.shape[0] < channels else block


class LevelMeter:
    """Mean power, the share of silent 50 ms frames, the highest sample and the share of samples over full scale."""

    def __init__(self, samplerate: int) -> None:
        self.frame = max(1, samplerate // 20)
        self.energy = 0.0
        self.samples = 0
        self.peak = 0.0
        self.over = 0
        self.frames = 0
        self.silent = 0

    def add(self, block: Block) -> None:
        power = (block**2).mean(axis=0)  # (n,)
        self.energy += float(power.sum())
        self.samples += power.size
        size = np.abs(block)
        self.peak = max(self.peak, float(size.max()))
        self.over += int((size > 1.0).any(axis=0).sum())
        frames = np.add.reduceat(power, np.arange(0, power.size, self.frame)) / self.frame
        self.frames += frames.size
        self.silent += int((frames < 10.0 ** (SILENCE_DB / 10.0)).sum())

    @property
    def level_db(self) -> float:
        """RMS in dB relative to full scale (a full-scale square wave is 0)."""
        return decibels(self.energy / max(1, self.samples))

    @property
    def silence_share(self) -> float:
        return self.silent / max(1, self.frames)

    @property
    def over_share(self) -> float:
        return self.over / max(1, self.samples)


class ClippingMeter:
    """The share of samples that sit on a flat top: cut off where the recording could not go higher.

    A flat top is a run of equal samples within 0.5 % of the highest sample of the file: at least two at full scale, at
    least four below it (a file that was clipped and then turned down). The top of a clean low note can be equal for
    three 16-bit samples, so fewer than four prove nothing there. When the file climbs higher, what was counted below
    starts again from zero, so that one pass is enough.
    """

    NEAR = 0.995
    FULL = 0.9998
    QUIET = 0.25

    def __init__(self) -> None:
        self.top = 0.0
        self.flat = 0
        self.samples = 0
        self.tail: Block | None = None

    def add(self, block: Block) -> None:
        self.samples += block.size
        context = block if self.tail is None else np.concatenate([self.tail, block], axis=1)
        peak = float(np.abs(block).max())
        if self.top < self.NEAR * peak:
            self.flat = 0
        self.top = max(self.top, peak)
        for channel in context:
            self.flat += self._flat_samples(channel)
        self.tail = block[:, -1:]

    def _flat_samples(self, channel: Block) -> int:
        """Samples in flat runs; a run cut by the edge of a block counts on both sides as far as it is seen there."""
        if self.top < self.QUIET:
            return 0
        equal = (np.abs(np.diff(channel)) < 1e-6) & (np.abs(channel[1:]) >= self.NEAR * self.top)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], equal.astype(np.int8), [0]])))
        runs = edges[1::2] - edges[::2] + 1
        shortest = 2 if self.top >= self.FULL else 4
        return int(runs[runs >= shortest].sum())

    @property
    def share(self) -> float:
        return min(1.0, self.flat / max(1, self.samples))


class TruePeakMeter:
    """The highest point of the wave between samples, by 4-fold oversampling (ITU-R BS.1770, annex 2).

    Only stretches whose samples come within 3 dB of the highest point so far are oversampled: between samples a wave of
    music rises a decibel or two, so the rest does not hold the peak. It is an estimate, good to about 0.1 dB.
    """

    MARGIN = 0.7
    CONTEXT = 64

    def __init__(self) -> None:
        self.peak = 0.0
        self.tail: Block | None = None

    def add(self, block: Block) -> None:
        from scipy.signal import resample_poly

        if self.tail is None:
            self.tail = np.zeros((block.shape[0], self.CONTEXT))
        context = np.concatenate([self.tail, block], axis=1)
        highest = float(np.abs(context).max())
        if highest > self.MARGIN * self.peak:
            self.peak = max(self.peak, highest, float(np.abs(resample_poly(context, 4, 1, axis=1)).max()))
        self.tail = context[:, -self.CONTEXT :]

    @property
    def db(self) -> float:
        return decibels(self.peak**2)


class LoudnessMeter:
    """Integrated loudness in LUFS (ITU-R BS.1770-4): K-weighting, 400 ms blocks every 100 ms, both gates.

    The filters are pyloudnorm's, kept running across blocks, so that the answer is that of the whole file at once.
    """

    def __init__(self, samplerate: int, channels: int) -> None:
        from pyloudnorm.iirfilter import IIRfilter
        from scipy.signal import tf2sos

        shelf = IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, samplerate, "high_shelf")
        highpass = IIRfilter(0.0, 0.5, 38.0, samplerate, "high_pass")
        self.sos = np.concatenate([tf2sos(stage.b, stage.a) for stage in (shelf, highpass)])
        self.state = np.zeros((len(self.sos), channels, 2))
        self.step = max(1, round(0.1 * samplerate))
        self.rest = np.zeros(0)
        self.steps: list[NDArray[np.float64]] = []  # power of each 100 ms; an hour is 36,000 numbers

    def add(self, block: Block) -> None:
        from scipy.signal import sosfilt

        weighted, self.state = sosfilt(self.sos, block, axis=1, zi=self.state)
        power = np.concatenate([self.rest, (weighted**2).sum(axis=0)])  # channels weigh the same in stereo
        whole = power.size // self.step * self.step
        self.steps.append(power[:whole].reshape(-1, self.step).mean(axis=1))
        self.rest = power[whole:]

    @property
    def lufs(self) -> float | None:
        """None where nothing is louder than the absolute gate of -70 LUFS, or less than 400 ms was read."""
        steps = np.concatenate(self.steps) if self.steps else np.zeros(0)
        if steps.size < 4:
            return None
        blocks = np.convolve(steps, np.full(4, 0.25), "valid")
        blocks = blocks[loudness(blocks) >= -70.0]
        if not blocks.size:
            return None
        blocks = blocks[loudness(blocks) > loudness(blocks.mean()) - 10.0]
        return float(loudness(blocks.mean()))


def loudness(power: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """BS.1770 equation 4: LUFS of K-weighted power summed over channels."""
    return -0.691 + 10.0 * np.log10(np.maximum(power, 1e-30))


class ResidualMeter:
    """What is left of the mix when all stems are taken away, in dB relative to the mix."""

    def __init__(self) -> None:
        self.mix = 0.0
        self.left = 0.0

    def add(self, mix: Block, stems: Mapping[str, Block]) -> None:
        self.mix += float((mix**2).sum())
        self.left += float(((mix - sum(stems.values())) ** 2).sum())

    @property
    def db(self) -> float | None:
        return max(FLOOR_DB, decibels(self.left / self.mix)) if self.mix > 0.0 else None
