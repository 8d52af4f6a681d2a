"""A suite yields a row for every unit, system and metric, and its statistics respect what units share."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

from evaluation.datasets.base import Sample, Unit
from evaluation.runner import Results, Row, Suite, run
from evaluation.statistics import clustered, intervals


def load(number: int) -> Sample:
    return Sample({"number": number}, 10 * number)


def units(groups: str) -> Iterator[Unit]:
    for number, group in enumerate(groups):
        yield Unit(f"unit {number}", group, partial(load, number))


def times(factor: float, unit: Unit) -> float:
    return factor * unit.inputs["number"]


def error(output: float, unit: Unit) -> float:
    return abs(output - unit.reference)


def suite(groups: str) -> Suite:
    systems = {"ten": partial(times, 10), "nine": partial(times, 9)}
    return Suite(units(groups), systems, {"error": error, "output": lambda output, unit: output}, "nine")


def test_every_unit_goes_through_every_system_under_every_metric() -> None:
    rows = list(run(suite("abc")))
    assert len(rows) == 3 * 2 * 2
    assert rows[-2:] == [Row("nine", "error", "unit 2", "c", 2.0), Row("nine", "output", "unit 2", "c", 18.0)]
    results = Results(rows)
    assert results.values("ten", "error").tolist() == [0, 0, 0]
    assert results.values("nine", "error").tolist() == [0, 1, 2]
    assert results.minus("nine", "ten", "error").tolist() == [0, 1, 2]


def test_rows_come_one_unit_at_a_time() -> None:
    read = []

    def watched() -> Iterator[Unit]:
        for unit in units("abc"):
            read.append(unit.id)
            yield unit

    rows = run(Suite(watched(), {"ten": partial(times, 10)}, {"error": error}))
    next(rows)
    assert read == ["unit 0"]


def test_several_processes_give_the_same_rows_in_the_same_order() -> None:
    systems = {"nine": partial(times, 9)}
    alone = list(run(Suite(units("abcde"), systems, {"error": error})))
    assert list(run(Suite(units("abcde"), systems, {"error": error}), workers=2)) == alone


def test_the_interval_is_over_groups_where_units_share_one() -> None:
    results = Results(run(suite("aabbcc")))
    values = np.arange(6.0)
    assert results.interval("nine", "error") == clustered.mean(values, list("aabbcc"))
    assert results.interval("nine", "error").count == 3
    apart = Results(run(suite("abcdef")))
    assert apart.interval("nine", "error") == intervals.student(values)
    assert apart.interval("nine", "error", yardstick="ten").estimate == pytest.approx(2.5)
