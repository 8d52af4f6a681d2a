"""The examples in the documentation of everything about songs give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = (
    "backends.separation.dsp.masks",
    "backends.separation.dsp.pitch",
    "backends.separation.io.notices",
    "backends.separation.io.downmix",
    "backends.separation.io.tracks",
    "backends.separation.io.levels",
    "backends.separation.types",
    "backends.separation.demucs.overlap",
    "evaluation.metrics.separation.bss_eval",
    "evaluation.metrics.separation.quality_rows",
    "evaluation.metrics.separation.tempo_key",
    "viz.separation.mel",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    outcome = doctest.testmod(import_module(name))
    assert outcome.attempted > 0 and outcome.failed == 0


def test_measures_are_named_once_and_explained() -> None:
    from evaluation.metrics.base import metrics

    known = metrics("separation")
    assert {"si_sdr", "si_sdr_improvement", "sdr", "sir", "sar", "isr", "residual", "bleed", "key"} <= set(known)
    assert all(metric.meaning.endswith(".") and metric.name for metric in known.values())
