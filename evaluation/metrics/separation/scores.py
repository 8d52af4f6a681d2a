"""A finished separation against its true stems: the scores of every stem, and how they run along the song.

Files are read side by side in step, never whole: a long song takes no more memory than a short one.
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
from evaluation.metrics.separation.bss_eval import MAX_MISMATCH, BssScores, bss_blocks, bss_eval, common_length, joined

MOST_SECONDS = 600.0
"""BSS Eval scores only this much of a long song, from its start: four stems take about as long as they play."""

RATIOS = ("sdr", "sir", "sar")

MOST_DB = 120.0
"""SI-SDR is told up to here in either direction: beyond lies the rounding of the files, and of sums over a song."""

DITHER_DB = -60.0
"""Noise added to true stems before BSS Eval, relative to each. Its 512-tap filters are fitted to all true channels at
once; where two of those are equal (a bass in the middle) or empty above some frequency, no single answer exists and
SIR and SAR come out as anything. SDR and ISR do not change by it, and SIR and SAR of full-band recordings hardly do."""


@dataclass(frozen=True)
class Aligned:
    """True and separated stems and their mix: files that decode and start together, `length` samples in common.

    `level` is the root mean square of each true stem.
    """

    truth: Mapping[str, Path]
    found: Mapping[str, Path]
    mix: Path
    samplerate: int
    length: int
    level: Mapping[str, float]


@dataclass
class RunningSiSdr:
    """SI-SDR of a pair that arrives in blocks, as `evaluation.metrics.separation.bss_eval.si_sdr` gives it for the pair
    in one piece.

    Only sums are kept. The error is summed beside the signals, for the difference of their powers would drown a small
    one in rounding.
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
        # Projecting on the reference takes out all of it: estimate and error leave the same rest.
        wanted, distortion = (xx + ex) ** 2 / xx, max(ee - ex * ex / xx, 0.0)
        with np.errstate(divide="ignore"):
            return float(10 * (np.log10(wanted) - np.log10(distortion)))


def aligned(truth: Mapping[str, Path], estimates: Mapping[str, Path], mix: Path, samplerate: int) -> Aligned:
    """Check the files by decoding each to its end; `truth` may cover some stems only.

    Raises BadInput: a reference does not decode, or its length differs from the song's.
    """
    length, _ = _measured(mix, samplerate, "the mix")
    lengths, level = {"the mix": length}, {}
    for name, path in truth.items():
        lengths[name], _ = _measured(estimates[name], samplerate, name, length)
        lengths[f"true {name}"], level[name] = _measured(path, samplerate, f"true {name}", length)
    found = {name: estimates[name] for name in truth}
    return Aligned(dict(truth), found, mix, samplerate, common_length(lengths, samplerate), level)


def totals(sounds: Aligned) -> dict[str, Any]:
    """SI-SDR over the whole song, ready for JSON: `stems` (name to `si_sdr` in dB, `mix_si_sdr` of the untouched mix
    for the same stem, and `improvement`; None where undefined, as for silence) and `notes`.

    No figure is told beyond MOST_DB.
    """
    after = {name: RunningSiSdr() for name in sounds.truth}
    before = {name: RunningSiSdr() for name in sounds.truth}
    for truth, found, mix in _in_step(sounds, sounds.length, with_mix=True):
        for name, reference in truth.items():
            after[name].add(found[name], reference)
            before[name].add(mix, reference)
    scores = {}
    for name in sounds.truth:
        now, then = (float(np.clip(sums[name].value(), -MOST_DB, MOST_DB)) for sums in (after, before))
        scores[name] = {"si_sdr": _number(now), "mix_si_sdr": _number(then), "improvement": _number(now - then)}
    return {"stems": scores, "notes": []}


def along(sounds: Aligned) -> dict[str, Any]:
    """BSS Eval v4 second by second, ready for JSON, for at most MOST_SECONDS.

    `times` in seconds, `frames` (stem to one list a ratio, aligned with `times`, None where not scored), `medians`
    (stem to ratio) and `notes`.
    """
    scores = joined(list(_scored_blocks(sounds)))
    starts = sorted({row.start for row in scores.rows})
    rows = {(row.stem, row.start): asdict(row) for row in scores.rows}
    capped = sounds.length > MOST_SECONDS * sounds.samplerate
    notes = [f"Only the first {MOST_SECONDS / 60:.0f} minutes were compared."] if capped else []
    return {
        "times": starts,
        "frames": {
            name: {ratio: [_number(rows[name, start][ratio]) for start in starts] for ratio in RATIOS}
            for name in sounds.truth
        },
        "medians": {name: {ratio: _number(scores.median(name, ratio)) for ratio in RATIOS} for name in sounds.truth},
        "notes": notes + _notes(scores.windows, scores.silent_references),
    }


def _scored_blocks(sounds: Aligned) -> Generator[tuple[float, BssScores], None, None]:
    """Where each block that BSS Eval scores on its own starts, in seconds, and its scores."""
    length = min(sounds.length, int(MOST_SECONDS) * sounds.samplerate)
    noise = {name: np.random.default_rng(0) for name in sounds.truth}
    with closing(_in_step(sounds, length)) as seconds:
        for start, stop in bss_blocks(length, sounds.samplerate):
            shape = (stop - start, 2)
            references = {name: np.empty(shape, np.float32) for name in sounds.truth}
            estimates = {name: np.empty(shape, np.float32) for name in sounds.truth}
            for at in range(0, stop - start, sounds.samplerate):
                truth, found, _ = next(seconds)
                for name, wave in truth.items():
                    references[name][at : at + len(wave)] = _dithered(wave, sounds.level[name], noise[name])
                    estimates[name][at : at + len(wave)] = found[name]
            yield start / sounds.samplerate, bss_eval(references, estimates, sounds.samplerate, block=math.inf)


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


def _in_step(
    sounds: Aligned, length: int, with_mix: bool = False
) -> Generator[tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray], None, None]:
    """Second by second up to `length` samples: true stems, separated stems and, if asked for, the mix; (T, 2) each."""
    rate = sounds.samplerate
    with ExitStack() as stack:

        def reader(path: Path, name: str) -> Generator[np.ndarray, None, None]:
            return stack.enter_context(closing(_seconds(path, rate, name)))

        truth = {name: reader(path, f"true {name}") for name, path in sounds.truth.items()}
        found = {name: reader(path, name) for name, path in sounds.found.items()}
        whole = reader(sounds.mix, "the mix") if with_mix else None
        for start in range(0, length, rate):
            size = min(rate, length - start)
            yield (
                {name: next(blocks)[:size] for name, blocks in truth.items()},
                {name: next(blocks)[:size] for name, blocks in found.items()},
                next(whole)[:size] if whole else np.empty((0, 2), np.float32),
            )


def _measured(path: Path, samplerate: int, name: str, song: float = math.inf) -> tuple[int, float]:
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
