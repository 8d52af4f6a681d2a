"""Songs in a study: every stem that has a reference is scored, whatever the rate and channels of the separator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import soxr

from backends.separation import TASK
from evaluation.datasets.base import Sample
from evaluation.metrics.separation.bss_eval import bss_eval, si_sdr
from evaluation.metrics.separation.whole_song import song_sdr
from evaluation.studies.rig import Answer, Score
from evaluation.systems.separation import separate, separator

BSS = ("sdr", "sir", "sar", "isr")
SILENCE = 1e-4
"""A second whose true stem is this much below the loudest one, in power, says nothing of the worst second."""


def system(card: str, options: Mapping[str, Any]) -> Answer:
    if card == "mixture":
        return _mixture
    chosen = next(one for one in TASK.cards if one.id == card)
    return partial(_separated, separator(chosen.engine, card))


def _mixture(sample: Sample, seed: int) -> dict[str, np.ndarray]:
    return {name: _channels(sample.inputs["mixture"], stem) for name, stem in sample.reference.items()}


def _separated(engine: Any, sample: Sample, seed: int) -> dict[str, np.ndarray]:
    """Each stem `(C, T)` as its reference has it; accompaniment is what the mixture has beside the voice."""
    mixture, rate = np.asarray(sample.inputs["mixture"]), sample.inputs["samplerate"]
    found = separate(engine, mixture, rate)
    stems = {
        name: soxr.resample(stem.astype(np.float64).T, found.samplerate, rate).T for name, stem in found.stems.items()
    }
    estimates = {}
    for name, reference in sample.reference.items():
        if name == "accompaniment" and name not in stems:
            voice = _fit(_channels(stems["vocals"], reference), reference)
            estimates[name] = _channels(mixture, reference) - voice
        elif name in stems:
            estimates[name] = _fit(_channels(stems[name], reference), reference)
    return estimates


def scores(output: Mapping[str, np.ndarray], sample: Sample, metrics: Sequence[str]) -> Iterator[Score]:
    rate = sample.inputs["samplerate"]
    for name, estimate in output.items():
        true = np.asarray(sample.reference[name], np.float64)
        mixture = _fit(_channels(sample.inputs["mixture"], true), true)
        where = worst_second(estimate, true, rate)
        for metric in metrics:
            if metric == "song_sdr":
                yield Score(metric, song_sdr(estimate, true), name, where)
            elif metric in ("si_sdr", "si_sdr_improvement"):
                before = si_sdr(mixture.T, true.T) if metric == "si_sdr_improvement" else 0.0
                yield Score(metric, si_sdr(estimate.T, true.T) - before, name, where)
    if wanted := [metric for metric in metrics if metric in BSS]:
        yield from _bss(output, sample, wanted)


def trust(output: object, sample: Sample) -> None:
    """A separator does not say how sure it is."""


def _bss(output: Mapping[str, np.ndarray], sample: Sample, metrics: Sequence[str]) -> Iterator[Score]:
    """Median over seconds, as BSS Eval v4 reports a track; the worst second is that of the lowest SDR."""
    columns = {name: np.atleast_2d(sample.reference[name]).T.astype(np.float64) for name in output}
    estimates = {name: np.atleast_2d(estimate).T for name, estimate in output.items()}
    found = bss_eval(columns, estimates, sample.inputs["samplerate"])
    for name in output:
        rows = [row for row in found.rows if row.stem == name and np.isfinite(row.sdr)]
        where = min(rows, key=lambda row: row.sdr).start if rows else None
        for metric in metrics:
            yield Score(metric, found.median(name, metric), name, where)


def worst_second(estimate: np.ndarray, true: np.ndarray, rate: int) -> float | None:
    """The second in which the error is largest beside the true stem; None where the stem is silent throughout."""
    seconds = max(true.shape[-1] // rate, 1)
    cut = slice(0, seconds * rate)
    wave, error = np.atleast_2d(true)[:, cut], np.atleast_2d(true - estimate)[:, cut]
    power, wrong = (
        np.array([part.mean() for part in np.array_split(np.square(x).mean(0), seconds)]) for x in (wave, error)
    )
    heard = power > SILENCE * max(power.max(), 1e-12)
    return (
        float(np.where(heard, wrong / np.maximum(power, 1e-12), -1).argmax())
        if heard.any() and power.max() > 0
        else None
    )


def _channels(wave: np.ndarray, like: np.ndarray) -> np.ndarray:
    """`wave` with as many channels as `like`: their mean, or the one twice."""
    wave, wanted = np.asarray(wave, np.float64), np.ndim(like)
    if wanted == 1:
        return wave.mean(axis=0) if wave.ndim == 2 else wave
    return np.broadcast_to(np.atleast_2d(wave), (len(like), wave.shape[-1])) if len(np.atleast_2d(wave)) == 1 else wave


def _fit(wave: np.ndarray, like: np.ndarray) -> np.ndarray:
    """`wave` cut or padded to the length of `like`."""
    length = np.shape(like)[-1]
    missing = max(0, length - wave.shape[-1])
    return np.pad(wave, [(0, 0)] * (wave.ndim - 1) + [(0, missing)])[..., :length]
