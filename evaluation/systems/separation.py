"""Separators on songs in memory: written as a file, separated as a user's song is, and read again."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

from backends.core.engine import Engine, Result
from backends.separation import TASK
from backends.separation.types import Separation
from backends.serving.host import Host
from evaluation.datasets.base import Unit
from evaluation.metrics.separation.bss_eval import si_sdr_improvement
from evaluation.runner import Measure, System


@dataclass(frozen=True)
class Separated:
    """`stems` `(C, T)` by name at `samplerate`; `seconds` is how long it took by the clock, `work` by the processor."""

    stems: Mapping[str, np.ndarray]
    samplerate: int
    seconds: float
    work: float


@cache
def separator(engine: str, weights: str) -> Engine:
    """A separator by its engine, and by its card or a file of weights (empty: the engine's best), loaded."""
    card, files = Host(device="cpu").choose(TASK, engine, weights)
    loaded = TASK.engine_class(card.engine)(card, files)
    loaded.load("cpu")
    return loaded


def separate(engine: Engine, mixture: np.ndarray, samplerate: int, stems: str = "") -> Separated:
    """Separate a song.

    Args:
        engine: loaded.
        mixture: `(T,)` or `(C, T)`, written as 32-bit samples.
        samplerate: in hertz.
        stems: names of the stems that are wanted, separated by commas; all if empty.
    """
    with tempfile.TemporaryDirectory(prefix="fourfold-suite-") as name:
        song, out = Path(name) / "song.wav", Path(name) / "out"
        soundfile.write(song, mixture.T, samplerate, subtype="FLOAT")
        began, began_work = time.perf_counter(), time.process_time()
        events = list(engine.run({"song": song}, {"stems": stems} if stems else {}, out))
        seconds, work = time.perf_counter() - began, time.process_time() - began_work
        result = next(event for event in reversed(events) if isinstance(event, Result))
        assert isinstance(result, Separation)
        paths = {stem: result.stem(stem).path for stem in result.stems}
        read = {stem: soundfile.read(path, dtype="float32", always_2d=True)[0].T for stem, path in paths.items()}
    return Separated(read, result.samplerate, seconds, work)


@dataclass(frozen=True)
class Voice:
    """The voice `(T,)` of a mono mixture at the mixture's own rate, and the seconds that it took."""

    sound: np.ndarray
    seconds: float


def singing(engine: str, weights: str) -> System:
    """A system that answers a clip with its voice: both channels' mean, resampled to the rate of the clip."""
    return partial(_voice, engine, weights)


def _voice(engine: str, weights: str, unit: Unit) -> Voice:
    mixture, samplerate = unit.inputs["mixture"], unit.inputs["samplerate"]
    found = separate(separator(engine, weights), mixture, samplerate, "vocals")
    stem = found.stems["vocals"].astype(np.float64)
    sound = soxr.resample(stem.mean(axis=0), found.samplerate, samplerate)[: len(mixture)]
    return Voice(np.pad(sound, (0, len(mixture) - len(sound))), found.seconds)


def voice_gain(voice: Voice, unit: Unit) -> float:
    """dB by which the SI-SDR of the voice grows over the untouched mixture."""
    return si_sdr_improvement(voice.sound, unit.reference["vocals"], unit.inputs["mixture"])


def accompaniment_gain(voice: Voice, unit: Unit) -> float:
    """The same of the mixture less the voice, beside the true accompaniment."""
    mixture = unit.inputs["mixture"]
    return si_sdr_improvement(mixture - voice.sound, unit.reference["accompaniment"], mixture)


def seconds(voice: Voice, unit: Unit) -> float:
    """How long it took."""
    return voice.seconds


def length(voice: Voice, unit: Unit) -> float:
    """Seconds of sound."""
    return len(unit.inputs["mixture"]) / unit.inputs["samplerate"]


VOICE_METRICS: Mapping[str, Measure] = {"vocals": voice_gain, "accompaniment": accompaniment_gain}


def stem_score(found: Separated, unit: Unit, stem: str) -> float:
    """dB by which SI-SDR grows over the mixture; of a stem that is silent, dB by which it is below the mixture."""
    true, mixture, estimate = unit.reference[stem], unit.inputs["mixture"], found.stems[stem]
    if true.any():
        return si_sdr_improvement(estimate.T, true.T, mixture.T)
    return float(10 * np.log10(np.mean(mixture**2) / (np.mean(estimate**2) + 1e-12)))
