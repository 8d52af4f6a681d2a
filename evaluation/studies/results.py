"""The rows of a study as tables, comparisons, curves and lists: what the page, the report and the terminal show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.core.errors import BadInput
from evaluation.conditions.base import CLEAN, Condition, conditions
from evaluation.metrics.base import Metric, metrics
from evaluation.statistics import signed_rank
from evaluation.statistics.comparison import Findings, compare, scores
from evaluation.statistics.intervals import Interval
from evaluation.statistics.reliability import Reliability, reliability
from evaluation.statistics.verdicts import Wording
from evaluation.studies import excerpts
from evaluation.studies.excerpts import Excerpt
from evaluation.studies.rig import FIRST, PLACES, THINGS
from evaluation.studies.store import StudyFolder, part_key
from evaluation.studies.study import Published, Study

if TYPE_CHECKING:
    import pandas as pd


GROUP = "group"
"""The grouping of units by what they share: a singer, a person, a family."""


@dataclass(frozen=True)
class Measured:
    """A metric of one part, such as the SI-SDR of the vocals."""

    metric: Metric
    part: str

    @property
    def title(self) -> str:
        return f"{self.metric.name} · {self.part}" if self.part else self.metric.name

    @property
    def axis(self) -> str:
        """The title with the unit, as it stands beside an axis."""
        return f"{self.title} ({self.metric.unit})" if self.metric.unit else self.title

    @property
    def scale(self) -> float:
        """What values are multiplied by when they are shown."""
        return self.metric.scale * (100 if self.metric.unit == "%" else 1)


@dataclass(frozen=True)
class Loss:
    """A unit on which a system is worse than another, by how much, and where the worst place is."""

    unit: str
    difference: float
    value: float
    other: float
    where: float | None


@dataclass(frozen=True)
class StudyResults:
    """What a study's folder holds, read once."""

    about: Mapping[str, Any]
    rows: pd.DataFrame
    progress: Mapping[str, Any]
    store: StudyFolder | None = None
    _tables: dict[tuple[Measured, str, int], pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)
    _findings: dict[tuple[Measured, str, int], Findings] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, store: StudyFolder | Path) -> StudyResults:
        """Raises BadInput where there is no study."""
        store = StudyFolder(store) if isinstance(store, Path) else store
        about = store.about()
        if about is None:
            raise BadInput(f"There is no study in {store.path}.")
        return cls(about, store.rows(), store.progress(), store)

    @cached_property
    def study(self) -> Study:
        return Study.model_validate(self.about["study"])

    @property
    def things(self) -> str:
        return THINGS[self.study.task]

    @property
    def place(self) -> str:
        return PLACES[self.study.task]

    def place_name(self, where: float) -> str:
        """A worst place as people call it, such as “second 3” or “residue 16”."""
        return f"{self.place} {where + FIRST[self.study.task]:g}"

    @property
    def systems(self) -> list[str]:
        return [choice.label for choice in self.study.cards]

    @cached_property
    def measured(self) -> list[Measured]:
        """Each metric and part that has a value on an input as it is, in the order of the study."""
        known = self.rows[self.rows["value"].notna() & (self.rows["condition"] == CLEAN)]
        pairs = [(str(metric), str(part)) for metric, part in known[["metric", "part"]].drop_duplicates().to_numpy()]
        order = {name: number for number, name in enumerate(self.study.metrics)}
        of_task = metrics(self.study.task)
        pairs.sort(key=lambda pair: (order[pair[0]], pair[1] != "vocals", pair[1]))  # the voice is asked for most
        return [Measured(of_task[metric], part) for metric, part in pairs]

    @cached_property
    def clusters(self) -> Mapping[str, str] | None:
        """The cluster of each unit; None where every unit is its own."""
        groups = dict(self.about["units"])
        return groups if len(set(groups.values())) < len(groups) else None

    def wording(self, measured: Measured) -> Wording:
        metric = measured.metric
        return Wording(metric.unit, metric.digits, self.things, measured.scale)

    def of(self, measured: Measured, condition: str = CLEAN, severity: int = 0) -> pd.DataFrame:
        """The rows of one metric and part under one condition. Where there are no parts a failure counts for each."""
        rows = self.rows
        mine = (rows["metric"] == measured.metric.id) & (rows["part"].isin([measured.part, ""]))
        return rows[mine & (rows["condition"] == condition) & (rows["severity"] == severity)]

    def table(self, measured: Measured, condition: str = CLEAN, severity: int = 0) -> pd.DataFrame:
        """One row a unit, one column a system, made once; seeds are averaged."""
        key = (measured, condition, severity)
        if key not in self._tables:
            rows = self.of(measured, condition, severity)
            found = scores(rows["unit"].tolist(), rows["system"].tolist(), rows["value"].tolist())
            self._tables[key] = found.reindex(columns=[name for name in self.systems if name in found.columns])
        return self._tables[key]

    def findings(self, measured: Measured, condition: str = CLEAN, severity: int = 0) -> Findings:
        """The comparison of all systems, made once. Raises ValueError where there is no value."""
        key = (measured, condition, severity)
        if key not in self._findings:
            self._findings[key] = compare(
                self.table(measured, condition, severity),
                self.clusters,
                higher_is_better=measured.metric.higher_is_better is not False,
                margin=self.study.margin if measured.metric.id == self.study.metrics[0] else None,
                wording=self.wording(measured),
            )
        return self._findings[key]

    def conditions(self) -> list[Condition]:
        """Those of the study that have rows, beside the clean one."""
        there = set(self.rows["condition"])
        return [conditions(self.study.task)[choice.id] for choice in self.study.conditions if choice.id in there]

    def curve(self, measured: Measured, system: str, condition: str) -> list[tuple[int, Interval]]:
        """Severity and median with its interval over units, the input as it is first."""
        points = []
        for severity in [0, *sorted(set(self.rows["severity"][self.rows["condition"] == condition]))]:
            table = self.table(measured, condition if severity else CLEAN, severity)
            if system in table.columns and table[system].notna().any():
                values = table[system].dropna()
                groups = None if self.clusters is None else [self.clusters[unit] for unit in values.index]
                points.append((int(severity), signed_rank.median(values.to_numpy(), groups)))
        return points

    @cached_property
    def groupings(self) -> Mapping[str, Mapping[str, str]]:
        """By what units can be sorted: their groups, where they have some, and each kind of label."""
        groups = {} if self.clusters is None else {GROUP: self.clusters}
        return {**groups, **self.about.get("labels", {})}

    def by_group(self, measured: Measured, grouping: str = GROUP) -> pd.DataFrame | None:
        """The median of each system in each group of units, such as a singer; None where there is no such grouping."""
        if grouping not in self.groupings:
            return None
        table, of = self.table(measured), self.groupings[grouping]
        return table.groupby([of.get(str(unit)) for unit in table.index]).median()

    def group_curve(self, measured: Measured, system: str, grouping: str) -> list[tuple[str, Interval]]:
        """Each group by name, with the system's median over its units and an interval where they are enough."""
        table, of = self.table(measured), self.groupings[grouping]
        if system not in table.columns:
            return []
        points = []
        for name in sorted(set(of.values())):
            values = table[system][[of.get(str(unit)) == name for unit in table.index]].dropna()
            groups = None if self.clusters is None else [self.clusters[str(unit)] for unit in values.index]
            alone = grouping == GROUP  # within one singer each clip is a unit
            if len(values):
                points.append((name, signed_rank.median(values.to_numpy(), None if alone else groups)))
        return points

    def first_certain_loss(self, measured: Measured, system: str, condition: str) -> int | None:
        """The lowest severity at which a system is surely worse than on the input as it is; None where none is."""
        sign = -1 if measured.metric.higher_is_better is False else 1
        clean = self.table(measured)
        severities = sorted(set(self.rows["severity"][self.rows["condition"] == condition]))
        for severity in severities:
            table = self.table(measured, condition, severity)
            if system not in table.columns or system not in clean.columns:
                continue
            lost = (sign * (clean[system] - table[system])).dropna()
            groups = None if self.clusters is None else [self.clusters[unit] for unit in lost.index]
            if len(lost) and lost.median() > 0 and signed_rank.p_value(lost, groups) * len(severities) <= 0.05:
                return int(severity)
        return None

    def losses(self, measured: Measured, system: str, other: str) -> list[Loss]:
        """The units on which `system` is worse than `other`, the largest loss first."""
        table, rows = self.table(measured), self.of(measured)
        if not {system, other} <= set(table.columns):
            return []
        sign = -1 if measured.metric.higher_is_better is False else 1
        places = rows[rows["system"] == system].drop_duplicates("unit").set_index("unit")["where"].to_dict()
        pairs = table[[system, other]].dropna()
        found = [
            Loss(str(unit), float(one - two), float(one), float(two), _place(places.get(unit)))
            for unit, one, two in pairs.itertuples()
            if sign * (one - two) < 0
        ]
        return sorted(found, key=lambda loss: sign * loss.difference)

    def worst(self, measured: Measured, system: str, most: int = 6) -> list[tuple[str, float, float | None]]:
        """The units with the worst values of a system, with the worst place in each."""
        rows = self.of(measured)
        rows = rows[(rows["system"] == system) & rows["value"].notna()]
        ordered = rows.sort_values("value", ascending=measured.metric.higher_is_better is not False, kind="stable")
        return [
            (str(unit), float(value), _place(where))
            for unit, value, where in ordered[["unit", "value", "where"]].head(most).itertuples(index=False)
        ]

    def excerpts(self, unit: str, system: str) -> Sequence[Excerpt]:
        """What was kept of an answer to a unit as it is; empty where nothing was."""
        if self.store is None or system not in self.systems:
            return ()
        return [
            each for each in excerpts.read(self.store.files(part_key(unit, CLEAN, 0)), system) if each.role != "whole"
        ]

    @cached_property
    def trust(self) -> Mapping[str, Reliability]:
        """How far each system that says how sure it is keeps its word, on inputs as they are."""
        rows = self.store.trust() if self.store is not None else None
        if rows is None or not len(rows):
            return {}
        rows = rows[rows["condition"] == CLEAN]
        return {
            name: reliability(own["claimed"].tolist(), own["happened"].tolist(), own["group"].tolist())
            for name in self.systems
            if len(own := rows[rows["system"] == name])
        }

    def published(self, measured: Measured) -> list[Published]:
        """Results from elsewhere for a measure."""
        return [
            result
            for result in self.study.published
            if (result.metric, result.part) == (measured.metric.id, measured.part)
        ]

    def faults(self) -> dict[str, int]:
        """Why values are missing, and how often."""
        notes = self.rows["note"][self.rows["value"].isna()]
        return {str(note): int(count) for note, count in notes.value_counts().items() if note}

    def lines(self) -> Iterator[str]:
        """One line a system for the first measure: the median so far and its interval."""
        for measured in self.measured[:1]:  # one is enough to see it narrow
            for system in self.findings(measured).systems:
                yield f"{system.system}: {measured.title} {span(measured, system.median, system.low, system.high)}"

    def text(self) -> str:
        """Every measure with its verdicts, for a terminal."""
        blocks = []
        for measured in self.measured:
            found = self.findings(measured)
            rows = [
                f"  {system.system:28} {span(measured, system.median, system.low, system.high)} {system.ties}"
                for system in found.systems
            ]
            verdicts = _verdicts(found) if measured.metric.higher_is_better is not None else ()
            blocks.append("\n".join([f"{measured.title} ({found.units} {self.things})", *rows, *verdicts]))
        blocks += [f"{count} values are missing: {note}" for note, count in self.faults().items()]
        return "\n\n".join(blocks)


def span(measured: Measured, value: float, low: float, high: float) -> str:
    """A value with its interval as a table shows it."""
    metric = measured.metric
    if math.isnan(low):
        return metric.format(value)
    return f"{metric.format(value)} ({metric.number(low)} to {metric.number(high)})"


def _verdicts(found: Findings) -> Iterator[str]:
    return (f"  {pair.verdict}" for pair in found.pairs)


def _place(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
