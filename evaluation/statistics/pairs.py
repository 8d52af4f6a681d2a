"""The numbers of two systems on the same units: difference, interval, test and effect; the verdict comes later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.statistics import effects, signed_rank

WILCOXON, MCNEMAR = "Wilcoxon signed-rank", "McNemar"
"""Tests of a pair: the second where each value is right or wrong and units are independent."""


BELIEF_UNITS = 400
"""Up to so many units beliefs are worked out: the time that it takes grows with their square."""


@dataclass(frozen=True)
class Pair:
    """`difference` is a − b. `detectable` is the difference that so many units show four times in five, and `needed`
    how many would show the one that was found, both corrected for the number of comparisons (Bonferroni).

    `better_on` counts the units on which `a` is better, `worse_on` those on which `b` is.

    `test` names what `p` is of. `belief_better`, `belief_alike` and `belief_worse` are the probabilities, given these
    units, that the difference is larger than the margin, within it, or smaller (Bayesian signed-rank test); NaN where
    no margin was named.

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
    needed: int | None = None
    test: str = WILCOXON
    belief_better: float = float("nan")
    belief_alike: float = float("nan")
    belief_worse: float = float("nan")
    outcome: str = ""
    verdict: str = ""
    notes: tuple[str, ...] = ()


def measure_pair(
    names: tuple[str, str],
    first: np.ndarray,
    second: np.ndarray,
    *,
    groups: np.ndarray | None,
    level: float,
    margin: float | None,
    comparisons: int = 1,
) -> Pair:
    """The numbers of a pair; `better_on` counts where the first is larger, and there is no verdict yet.

    Args:
        names: of the two systems.
        first: (units,) the values of one, NaN where there is none.
        second: (units,) those of the other.
        groups: (units,) the cluster of each unit, or None where all are independent.
        level: of the interval.
        margin: a difference below which the two count as alike; None for no such test.
        comparisons: how many pairs are tested beside each other.
    """
    known = np.isfinite(first) & np.isfinite(second)
    differences = _exact_zeros(first[known] - second[known], first[known])
    count, missing = len(differences), int(len(first) - known.sum())
    if not count:
        nan = float("nan")
        return Pair(*names, 0, missing, nan, nan, nan, nan, nan, 0, 0, 0, 0, nan, nan, nan)
    parts = None if groups is None else groups[known]
    interval = signed_rank.hodges_lehmann(differences, parts, level)
    alpha = (1 - level) / comparisons
    larger, smaller = int(np.sum(differences > 0)), int(np.sum(differences < 0))
    binary = parts is None and bool(np.isin(np.concatenate([first[known], second[known]]), (0, 1)).all())
    beliefs = _beliefs(differences, margin, parts)
    return Pair(
        a=names[0],
        b=names[1],
        n=count,
        missing=missing,
        difference=interval.estimate,
        low=interval.low,
        high=interval.high,
        p=effects.mcnemar(first[known], second[known]) if binary else signed_rank.p_value(differences, parts),
        p_holm=float("nan"),
        better_on=larger,
        worse_on=smaller,
        equal_on=count - larger - smaller,
        clusters=count if parts is None else len(np.unique(parts)),
        cliffs_delta=effects.cliffs_delta(first[known], second[known]),
        detectable=effects.detectable(differences, alpha, parts),
        p_alike=effects.equivalence_p(differences, margin, parts) if margin else float("nan"),
        needed=effects.units_needed(differences, interval.estimate, alpha, parts),
        test=MCNEMAR if binary else WILCOXON,
        belief_better=beliefs[0],
        belief_alike=beliefs[1],
        belief_worse=beliefs[2],
        notes=tuple(note for note in (interval.note, _variation(differences)) if note),
    )


def _beliefs(differences: np.ndarray, margin: float | None, groups: np.ndarray | None) -> tuple[float, float, float]:
    """Better, alike and worse; NaN without a margin, or where so many units speak for themselves."""
    units = effects.independent(differences, groups)
    if not margin or len(units) > BELIEF_UNITS:
        return float("nan"), float("nan"), float("nan")
    found = effects.belief(units, margin)
    return found.better, found.alike, found.worse


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


def holm(values: Sequence[float]) -> list[float]:
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
