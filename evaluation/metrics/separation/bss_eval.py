"""How close separated stems are to the true ones: SI-SDR of the whole song, and BSS Eval v4 along the song.

Signals are float arrays of shape (T,) or (T, C). Everything here is numpy and scipy; nothing needs a system ffmpeg.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from backends.core.errors import BadInput
from evaluation.metrics.base import Metric
from evaluation.metrics.separation import bss_filters

MAX_MISMATCH = 1.0
"""Seconds by which two recordings of the same song may differ in length before they are taken for different songs."""

BLOCK_SECONDS = 90.0
"""Seconds whose distortion filters BSS Eval fits together. Its transforms hold 16 bytes a stem, channel and
sample, rounded up to a power of two, several times over: four stereo stems of a block take about 2 GB at 44.1 kHz,
however long the song is."""

MAX_STEMS = 8
"""BSS Eval solves a system of stems x channels x 512 unknowns: more stems than this would exhaust memory."""


def si_sdr(estimate: np.ndarray, reference: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al., "SDR – half-baked or well done?", 2019, eq. 3).

    With s the reference, ŝ the estimate and a = <ŝ, s> / |s|²,

        SI-SDR = 10 log10( |a s|² / |ŝ - a s|² ).

    Args:
        estimate: (T,) or (T, C). The mean over time is subtracted first; all channels share one scale a.
        reference: of the same shape.

    Returns:
        The ratio; `inf` for an estimate that is the reference at some gain, `-inf` for one with nothing of it, and
        `nan` where either is silent or constant: the ratio is then 0/0.

    >>> reference, noise = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0, -1.0])
    >>> round(si_sdr(0.5 * (reference + 0.1 * noise), reference), 6)
    20.0

    Raises:
        ValueError: the shapes differ; see `match_length`.
    """
    if estimate.shape != reference.shape:
        raise ValueError(f"estimate {estimate.shape} and reference {reference.shape} differ in shape")
    estimate, reference = _zero_mean(estimate), _zero_mean(reference)
    power = float(reference @ reference)
    if power == 0 or not estimate.any():
        return float("nan")
    target = float(estimate @ reference) / power * reference
    wanted, distortion = float(target @ target), float(np.sum((estimate - target) ** 2))
    with np.errstate(divide="ignore"):
        return float(10 * (np.log10(wanted) - np.log10(distortion)))


def si_sdr_improvement(estimate: np.ndarray, reference: np.ndarray, mixture: np.ndarray) -> float:
    """SI-SDR of `estimate` less that of the unprocessed `mixture`, in dB. All are (T,) or (T, C)."""
    return si_sdr(estimate, reference) - si_sdr(mixture, reference)


def _zero_mean(signal: np.ndarray) -> np.ndarray:
    signal = np.asarray(signal, dtype=np.float64)
    return (signal - signal.mean(axis=0)).ravel() if signal.size else signal.ravel()


def match_length(
    signals: Mapping[str, np.ndarray], samplerate: int, tolerance: float = MAX_MISMATCH
) -> dict[str, np.ndarray]:
    """Cut (T, C) signals that start together to their common length.

    Raises:
        BadInput: one is empty, or the lengths differ by more than `tolerance` seconds.
    """
    length = common_length({name: len(signal) for name, signal in signals.items()}, samplerate, tolerance)
    return {name: signal[:length] for name, signal in signals.items()}


def common_length(lengths: Mapping[str, int], samplerate: int, tolerance: float = MAX_MISMATCH) -> int:
    """The shortest of `lengths`, in samples. Raises BadInput as `match_length` does."""
    shortest, longest = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
    if not lengths[shortest]:
        raise BadInput(f"“{shortest}” is empty: choose a file with sound in it.")
    if lengths[longest] - lengths[shortest] > tolerance * samplerate:
        raise BadInput(
            f"“{shortest}” lasts {lengths[shortest] / samplerate:.1f} s and “{longest}” "
            f"{lengths[longest] / samplerate:.1f} s: choose recordings of the same song that start together."
        )
    return lengths[shortest]


@dataclass(frozen=True)
class BssRow:
    """The ratios of one stem in one window, in dB; `nan` where a ratio is not defined. `start` is in seconds."""

    stem: str
    start: float
    sdr: float
    sir: float
    sar: float
    isr: float


