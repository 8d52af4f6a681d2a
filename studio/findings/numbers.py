"""The numbers behind a claim: the metrics of a run or the rows of a study, when they were pinned and now."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from backends.core.errors import UserError
from evaluation.studies.results import StudyResults
from studio import services
from studio.evidence import studies
from studio.library.findings import Evidence

STUDY = "study"
"""The key of a moment that names a study and a measure."""


def numbers(source: str, moment: Mapping[str, Any]) -> dict[str, Any] | None:
    """The numbers as they are now, by name; None where run or study is not here."""
    study = moment.get(STUDY)
    if isinstance(study, Mapping):
        return _rows(str(study.get("name")), str(study.get("measure")))
    run = services.library().get(source)
    return None if run is None else dict(run.metrics)


def _rows(name: str, measure: str) -> dict[str, Any] | None:
    """For each system of a study its median over units with the interval."""
    try:
        results = _read(name, studies.stamp(name)) if studies.NAME.fullmatch(name) else None
    except UserError:
        return None
    measured = next((one for one in results.measured if measure in ("", one.title)), None) if results else None
    if results is None or measured is None:
        return None
    measure, scale, digits = measured.title, measured.scale, measured.metric.digits

    def rounded(value: float) -> float | None:
        return None if math.isnan(value) else round(value * scale, digits + 1)

    return {
        f"{measure}, {system.system}": {
            "value": rounded(system.median),
            "low": rounded(system.low),
            "high": rounded(system.high),
            "unit": measured.metric.unit,
            "n": system.n,
            "things": results.things,
        }
        for system in results.findings(measured).systems
        if system.n
    }


@lru_cache(maxsize=8)
def _read(name: str, stamp: tuple[float, int]) -> StudyResults:
    return studies.open_study(name)


def lines(evidence: Evidence) -> list[str]:
    """The rows of a study that a claim stands on, as they were pinned; the metrics of a run stand on its own page."""
    if STUDY not in evidence.moment:
        return []
    return [f"{name}: {text(value)}" for name, value in evidence.numbers.items()]


def changes(evidence: Evidence) -> list[str]:
    """A sentence for each number that is not what it was when it was pinned."""
    now = numbers(evidence.source, evidence.moment)
    if now is None:
        return []
    return [
        f"“{name}” was {text(before)} when this was pinned; now it is {text(now.get(name))}."
        for name, before in evidence.numbers.items()
        if now.get(name) != before
    ]


def text(value: object) -> str:
    """A number with its unit, its interval and how many units it stands on, as far as they are known."""
    if isinstance(value, Mapping):
        middle = f"{text(value.get('value'))} {value.get('unit', '')}".strip()
        low, high = value.get("low"), value.get("high")
        interval = f" ({text(low)} to {text(high)})" if isinstance(low, int | float) else ""
        counted = f", {value['n']} {value.get('things') or 'units'}" if value.get("n") else ""
        return f"{middle}{interval}{counted}"
    return f"{value:.4g}" if isinstance(value, int | float) else "not known" if value is None else str(value)
