"""A study whose systems are arithmetic, so that hundreds of units take no time: for tests of all that is around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evaluation.datasets.base import Sample, Unit
from evaluation.studies import runner
from evaluation.studies.rig import Score
from evaluation.studies.study import Study, parse_study

CARDS = ("dsp", "htdemucs-starter", "mixture")


def study(**changes: Any) -> Study:
    values: dict[str, Any] = {
        "title": "A study",
        "task": "separation",
        "dataset": "drawn-songs",
        "cards": list(CARDS),
        "metrics": ["si_sdr"],
    }
    return parse_study({**values, **changes})


def _system(card: str, options: Mapping[str, Any]) -> Any:
    gain = {"dsp": 0.0, "htdemucs-starter": 1.0, "mixture": -3.0}[card]
    return lambda sample, seed: sample.inputs["value"] + gain + 0.1 * seed


def _scores(output: float, sample: Sample, metrics: Sequence[str]) -> Iterator[Score]:
    for metric in metrics:
        yield Score(metric, output, "vocals", output % 7)


def _no_trust(output: float, sample: Sample) -> None:
    """Arithmetic is not sure of anything."""


def use(monkeypatch: pytest.MonkeyPatch, units: int, group: int = 0) -> None:
    """Let studies run on `units` units by arithmetic, in clusters of `group` where that is given."""

    def sample(number: int) -> Sample:
        value = float(np.random.default_rng(number).normal(5, 2))
        return Sample({"value": value, "mixture": np.full((2, 64), value), "samplerate": 64}, None)

    made = [
        Unit(f"song {i:03d}", f"artist {i // group}" if group else f"song {i:03d}", lambda i=i: sample(i))
        for i in range(units)
    ]
    monkeypatch.setattr(runner, "units_of", lambda chosen: made[: chosen.units])
    monkeypatch.setattr(runner, "rig", lambda task: SimpleNamespace(system=_system, scores=_scores, trust=_no_trust))
    monkeypatch.setattr(runner, "_system", lambda task, card, options: _system(card, {}))
