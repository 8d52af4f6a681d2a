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

from evaluation.statistics import effects, signed_rank
from evaluation.statistics.intervals import LEVEL

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
class Pair:
    """`difference` is a − b. `better_on` counts the units on which `a` is better, `worse_on` those on which `b` is.

    `outcome` is one of a (better), alike (within the margin), undecided, same (equal on every unit), too few, none.
    """

    a: str
    b: str
    n: int
    missing: int
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    better_on: int
    worse_on: int
    equal_on: int
    clusters: int
    cliffs_delta: float
    detectable: float
    p_alike: float
    outcome: str = ""
    verdict: str = ""
    notes: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class Wording:
    """How numbers and units are named in a verdict."""

    unit: str = ""
    digits: int = 3
    things: str = "units"
    scale: float = 1.0

    def number(self, value: float) -> str:
        if not math.isfinite(value):
            return "unknown"
        text = f"{value * self.scale + 0.0:.{self.digits}f}"
        return (text if float(text) else text.removeprefix("-")).replace("-", "−")

    def amount(self, value: float) -> str:
        return f"{self.number(value)} {self.unit}".strip()


PLAIN = Wording()


@dataclass(frozen=True)
class _Rules:
    """What all verdicts of a comparison share."""

    alpha: float
    comparisons: int
    margin: float | None
    wording: Wording


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
        _pair(
            table[one.system].to_numpy(float),
            table[other.system].to_numpy(float),
            one,
            other,
            groups=groups,
            level=level,
            margin=margin,
        )
        for one, other in combinations(systems, 2)
    ]
    corrected = _holm([pair.p for pair in drafts])
    rules = _Rules(1 - level, len(drafts), margin, wording)
    pairs = [_judged(pair, p_holm, sign, rules) for pair, p_holm in zip(drafts, corrected, strict=True)]
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


def _pair(
    first: np.ndarray,
    second: np.ndarray,
    one: SystemScore,
    other: SystemScore,
    *,
    groups: np.ndarray | None,
    level: float,
    margin: float | None,
) -> Pair:
    """The numbers of a pair; `better_on` counts where the first is larger, and there is no verdict yet."""
    known = np.isfinite(first) & np.isfinite(second)
    differences = _exact_zeros(first[known] - second[known], first[known])
    count, missing = len(differences), int(len(first) - known.sum())
    if not count:
        nan = float("nan")
        return Pair(one.system, other.system, 0, missing, nan, nan, nan, nan, nan, 0, 0, 0, 0, nan, nan, nan)
    parts = None if groups is None else groups[known]
    interval = signed_rank.hodges_lehmann(differences, parts, level)
    larger, smaller = int(np.sum(differences > 0)), int(np.sum(differences < 0))
    return Pair(
        a=one.system,
        b=other.system,
        n=count,
        missing=missing,
        difference=interval.estimate,
        low=interval.low,
        high=interval.high,
        p=signed_rank.p_value(differences, parts),
        p_holm=float("nan"),
        better_on=larger,
        worse_on=smaller,
        equal_on=count - larger - smaller,
        clusters=count if parts is None else len(np.unique(parts)),
        cliffs_delta=effects.cliffs_delta(first[known], second[known]),
        detectable=effects.detectable(differences, 1 - level),
        p_alike=effects.equivalence_p(differences, margin, parts) if margin else float("nan"),
        notes=tuple(note for note in (interval.note, _variation(differences)) if note),
    )


