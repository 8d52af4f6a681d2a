"""A separator is given the mixture of a unit as a song, and its voice comes back at the unit's own rate."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from evaluation.datasets.base import Sample, Unit
from evaluation.runner import Results, Suite, run
from evaluation.synthetic.song import make_song
from evaluation.systems.separation import (
    VOICE_METRICS,
    Separated,
    Voice,
    accompaniment_gain,
    length,
    singing,
    stem_score,
    voice_gain,
)

RATE = 16_000


@cache
def clip() -> Unit:
    """Three seconds of the sample song as a mono clip."""
    song = make_song(10.0)
    step = slice(6 * song.samplerate, 9 * song.samplerate)
    mono = {name: stem[:, step].mean(axis=0).astype(float) for name, stem in song.stems.items()}
    voice = mono.pop("vocals")
    reference = {"vocals": voice, "accompaniment": sum(mono.values())}
    inputs = {"mixture": voice + reference["accompaniment"], "samplerate": song.samplerate}
    return Unit("clip", "singer", lambda: Sample(inputs, reference))


@pytest.mark.slow
def test_the_built_in_separator_improves_the_voice_of_the_sample_song() -> None:
    unit = clip()
    results = Results(run(Suite([unit], {"dsp": singing("dsp", "dsp")}, {**VOICE_METRICS, "length": length})))
    assert results.values("dsp", "vocals")[0] > 2
    assert results.values("dsp", "accompaniment")[0] > 2
    assert results.values("dsp", "length")[0] == pytest.approx(3)


@pytest.mark.slow
def test_gains_are_over_the_untouched_mixture() -> None:
    unit = clip()
    untouched = Voice(unit.inputs["mixture"], 1.0)
    assert voice_gain(untouched, unit) == pytest.approx(0, abs=1e-6)
    close = Voice(unit.reference["vocals"] + 0.01 * unit.reference["accompaniment"], 1.0)
    assert voice_gain(close, unit) > 30
    assert accompaniment_gain(close, unit) > 30


def test_of_a_silent_stem_the_score_says_how_far_it_is_below_the_mixture() -> None:
    drums, other = np.random.default_rng(0).normal(size=(2, 2, RATE)).astype(np.float32)
    mixture = drums + other
    reference = {"vocals": np.zeros_like(mixture), "other": other}
    unit = Unit("band", "band", lambda: Sample({"mixture": mixture, "samplerate": RATE}, reference))
    found = Separated({"vocals": 0.01 * mixture, "other": mixture}, RATE, 1.0, 1.0)
    assert stem_score(found, unit, "vocals") == pytest.approx(40, abs=0.1)
    assert stem_score(found, unit, "other") == pytest.approx(0, abs=1e-6)
