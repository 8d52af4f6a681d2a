"""Meters of clipping, true peak, loudness and residual that read a file block by block in constant memory.

Every meter has `add(block)`, which takes the next `(C, T)` float64 samples, and properties with the result so far.
Level and silence are measured by `backends.separation.io.levels.LevelMeter`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backends.core.errors import BadInput
from backends.separation.io.levels import decibels

Block = NDArray[np.float64]


def read_aligned(paths: Mapping[str, Path], seconds: float = 1.0) -> Iterator[tuple[int, dict[str, Block]]]:
    """Read several sound files side by side.

    The first file gives the rate, the number of channels and the length. Mono files are repeated on every channel,
    shorter files are silent at the end.

    Yields:
        The sample rate and a block `(C, T)` of each file by its name, for every stretch of `seconds`.

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
            yield (
                lead.samplerate,
                {name: _read_block(file, length, lead.channels, name) for name, file in files.items()},
            )


def _read_block(file, length: int, channels: int, name: str) -> Block:
    frames = file.read(length, dtype="float64", always_2d=True, fill_value=0.0)  # (n, C)
    block = np.ascontiguousarray(frames.T)  # channels in one piece each: sums over them are many times faster
    if not np.isfinite(block).all():
        raise BadInput(f"“{name}” holds values that are not numbers, so it cannot be measured.")
    return np.repeat(block, channels, axis=0) if block.shape[0] < channels else block


class ClippingMeter:
    """The fraction of samples on a flat top: where the wave was cut off because the recording could not go higher.

    A flat top is a run of equal samples within 0.5 % of the highest sample of the file: at least two at full scale, at
    least four below it (a file that was clipped and then turned down). The crest of a clean low note can be equal for
    three 16-bit samples, so fewer than four prove nothing there. Whenever a higher sample comes, the count starts again
    from zero, so that one pass is enough.
    """

    NEAR_TOP = 0.995
    FULL_SCALE = 0.9998
    MIN_TOP = 0.25
    """Files that never go higher are not examined."""

    def __init__(self) -> None:
        self.top = 0.0
        self.flat = 0
        self.samples = 0
        self.tail: Block | None = None

    def add(self, block: Block) -> None:
        self.samples += block.size
        context = block if self.tail is None else np.concatenate([self.tail, block], axis=1)
        peak = float(np.abs(block).max())
        if self.top < self.NEAR_TOP * peak:
            self.flat = 0
        self.top = max(self.top, peak)
        for channel in context:
            self.flat += self._flat_samples(channel)
        self.tail = block[:, -1:]

    def _flat_samples(self, channel: Block) -> int:
        """Samples in flat runs; a run across the edge of two blocks counts in both, as far as each contains it."""
        if self.top < self.MIN_TOP:
            return 0
        equal = (np.abs(np.diff(channel)) < 1e-6) & (np.abs(channel[1:]) >= self.NEAR_TOP * self.top)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], equal.astype(np.int8), [0]])))
        runs = edges[1::2] - edges[::2] + 1
        shortest = 2 if self.top >= self.FULL_SCALE else 4
        return int(runs[runs >= shortest].sum())

    @property
    def fraction(self) -> float:
        return min(1.0, self.flat / max(1, self.samples))


class TruePeakMeter:
    """The highest point of the wave between its samples, by 4-fold oversampling (ITU-R BS.1770-4, annex 2).

    Only blocks whose samples come within 3 dB of the highest point so far are oversampled: between samples, music rises
    by a decibel or two, so the peak is not in the others. The estimate is good to about 0.1 dB.
    """

    MARGIN = 0.7
    """3 dB as a ratio of amplitudes."""
    CONTEXT = 64
    """Samples of the block before that the interpolation filter also sees."""

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
    """Integrated loudness in LUFS (ITU-R BS.1770-4).

    With z_j the mean square of the K-weighted signal in block j of 400 ms (one every 100 ms), summed over channels,

        l_j = -0.691 + 10 log10 z_j                                   (eq. 4)
        L   = -0.691 + 10 log10 mean{z_j : l_j > G}                   (eqs. 5 to 7)

    first with the absolute gate G = -70 LUFS, and then with the relative gate G = L - 10 LU. The two filters of the
    K-weighting are pyloudnorm's; their state carries over from block to block, so the result is that of the whole file.
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
    """-0.691 + 10 log10(`power`): LUFS of K-weighted power summed over channels (ITU-R BS.1770-4, eq. 4)."""
    return -0.691 + 10.0 * np.log10(np.maximum(power, 1e-30))


class ResidualMeter:
    """10 log10(|mix - sum of stems|² / |mix|²): what of the mix is missing from the stems, or was added by them."""

    def __init__(self) -> None:
        self.mix = 0.0
        self.difference = 0.0

    def add(self, mix: Block, stems: Mapping[str, Block]) -> None:
        self.mix += float((mix**2).sum())
        self.difference += float(((mix - sum(stems.values())) ** 2).sum())

    @property
    def db(self) -> float | None:
        return decibels(self.difference / self.mix) if self.mix > 0.0 else None
