"""Scores of a finished separation against its true stems: of the whole song, and second by second.

Files are read side by side a second at a time: a long song takes no more memory than a short one.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.errors import BadInput
from backends.separation.io.audio import open_song
from evaluation.metrics.separation.bss_eval import (
    MAX_MISMATCH,
    BssScores,
    bss_blocks,
    bss_eval,
    common_length,
    merge_blocks,
)

MAX_SECONDS = 600.0
"""BSS Eval scores only this much of a long song, from its start: four stems take about as long as they play."""

RATIOS = ("sdr", "sir", "sar")

MAX_DB = 120.0
"""SI-SDR is limited to this in either direction; beyond it lies only rounding, of the files and of the sums."""

DITHER_DB = -60.0
"""Noise added to true stems before BSS Eval, relative to each. Its 512-tap filters are fitted to all true channels at
once; where two of those are equal (a bass in the middle) or empty above some frequency, no single answer exists and
SIR and SAR come out as anything. SDR and ISR do not change by it, and SIR and SAR of full-band recordings hardly do."""


@dataclass(frozen=True)
class AlignedStems:
    """True and separated stems of one song and its mix: files that decode and that start together.

    `length` is in samples, common to all; `level` is the root mean square of each true stem.
    """

    references: Mapping[str, Path]
    estimates: Mapping[str, Path]
    mix: Path
    samplerate: int
    length: int
    level: Mapping[str, float]


@dataclass
class RunningSiSdr:
    """SI-SDR of a pair of signals given in blocks; equal to `bss_eval.si_sdr` of the whole signals.

    With reference x, estimate y, error e = y - x, and all means removed,

        |a x|² = (<x, x> + <e, x>)² / <x, x>,    |y - a x|² = <e, e> - <e, x>² / <x, x>,

    so only sums are stored. The error has sums of its own, because in the difference of the signals' powers a small
    error would be lost to rounding.
    """

    count: int = 0
    sums: np.ndarray = field(default_factory=lambda: np.zeros(3))  # (3, C) of reference x, estimate y, error e = y - x
    products: np.ndarray = field(default_factory=lambda: np.zeros(4))  # (4, C) of xx, yy, ee, ex

    def add(self, estimate: np.ndarray, reference: np.ndarray) -> None:
        """Take in the next samples, both (T, C)."""
        x, y = reference.astype(np.float64), estimate.astype(np.float64)
        e = y - x
        products = np.stack([np.einsum("tc,tc->c", a, b) for a, b in ((x, x), (y, y), (e, e), (e, x))])
        sums = np.stack([signal.sum(axis=0) for signal in (x, y, e)])
        self.sums, self.products = (sums, products) if not self.count else (self.sums + sums, self.products + products)
        self.count += len(x)

    def value(self) -> float:
        """dB; `nan` where either signal is silent or constant."""
        if not self.count:
            return math.nan
        x, y, e = self.sums
        means = np.stack([x * x, y * y, e * e, e * x]) / self.count
        xx, yy, ee, ex = (self.products - means).sum(axis=1)  # of the signals without their means
        whole_xx, whole_yy = self.products[:2].sum(axis=1)
        if xx <= 1e-12 * whole_xx or yy <= 1e-12 * whole_yy:
            return math.nan
        wanted, distortion = (xx + ex) ** 2 / xx, max(ee - ex * ex / xx, 0.0)
        with np.errstate(divide="ignore"):
            return float(10 * (np.log10(wanted) - np.log10(distortion)))


def align_files(
    references: Mapping[str, Path], estimates: Mapping[str, Path], mix: Path, samplerate: int
) -> AlignedStems:
    """Check that files belong to the same song, by decoding each to its end.

    Args:
        references: true stems by name; some stems may be missing.
        estimates: separated stems by name.
        mix: the song.
        samplerate: to which everything is resampled, in Hz.

    Raises:
        BadInput: a reference does not decode, or its length differs from the song's by more than a second.
    """
    length, _ = _measure_file(mix, samplerate, "the mix")
    lengths, level = {"the mix": length}, {}
    for name, path in references.items():
        lengths[name], _ = _measure_file(estimates[name], samplerate, name, length)
        lengths[f"true {name}"], level[name] = _measure_file(path, samplerate, f"true {name}", length)
    scored = {name: estimates[name] for name in references}
    return AlignedStems(dict(references), scored, mix, samplerate, common_length(lengths, samplerate), level)


def whole_song_scores(stems: AlignedStems) -> dict[str, Any]:
    """SI-SDR over the whole song, ready for JSON: `stems` (name to `si_sdr` in dB, `mix_si_sdr` of the untouched mix
    for the same stem, and `improvement`; None where undefined, as for silence) and `notes`.

    Values are limited to MAX_DB in either direction.
    """
    after = {name: RunningSiSdr() for name in stems.references}
    before = {name: RunningSiSdr() for name in stems.references}
    for truth, separated, mix in _read_seconds(stems, stems.length, with_mix=True):
        for name, reference in truth.items():
            after[name].add(separated[name], reference)
            before[name].add(mix, reference)
    scores = {}
    for name in stems.references:
        now, then = (float(np.clip(sums[name].value(), -MAX_DB, MAX_DB)) for sums in (after, before))
        scores[name] = {"si_sdr": _number(now), "mix_si_sdr": _number(then), "improvement": _number(now - then)}
    return {"stems": scores, "notes": []}


def scores_over_time(stems: AlignedStems) -> dict[str, Any]:
    """BSS Eval v4 second by second, ready for JSON, for at most MAX_SECONDS.

    `times` in seconds, `frames` (stem to one list a ratio, aligned with `times`, None where not scored), `medians`
    (stem to ratio) and `notes`.
    """
    scores = merge_blocks(list(_scored_blocks(stems)))
    starts = sorted({row.start for row in scores.rows})
    rows = {(row.stem, row.start): asdict(row) for row in scores.rows}
    capped = stems.length > MAX_SECONDS * stems.samplerate
    notes = [f"Only the first {MAX_SECONDS / 60:.0f} minutes were compared."] if capped else []
    return {
        "times": starts,
        "frames": {
            name: {ratio: [_number(rows[name, start][ratio]) for start in starts] for ratio in RATIOS}
            for name in stems.references
        },
        "medians": {
            name: {ratio: _number(scores.median(name, ratio)) for ratio in RATIOS} for name in stems.references
        },
        "notes": notes + _notes(scores.windows, scores.silent_references),
    }


def _scored_blocks(stems: AlignedStems) -> Generator[tuple[float, BssScores], None, None]:
    """Where each block that BSS Eval scores on its own starts, in seconds, and its scores."""
    length = min(stems.length, int(MAX_SECONDS) * stems.samplerate)
    noise = {name: np.random.default_rng(0) for name in stems.references}
    with closing(_read_seconds(stems, length)) as seconds:
        for start, stop in bss_blocks(length, stems.samplerate):
            shape = (stop - start, 2)
            references = {name: np.empty(shape, np.float32) for name in stems.references}
            estimates = {name: np.empty(shape, np.float32) for name in stems.references}
            for at in range(0, stop - start, stems.samplerate):
                truth, separated, _ = next(seconds)
                for name, wave in truth.items():
                    references[name][at : at + len(wave)] = _dithered(wave, stems.level[name], noise[name])
                    estimates[name][at : at + len(wave)] = separated[name]
            yield start / stems.samplerate, bss_eval(references, estimates, stems.samplerate, block=math.inf)


def _dithered(wave: np.ndarray, level: float, noise: np.random.Generator) -> np.ndarray:
    """`wave` with noise at DITHER_DB of `level` where it is not silent, so that silent seconds stay known as such."""
    scale = np.float32(10 ** (DITHER_DB / 20) * level)
    return wave + (wave != 0) * noise.standard_normal(wave.shape, dtype=np.float32) * scale


def _notes(windows: int, silent: Mapping[str, int]) -> list[str]:
    return [
        f"True {name} is silent in {count} of {windows} seconds; no second is scored in which any true stem is silent."
        for name, count in silent.items()
        if count
    ]


def _read_seconds(
    stems: AlignedStems, length: int, with_mix: bool = False
) -> Generator[tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray], None, None]:
    """Second by second up to `length` samples: true stems, separated stems and, if asked for, the mix; (T, 2) each."""
    rate = stems.samplerate
    with ExitStack() as stack:

        def reader(path: Path, name: str) -> Generator[np.ndarray, None, None]:
            return stack.enter_context(closing(_seconds(path, rate, name)))

        truth = {name: reader(path, f"true {name}") for name, path in stems.references.items()}
        separated = {name: reader(path, name) for name, path in stems.estimates.items()}
        whole = reader(stems.mix, "the mix") if with_mix else None
        for start in range(0, length, rate):
            size = min(rate, length - start)
            yield (
                {name: next(blocks)[:size] for name, blocks in truth.items()},
                {name: next(blocks)[:size] for name, blocks in separated.items()},
                next(whole)[:size] if whole else np.empty((0, 2), np.float32),
            )


def _measure_file(path: Path, samplerate: int, name: str, song: float = math.inf) -> tuple[int, float]:
    """Length in samples and root mean square of a file. Raises BadInput where it goes on long after the `song`."""
    length, power = 0, 0.0
    with closing(_seconds(path, samplerate, name)) as blocks:
        for block in blocks:
            length += len(block)
            power += float(np.square(block, dtype=np.float64).sum())
            if length > song + MAX_MISMATCH * samplerate:  # not read on: a small file may be made to play for days
                raise BadInput(
                    f"“{name}” goes on after the end of the mix, which lasts {song / samplerate:.1f} s: "
                    "choose recordings of the same song that start together."
                )
    return length, math.sqrt(power / max(2 * length, 1))


def _seconds(path: Path, samplerate: int, name: str) -> Generator[np.ndarray, None, None]:
    """A file in pieces of one second, (T, 2) float32. Raises BadInput that calls it `name`."""
    try:
        with closing(open_song(path).blocks(samplerate, samplerate)) as blocks:  # type: ignore[type-var]
            for block in blocks:
                yield block.T
    except BadInput as error:
        raise BadInput(f"The file given as {name} cannot be used: {error.sentence}") from error


def _number(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None