def _exact_zeros(differences: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Differences that are only rounding, such as 0.3 − (0.1 + 0.2), are zero."""
    scale = np.maximum(np.abs(values), np.abs(values - differences))
    return np.where(np.abs(differences) <= 1e-12 * scale, 0.0, differences)


def _variation(differences: np.ndarray) -> str:
    if len(differences) < 2 or np.ptp(differences) > 1e-12 * np.abs(differences).max(initial=0):
        return ""
    if not differences.any():
        return "No variation: both have the same value on every unit."
    return "No variation: the difference is the same on every unit, so its interval is a single value."


def _holm(values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: the i-th smallest of m p-values times m − i, never falling, at most 1.

    statsmodels has it too, but collects garbage in each call, for longer than all the rest takes in a large process.
    """
    array = np.asarray(values, float)
    known = np.flatnonzero(~np.isnan(array))
    order = known[np.argsort(array[known], kind="stable")]
    corrected = np.full(len(array), np.nan)
    steps = array[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in corrected]


def _judged(pair: Pair, p_holm: float, sign: int, rules: _Rules) -> Pair:
    """`pair` with the corrected p-value, the better system first where one is, and the verdict."""
    values = {**asdict(pair), "p_holm": p_holm, "notes": pair.notes}
    if sign < 0:
        values |= {"better_on": pair.worse_on, "worse_on": pair.better_on}
    judged = Pair(**values)
    outcome = _outcome(judged, sign, rules)
    if outcome == "b":  # the pair is turned so that the better system stands first
        values |= {"a": judged.b, "b": judged.a, "difference": -judged.difference, "low": -judged.high}
        values |= {"high": -judged.low, "better_on": judged.worse_on, "worse_on": judged.better_on}
        values |= {"cliffs_delta": -judged.cliffs_delta}
        judged, outcome = Pair(**values), "a"
    verdict = _verdict(judged, outcome, rules)
    return Pair(**{**asdict(judged), "outcome": outcome, "verdict": verdict, "notes": judged.notes})


def _outcome(pair: Pair, sign: int, rules: _Rules) -> str:
    alpha = rules.alpha
    if not pair.n:
        return "none"
    if pair.equal_on == pair.n:
        return "same"
    if pair.p_holm <= alpha + 1e-12:
        # Where the middle of the differences is zero, what is better on more units counts.
        lead = pair.difference * sign or float(pair.better_on - pair.worse_on)
        return "a" if lead > 0 else "b"
    if rules.margin and pair.p_alike <= alpha:
        return "alike"
    # Holm's correction multiplies the smallest p-value by the number of comparisons.
    least_p = signed_rank.smallest_p(pair.clusters) * rules.comparisons
    return "too few" if least_p > alpha + 1e-12 else "undecided"


def _verdict(pair: Pair, outcome: str, rules: _Rules) -> str:
    """The sentence that says what the numbers do."""
    alpha, comparisons, margin, wording = rules.alpha, rules.comparisons, rules.margin, rules.wording
    level, things = f"{100 * (1 - alpha):.0f} %", wording.things
    low, high = (-pair.high, -pair.low) if outcome == "a" and pair.difference < 0 else (pair.low, pair.high)
    span = f"{level} interval {wording.number(low)} to {wording.number(high)}"
    if math.isnan(pair.low):
        span = f"too few for a {level} interval"
    wins = f"better on {pair.better_on} of {pair.n} {things}"
    chance = f"{p_text(pair.p_holm)}{' after correction' if comparisons > 1 else ''}"
    if outcome == "none":
        return f"{pair.a} and {pair.b} have no {things} in common."
    if outcome == "same":
        return f"{pair.a} and {pair.b} are the same on all {pair.n} {things}."
    if outcome == "a":
        size = wording.amount(abs(pair.difference))
        small = bool(margin) and abs(pair.difference) < (margin or 0)
        tail = f"; but less than {wording.amount(margin or 0)} is too little to matter" if small else ""
        return f"{pair.a} is better than {pair.b} by {size} ({span}; {wins}; not chance, {chance}{tail})."
    if outcome == "alike":
        within = wording.amount(margin or 0)
        return f"{pair.a} and {pair.b} are alike: they differ by less than {within} ({span}; {p_text(pair.p_alike)})."
    if outcome == "too few":
        least = signed_rank.least_units(1 - alpha, comparisons)
        what = f"{pair.n} {things}" if pair.clusters == pair.n else f"{pair.n} {things} in {pair.clusters} clusters"
        return (
            f"{what} are too few to tell {pair.a} and {pair.b} apart, whatever their scores: it takes at "
            f"least {least}{' clusters' if pair.clusters < pair.n else ''}. {pair.a} is {wins}."
        )
    return (
        f"{pair.a} and {pair.b} are not told apart: {pair.a} − {pair.b} is {wording.amount(pair.difference)} "
        f"({span}; {pair.a} {wins}; {chance})."
    )


def p_text(p: float) -> str:
    """A p-value as a paper prints it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}" if p < 0.995 else "p = 1"


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
