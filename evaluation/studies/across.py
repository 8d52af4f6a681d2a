"""Several studies of one task side by side: how far each system is ahead of an answer that needs no model, and what it
gains or loses from one domain of data to another.

The units of two data sets have nothing in common, so that scores of two data sets cannot be paired. What can be is the
system and the yardstick on each unit: the mean of that lead is compared between data sets, by whole groups of units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.datasets.registry import DOMAINS, ENTRIES
from evaluation.statistics import clustered, intervals
from evaluation.statistics.intervals import Interval
from evaluation.studies.results import Measured, StudyResults

DECIMALS = 12
"""Of a lead: what lies below is rounding, and would be mistaken for variation where there is none."""


@dataclass(frozen=True)
class Lead:
    """How far a system is ahead on a data set, paired by unit; positive is better, whichever way the measure runs.

    Attributes:
        results: the study.
        system, yardstick: the two, as the study calls them.
        interval: of the mean over units.
        parts: the leads, one array a group of units.
    """

    results: StudyResults
    system: str
    yardstick: str
    interval: Interval
    parts: tuple[np.ndarray, ...]

    @property
    def card(self) -> str:
        """Of the yardstick."""
        return str(self.results.about["systems"][self.yardstick]["card"])

    @property
    def domain(self) -> str:
        return domain(self.results)

    @property
    def data(self) -> str:
        return str(self.results.about["dataset"]["title"])


def domain(results: StudyResults) -> str:
    """What kind of data a study was made on."""
    chosen = results.study.dataset
    return chosen.domain or ENTRIES[chosen.id].domain


def ordered(studies: Sequence[StudyResults]) -> list[StudyResults]:
    """By domain: the project's own samples first, then in the order of DOMAINS, then others by name."""
    places = {name: place for place, name in enumerate(DOMAINS)}
    return sorted(studies, key=lambda results: (places.get(domain(results), len(places)), domain(results)))


def lead(results: StudyResults, measured: Measured, system: str) -> Lead | None:
    """The lead of a system over the study's first yardstick; None where one of the two has no value."""
    table = results.table(measured)
    yardsticks = [name for name, about in results.about["systems"].items() if about.get("yardstick")]
    yardstick = next((name for name in yardsticks if name in table.columns), None)
    if yardstick is None or system in yardsticks or system not in table.columns:
        return None
    sign = -1 if measured.metric.higher_is_better is False else 1
    differences = (sign * (table[system] - table[yardstick])).dropna().round(DECIMALS)
    if not len(differences):
        return None
    groups = [(results.clusters or {}).get(str(unit), str(unit)) for unit in differences.index]
    parts = tuple(own.to_numpy() for _, own in differences.groupby(np.array(groups), sort=True))
    plain = results.clusters is None
    interval = intervals.mean(differences.to_numpy()) if plain else clustered.pooled(parts)
    return Lead(results, system, yardstick, interval, parts)


def shared(studies: Sequence[StudyResults]) -> dict[Measured, list[StudyResults]]:
    """Each measure that at least two of the studies took and that has a better side, with those studies by domain."""
    found: dict[Measured, list[StudyResults]] = {}
    for results in ordered(studies):
        for measured in results.measured:
            if measured.metric.higher_is_better is not None:
                found.setdefault(measured, []).append(results)
    return {measured: those for measured, those in found.items() if len(those) > 1}


def leads(studies: Sequence[StudyResults], measured: Measured) -> dict[str, list[Lead]]:
    """By system, its leads over one yardstick on each data set where it was measured; only of at least two."""
    names = dict.fromkeys(name for results in studies for name in results.systems)
    found = {name: [each for results in studies if (each := lead(results, measured, name))] for name in names}
    alike = {name: [each for each in those if each.card == those[0].card] for name, those in found.items()}
    return {name: those for name, those in alike.items() if len(those) > 1}


def change(first: Lead, other: Lead) -> Interval:
    """What the lead gains (positive) or loses from the first data set to the other."""
    return clustered.difference(other.parts, first.parts)


def sentences(found: Mapping[str, Sequence[Lead]], measured: Measured) -> Iterator[str]:
    """What the lead of each system gains or loses from the first of its data sets to every other one, in words."""
    for name, (first, *others) in found.items():
        for other in others:
            before, after = (f"{_amount(each, measured)} on {each.data} ({each.domain})" for each in (first, other))
            yield (
                f"{name}: its lead over “{first.yardstick}” goes from {before} to {after}, "
                f"{_moved(change(first, other), measured)}."
            )


def _amount(each: Lead, measured: Measured) -> str:
    return _difference(each.interval.estimate, measured)


def _difference(value: float, measured: Measured) -> str:
    """A difference with its unit: that of two shares is in percentage points."""
    metric = measured.metric
    return f"{metric.number(value)} percentage points" if metric.unit == "%" else metric.format(value)


def _moved(moved: Interval, measured: Measured) -> str:
    """A gain or loss with its interval in words."""
    word = "a gain" if moved.estimate >= 0 else "a loss"
    text = f"{word} of {_difference(abs(moved.estimate), measured)}"
    if np.isnan(moved.low):
        return f"{text}, of too few units for an interval"
    number = measured.metric.number
    if moved.low <= 0 <= moved.high:
        return f"{text} that may be none (95 % interval {number(moved.low)} to {number(moved.high)})"
    near, far = sorted((abs(moved.low), abs(moved.high)))
    return f"{text} (95 % interval {number(near)} to {number(far)})"
