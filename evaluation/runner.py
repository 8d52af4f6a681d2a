"""Runs a suite: every unit of a data set, through every system, under every metric, one row each.

Statistics only ever see rows. The mean of a metric gets the interval that suits it: over units, or over groups of units
where some are not independent of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from evaluation.datasets.base import Unit
from evaluation.statistics import clustered, intervals
from evaluation.statistics.intervals import Interval

System = Callable[[Unit], Any]
"""What is measured: given a unit, it returns an output."""

Measure = Callable[[Any, Unit], float]
"""What an output is worth, given the unit with its reference."""


@dataclass(frozen=True)
class Row:
    """One value: what `system` scored on a unit by a metric."""

    system: str
    metric: str
    unit: str
    group: str
    value: float


@dataclass(frozen=True)
class Suite:
    """What is run: on which units, through which systems, by which metrics.

    With a `yardstick`, the name of one of the systems, every other system is also compared with it unit by unit.
    """

    units: Iterable[Unit]
    systems: Mapping[str, System]
    metrics: Mapping[str, Measure]
    yardstick: str = ""


class Results:
    """The rows of a suite in the order of its units."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)

    def values(self, system: str, metric: str) -> np.ndarray:
        """(N,), one value a unit."""
        return np.array([row.value for row in self._of(system, metric)])

    def groups(self, system: str, metric: str) -> np.ndarray:
        """(N,), the group of each unit."""
        return np.array([row.group for row in self._of(system, metric)])

    def _of(self, system: str, metric: str) -> Iterator[Row]:
        return (row for row in self.rows if (row.system, row.metric) == (system, metric))

    def minus(self, system: str, yardstick: str, metric: str) -> np.ndarray:
        """(N,), the difference on each unit."""
        return self.values(system, metric) - self.values(yardstick, metric)

    def interval(self, system: str, metric: str, yardstick: str = "") -> Interval:
        """Of the mean of a metric, or of the mean difference to `yardstick`."""
        values = self.minus(system, yardstick, metric) if yardstick else self.values(system, metric)
        return mean(values, self.groups(system, metric))


def mean(values: np.ndarray, groups: np.ndarray) -> Interval:
    """Interval of a mean over units, by whole groups where several units share one."""
    alone = len(np.unique(groups)) == len(groups)
    return intervals.mean(values) if alone else clustered.mean(values, groups)


def run(suite: Suite, workers: int = 1) -> Iterator[Row]:
    """The rows of a suite, unit by unit as they are computed.

    Args:
        suite: with several workers its units, systems and metrics are sent to other processes, so they must be
            functions of a module, or `partial`s of one.
        workers: processes that share the units.
    """
    score = partial(_rows, suite.systems, suite.metrics)
    if workers == 1:
        for unit in suite.units:
            yield from score(unit)
        return
    with ProcessPoolExecutor(workers) as pool:
        for rows in pool.map(score, suite.units):
            yield from rows


def _rows(systems: Mapping[str, System], metrics: Mapping[str, Measure], unit: Unit) -> list[Row]:
    rows = []
    for name, system in systems.items():
        output = system(unit)
        rows += [Row(name, metric, unit.id, unit.group, float(of(output, unit))) for metric, of in metrics.items()]
    return rows