@dataclass(frozen=True)
class BssScores:
    """BSS Eval of a song. In a window where any stem is silent, no stem is scored.

    Attributes:
        rows: one for each stem and window.
        windows: how many windows there are.
        silent_references, silent_estimates: windows in which a stem is silent, by its name.
        unscored: windows of each stem without ratios, whatever the cause.
    """

    rows: tuple[BssRow, ...]
    windows: int
    silent_references: Mapping[str, int] = field(default_factory=dict)
    silent_estimates: Mapping[str, int] = field(default_factory=dict)
    unscored: Mapping[str, int] = field(default_factory=dict)

    def median(self, stem: str, ratio: str = "sdr") -> float:
        """Median over the scored windows, as SiSEC 2018 reports it; `nan` when none was scored."""
        values = np.array([getattr(row, ratio) for row in self.rows if row.stem == stem], dtype=float)
        values = values[~np.isnan(values)]
        return float(np.median(values)) if values.size else float("nan")


def bss_eval(
    references: Mapping[str, np.ndarray],
    estimates: Mapping[str, np.ndarray],
    samplerate: int,
    *,
    window: float = 1.0,
    hop: float = 1.0,
    block: float = BLOCK_SECONDS,
) -> BssScores:
    """BSS Eval v4 (Vincent et al. 2006; Liutkus, Stöter & Ito 2018), with the values of museval (see `bss_filters`).

    The estimate is decomposed by 512-tap distortion filters as ŝ = s + e_spat + e_interf + e_artif, and

        ISR = 10 log10( |s|² / |e_spat|² )
        SIR = 10 log10( |s + e_spat|² / |e_interf|² )
        SAR = 10 log10( |s + e_spat + e_interf|² / |e_artif|² )
        SDR = 10 log10( |s|² / |e_spat + e_interf + e_artif|² ).

    A stem that is silent for a whole block, true or separated, is not scored in that block. Where left and right are
    equal in every reference the filters would not be unique, and the mean of the channels is scored instead.

    Args:
        references: true stems by name, (T, C).
        estimates: separated stems by the same names, (T, C).
        samplerate: in Hz.
        window: length of the window that is scored, in seconds.
        hop: time from one window to the next, in seconds.
        block: seconds for which distortion filters are fitted at once, which bounds memory. Songs up to that length
            score exactly as in museval's `evaluate`; `math.inf` does so for any length.

    Returns:
        One row for each stem and window.

    Raises:
        BadInput: the stems do not agree in name or length, or there are more than MAX_STEMS.
    """
    names = _common_stems(references, estimates)
    true, estimated = _stack_signals(
        [references[name] for name in names], [estimates[name] for name in names], names, samplerate
    )
    grid = _Grid(samplerate, max(round(window * samplerate), 1), max(round(hop * samplerate), 1))
    rows: list[BssRow] = []
    for start, stop in grid.blocks(true.shape[1], block):
        rows += _score_block(names, true[:, start:stop], estimated[:, start:stop], grid, start / samplerate)
    unscored = {name: sum(bool(np.isnan(row.sdr)) for row in rows if row.stem == name) for name in names}
    quiet = [{name: grid.count_silent(signals[i]) for i, name in enumerate(names)} for signals in (true, estimated)]
    return BssScores(tuple(rows), len(grid.starts(true.shape[1])), quiet[0], quiet[1], unscored)


def bss_blocks(length: int, samplerate: int, block: float = BLOCK_SECONDS) -> list[tuple[int, int]]:
    """(start, stop), in samples, of the blocks of whole seconds that `bss_eval` scores one by one.

    They lie end to end. A song too long for memory can be scored one block at a time and its blocks joined by
    `merge_blocks`, with the same result as one call for the whole song.
    """
    return list(_Grid(samplerate, samplerate, samplerate).blocks(length, block))


def merge_blocks(parts: Sequence[tuple[float, BssScores]]) -> BssScores:
    """The scores of one song from those of its blocks, each given with its start in seconds."""
    rows = [replace(row, start=start + row.start) for start, scores in parts for row in scores.rows]
    counts: list[dict[str, int]] = [{}, {}, {}]
    for _, scores in parts:
        for total, part in zip(
            counts, (scores.silent_references, scores.silent_estimates, scores.unscored), strict=True
        ):
            for name, count in part.items():
                total[name] = total.get(name, 0) + count
    return BssScores(tuple(rows), sum(scores.windows for _, scores in parts), *counts)


