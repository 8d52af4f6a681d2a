"""Systems compared on the same units: each with its median, each pair with its difference and a verdict in words.

    table = scores(units, systems, values)        # one row a unit, one column a system
    found = compare(table, clusters)
    for pair in found.pairs: print(pair.verdict)

Several rows of one unit and system, such as seeds, are averaged first: a unit counts once however often it was
measured. What is missing, or is no finite number, leaves a pair and is counted. The p-values of all pairs are corrected
together (Holm 1979), so that each “better” may be believed although many were looked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.statistics import signed_rank
from evaluation.statistics.intervals import LEVEL
from evaluation.statistics.pairs import Pair, holm, measure_pair
from evaluation.statistics.verdicts import PLAIN, Rules, Wording, judged

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SystemScore:
    """A system on the units that it has a value for. `ties` are the letters of the groups that no test tells apart."""

    system: str
    n: int
    missing: int
    median: float
    low: float
    high: float
    mean: float
    ties: str = ""
    note: str = ""


@dataclass(frozen=True)
class Findings:
    """What a comparison found: systems from the best median down, pairs with the better system first."""

    systems: tuple[SystemScore, ...]
    pairs: tuple[Pair, ...]
    units: int
    clusters: int
    level: float
    higher_is_better: bool
    margin: float | None
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """As plain JSON: what is not a number is null."""
        return _strict(asdict(self))

    def pair(self, one: str, other: str) -> Pair:
        """The comparison of two systems, in whatever order. Raises KeyError."""
        for pair in self.pairs:
            if {pair.a, pair.b} == {one, other}:
                return pair
        raise KeyError((one, other))


def scores(units: Sequence[Any], systems: Sequence[Any], values: Sequence[Any]) -> pd.DataFrame:
    """One row a unit, one column a system, in the order of their first appearance; repeated rows are averaged.

    A value that is no finite number counts as missing.
    """
    import pandas as pd

    numbers = pd.to_numeric(pd.Series(list(values), dtype=object), errors="coerce").astype(float)
    numbers = numbers.where(np.isfinite(numbers))
    frame = pd.DataFrame({"unit": list(units), "system": list(systems), "value": numbers.to_numpy()})
    table = frame.pivot_table(index="unit", columns="system", values="value", aggfunc="mean", dropna=False, sort=False)
    return table.reindex(columns=list(dict.fromkeys(frame["system"])))


def compare(
    table: pd.DataFrame,
    clusters: Mapping[Any, Any] | None = None,
    *,
    higher_is_better: bool = True,
    level: float = LEVEL,
    margin: float | None = None,
    wording: Wording = PLAIN,
) -> Findings:
    """Compare the columns of a table with each other.

    Args:
        table: one row a unit, one column a system, NaN where a value is missing.
        clusters: of each unit, what it shares with units that are not independent of it; None where all are.
        higher_is_better: whether a larger value is better.
        level: of the intervals; tests are at 1 − level.
        margin: a difference below which two systems count as alike; None for no such claim.
        wording: how numbers are written in the verdicts.

    Raises:
        ValueError: there is no value at all.
    """
    if table.notna().to_numpy().sum() == 0:
        raise ValueError("There is not one score to compare: every value is empty or no number.")
    groups = None if clusters is None else np.array([str(clusters[unit]) for unit in table.index])
    systems = sorted(
        (_system(table[name].to_numpy(float), str(name), groups, level) for name in table.columns),
        key=lambda system: (math.isnan(system.median), -system.median if higher_is_better else system.median),
    )
    sign = 1 if higher_is_better else -1
    drafts = [
        measure_pair(
            (one.system, other.system),
            table[one.system].to_numpy(float),
            table[other.system].to_numpy(float),
            groups=groups,
            level=level,
            margin=margin,
            comparisons=math.comb(len(systems), 2),
        )
        for one, other in combinations(systems, 2)
    ]
    corrected = holm([pair.p for pair in drafts])
    rules = Rules(1 - level, len(drafts), margin, wording)
    pairs = [judged(pair, p_holm, sign, rules) for pair, p_holm in zip(drafts, corrected, strict=True)]
    letters = tie_letters([system.system for system in systems], pairs)
    systems = [SystemScore(**{**asdict(system), "ties": letters[system.system]}) for system in systems]
    count = len(table) if groups is None else len(np.unique(groups))
    notes = _notes(table, count, len(drafts), level, groups is not None)
    return Findings(tuple(systems), tuple(pairs), len(table), count, level, higher_is_better, margin, notes)


def tie_letters(order: Sequence[str], pairs: Sequence[Pair]) -> dict[str, str]:
    """Letters such that two systems share one unless a test tells them apart (Piepho 2004, insert and absorb)."""
    apart = [(pair.a, pair.b) for pair in pairs if pair.outcome in ("a", "b")]
    groups: list[frozenset[str]] = [frozenset(order)]
    for one, other in apart:
        split = []
        for group in groups:
            split += [group - {one}, group - {other}] if {one, other} <= group else [group]
        groups = [group for group in dict.fromkeys(split) if group and not any(group < wider for wider in split)]
    place = {name: number for number, name in enumerate(order)}
    groups.sort(key=lambda group: sorted(place[name] for name in group))
    names = dict.fromkeys(order, "")
    for number, group in enumerate(groups):
        for name in group:
            names[name] += chr(ord("a") + number) if number < 26 else f"({number})"
    return names


def _system(values: np.ndarray, name: str, groups: np.ndarray | None, level: float) -> SystemScore:
    known = np.isfinite(values)
    count, missing = int(known.sum()), int((~known).sum())
    if not count:
        return SystemScore(name, 0, missing, np.nan, np.nan, np.nan, np.nan, note="No value at all.")
    interval = signed_rank.median(values[known], None if groups is None else groups[known], level)
    return SystemScore(
        name,
        count,
        missing,
        interval.estimate,
        interval.low,
        interval.high,
        float(values[known].mean()),
        note=interval.note,
    )


def _notes(table: pd.DataFrame, count: int, comparisons: int, level: float, clustered: bool) -> tuple[str, ...]:
    notes, what = [], "clusters" if clustered else "units"
    least = signed_rank.least_units(level, max(comparisons, 1))
    if comparisons and count < least:
        notes.append(
            f"With {count} {what} and {comparisons} comparison{'s' if comparisons > 1 else ''} no difference can be "
            f"certain: it takes at least {least}."
        )
    holes = {str(name): int(table[name].isna().sum()) for name in table.columns}
    notes += [
        f"{name} has no value for {missing} of {len(table)} units; its comparisons leave them out."
        for name, missing in holes.items()
        if missing
    ]
    return tuple(notes)


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
