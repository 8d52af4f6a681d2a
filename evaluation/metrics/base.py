"""What a metric is: a number with a name, a unit, a direction and a meaning, and the function that computes it.

A metric is an instance of `Metric` in a tuple called `METRICS`, in any module of `evaluation/metrics/TASK/`.
`metrics(task)` finds it there, so adding a metric is adding one file. The text about a number is written here once, and
tables, pages and benchmarks all show it from here.
"""

from __future__ import annotations

import math
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType

MISSING = "–"
"""What is written where a value could not be computed."""

_MINUS = "−"


@dataclass(frozen=True)
class Metric:
    """One measure of one unit of a data set: a track, a clip, a protein, an episode.

    Args:
        id: how rows, files and code name it, such as `si_sdr`. Unique within a task.
        name: how people name it, such as `SI-SDR`.
        unit: what it is measured in, such as `dB`; empty for a plain number. A metric in `%` is computed as a fraction
            from 0 to 1 and shown times a hundred.
        digits: decimals that are shown.
        higher_is_better: None where neither direction is good by itself, as with a tempo.
        meaning: one sentence for somebody who has not met it before.
        compute: takes what a system returned and the reference, and returns the value for the unit. Each task documents
            its arguments beside its metrics. None where the run measures the number itself, such as its speed.
        scale: what the value is multiplied by when it is shown; papers print MAD in thousandths, for example.

    >>> gain = Metric("gain", "Gain", "dB", 1, True, "How much louder it became.", lambda after, before: after - before)
    >>> gain.format(gain.compute(-20.0, -23.46))
    '3.5 dB'
    >>> gain.format(-0.04), gain.format(float("nan"))
    ('0.0 dB', '–')
    >>> gain.better(3.0, 1.0)
    True
    """

    id: str
    name: str
    unit: str
    digits: int
    higher_is_better: bool | None
    meaning: str
    compute: Callable[..., float] | None = None
    scale: float = 1.0

    def format(self, value: float | None) -> str:
        """`value` as people read it: scaled, rounded, with its unit; a dash where there is none."""
        if value is None or math.isnan(value):
            return MISSING
        number = self.number(value)
        return f"{number} {self.unit}" if self.unit else number

    def number(self, value: float) -> str:
        """`value`, scaled and rounded, without its unit. A negative zero is shown as zero."""
        if math.isinf(value):
            return "∞" if value > 0 else f"{_MINUS}∞"
        shown = round(value * self.scale * (100 if self.unit == "%" else 1), self.digits) + 0.0
        return f"{shown:.{self.digits}f}".replace("-", _MINUS)

    def better(self, one: float, other: float) -> bool | None:
        """Whether `one` is better than `other`; None where the metric has no direction."""
        if self.higher_is_better is None:
            return None
        return one > other if self.higher_is_better else one < other


@cache
def metrics(task: str) -> Mapping[str, Metric]:
    """The metrics of a task (separation, matting, folding, fewshot) by their id, in the order of modules by name.

    Raises:
        KeyError: there is no such task.
        ValueError: two metrics of the task have the same id.
    """
    known = [module.name for module in pkgutil.iter_modules(_package("evaluation.metrics")) if module.ispkg]
    if task not in known:
        raise KeyError(f"No task is called {task!r}; there are {', '.join(known)}.")
    return metrics_in(f"evaluation.metrics.{task}")


def metrics_in(package: str) -> Mapping[str, Metric]:
    """The metrics in the modules of a package, given by its dotted name.

    Raises:
        ValueError: two of them have the same id.
    """
    by_id: dict[str, Metric] = {}
    for module in sorted(pkgutil.iter_modules(_package(package)), key=lambda module: module.name):
        for metric in getattr(import_module(f"{package}.{module.name}"), "METRICS", ()):
            if metric.id in by_id:
                raise ValueError(f"Two metrics of {package} are called {metric.id!r}.")
            by_id[metric.id] = metric
    return MappingProxyType(by_id)


def _package(name: str) -> list[str]:
    return list(import_module(name).__path__)