METRICS = (
    Metric(
        "si_sdr", "SI-SDR", "dB", 1, True,
        "Scale-invariant signal-to-distortion ratio: the energy of the true stem over everything else in the separated "
        "one, whatever its volume.",
        si_sdr,
    ),
    Metric(
        "si_sdr_improvement", "SI-SDR improvement", "dB", 1, True,
        "How much closer the separated stem is to the true one than the whole song is, measured by SI-SDR.",
        si_sdr_improvement,
    ),
    Metric(
        "sdr", "SDR", "dB", 1, True,
        "Signal to distortion: the true stem against all that is wrong with the separated one, second by second "
        "(BSS Eval v4).",
    ),
    Metric(
        "sir", "SIR", "dB", 1, True,
        "Signal to interference: the true stem against what leaked in from the other stems.",
    ),
    Metric(
        "sar", "SAR", "dB", 1, True,
        "Signal to artefacts: the sound against the noises that separating itself added.",
    ),
    Metric(
        "isr", "ISR", "dB", 1, True,
        "Image to spatial distortion: the true stem against changes of its place between the speakers and of its tone.",
    ),
)  # fmt: skip
"""Measures against true stems. Arguments are estimate, reference and, for the improvement, mixture, (T,) or (T, C). The
ratios of BSS Eval have no function here: `bss_eval` computes them together, for all stems of a song at once."""


def _common_stems(references: Mapping[str, np.ndarray], estimates: Mapping[str, np.ndarray]) -> list[str]:
    lost = sorted(set(references) ^ set(estimates))
    if lost or not references:
        which = f"“{lost[0]}” has no counterpart" if lost else "there are none"
        raise BadInput(f"True and separated stems are compared by name, and {which}: choose the same stems for both.")
    if len(references) > MAX_STEMS:
        raise BadInput(f"At most {MAX_STEMS} stems can be compared at once: choose fewer.")
    return list(references)


def _stack_signals(
    true: list[np.ndarray], estimated: list[np.ndarray], names: list[str], samplerate: int
) -> tuple[np.ndarray, np.ndarray]:
    """Both as (N, T, C) of one length; of one channel where the channels are equal in every reference."""
    labels = [f"{name} (true)" for name in names] + [f"{name} (separated)" for name in names]
    columns = [signal[:, None] if signal.ndim == 1 else signal for signal in (*true, *estimated)]
    cut = list(match_length(dict(zip(labels, columns, strict=True)), samplerate).values())
    widths = {signal.shape[1] for signal in cut}
    same = all(np.array_equal(signal, signal[:, ::-1]) for signal in cut[: len(names)])
    if len(widths) > 1 or (widths == {2} and same):
        cut = [signal.mean(axis=1, keepdims=True) for signal in cut]
    return np.stack(cut[: len(names)]), np.stack(cut[len(names) :])


@dataclass(frozen=True)
class _Grid:
    """The windows that museval's `Framing` lays over a song, in samples."""

    samplerate: int
    window: int
    hop: int

    def starts(self, length: int) -> range:
        """At least one window, however short the song; a rest shorter than a window is left out."""
        return range(0, max(length - self.window, 0) + 1, self.hop)

    def blocks(self, length: int, seconds: float) -> Iterator[tuple[int, int]]:
        """(start, stop) of runs of whole windows of about `seconds`, the last one ending with the song."""
        starts = self.starts(length)
        runs = 1
        if length > seconds * self.samplerate:
            each = max(int((seconds * self.samplerate - self.window) // self.hop) + 1, 1)
            runs = -(-len(starts) // each)
        # Even runs: a last run of a second or two would fit its filters to next to nothing.
        for i, run in enumerate(np.array_split(np.asarray(starts), runs)):
            yield int(run[0]), length if i == runs - 1 else int(run[-1]) + self.window

    def count_silent(self, signal: np.ndarray) -> int:
        return sum(_silent(signal[start : start + self.window]) for start in self.starts(len(signal)))


def _score_block(names: list[str], true: np.ndarray, estimated: np.ndarray, grid: _Grid, offset: float) -> list[BssRow]:
    """Rows of one block; `true` and `estimated` are (N, T, C), starting `offset` seconds into the song."""
    playing = [i for i in range(len(names)) if not _silent(true[i]) and not _silent(estimated[i])]
    starts = grid.starts(true.shape[1])
    ratios = np.full((4, len(names), len(starts)), np.nan)  # SDR, ISR, SIR, SAR
    if playing:
        ratios[:, playing] = bss_filters.ratios(true[playing], estimated[playing], starts, grid.window)
    return [
        BssRow(name, offset + start / grid.samplerate, float(sdr), float(sir), float(sar), float(isr))
        for i, name in enumerate(names)
        for start, (sdr, isr, sir, sar) in zip(starts, ratios[:, i].T, strict=True)
    ]


def _silent(signal: np.ndarray) -> bool:
    """museval's own test on (T, C): the channels cancel at every sample."""
    return not signal.sum(axis=1).any()
