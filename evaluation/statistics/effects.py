"""How large a difference is, whether it is small enough not to matter, and how many units it would take to see one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats

from evaluation.statistics import signed_rank

MAX_BELIEF_UNITS = 2_000
BELIEF_DRAWS = 4_000

POWER = 0.8
"""How often a study should see the difference that it is planned for."""


def cliffs_delta(one: Sequence[float] | np.ndarray, other: Sequence[float] | np.ndarray) -> float:
    """P(one > other) − P(one < other) over all pairs of values (Cliff 1993): −1 to 1, 0 where neither is larger.

    >>> cliffs_delta([3.0, 4.0], [1.0, 2.0]), cliffs_delta([1.0, 2.0], [1.0, 2.0])
    (1.0, 0.0)
    """
    first, second = np.asarray(one, float), np.sort(np.asarray(other, float))
    if not len(first) or not len(second):
        return float("nan")
    below = np.searchsorted(second, first, "left")
    above = len(second) - np.searchsorted(second, first, "right")
    return float((below - above).mean() / len(second))


def equivalence_p(
    differences: Sequence[float] | np.ndarray, margin: float, groups: Sequence[object] | np.ndarray | None = None
) -> float:
    """p-value for “they differ by at least `margin`”: two one-sided signed-rank tests (Schuirmann 1987), the larger.

    Raises:
        ValueError: the margin is not above zero.
    """
    if margin <= 0:
        raise ValueError("The margin within which two systems count as equal must be above zero.")
    values = np.asarray(differences, float)
    return max(signed_rank.p_greater(values + margin, groups), signed_rank.p_greater(margin - values, groups))


def mcnemar(one: Sequence[bool] | np.ndarray, other: Sequence[bool] | np.ndarray) -> float:
    """Exact p-value for “both are right equally often” on the same questions (McNemar 1947).

    >>> mcnemar([True] * 6 + [False], [False] * 7)
    0.03125
    """
    first, second = np.asarray(one, bool), np.asarray(other, bool)
    alone, only_other = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    return float(stats.binomtest(alone, alone + only_other).pvalue) if alone + only_other else 1.0


@dataclass(frozen=True)
class Belief:
    """Probabilities, given the differences, that the first is better, that both are alike, that the second is."""

    better: float
    alike: float
    worse: float


def belief(differences: Sequence[float] | np.ndarray, margin: float, seed: int = 0) -> Belief:
    """The Bayesian signed-rank test with a region of practical equivalence (Benavoli et al. 2017, section 4.3).

    The units, and one at zero for the prior, get weights w from a Dirichlet distribution of ones. A draw speaks for the
    outcome that has most of the weight Σ w_i w_j over the pairs whose mean is above, within or below the margin.

    Raises:
        ValueError: there is no difference, or there are too many to form all pairs.
    """
    values = np.asarray(differences, float)
    if not 1 <= len(values) <= MAX_BELIEF_UNITS:
        raise ValueError(f"This takes between 1 and {MAX_BELIEF_UNITS} units.")
    values = np.concatenate([[0.0], values])
    walsh = (values[:, None] + values) / 2
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(values)), BELIEF_DRAWS)  # (D, N)
    above, below = (np.einsum("di,ij,dj->d", weights, part.astype(float), weights, optimize=True)
                    for part in (walsh > margin, walsh < -margin))  # fmt: skip
    winner = np.stack([above, 1 - above - below, below]).argmax(axis=0)
    return Belief(*(float(np.mean(winner == outcome)) for outcome in range(3)))


def detectable(
    differences: Sequence[float] | np.ndarray,
    alpha: float = 0.05,
    groups: Sequence[object] | np.ndarray | None = None,
) -> float:
    """The smallest mean difference that as many units as these would show four times in five; NaN below three units.

    Units of one group are not independent of each other: then the groups count, with the mean of each.
    """
    values = independent(differences, groups)
    if len(values) < 3:
        return float("nan")
    return _effect_size(len(values), alpha) * float(values.std(ddof=1))


def independent(differences: Sequence[float] | np.ndarray, groups: Sequence[object] | np.ndarray | None) -> np.ndarray:
    """The differences, or the mean of each group of them."""
    values = np.asarray(differences, float)
    if groups is None:
        return values
    names = np.asarray(groups).astype(str)
    return np.array([values[names == name].mean() for name in np.unique(names)])


@cache
def _effect_size(count: int, alpha: float) -> float:
    """In standard deviations, of a paired t-test."""
    from statsmodels.stats.power import TTestPower

    effect = TTestPower().solve_power(nobs=count, alpha=alpha, power=POWER, alternative="two-sided")
    return float(np.asarray(effect).ravel()[0])


def units_needed(
    differences: Sequence[float] | np.ndarray,
    wanted: float,
    alpha: float = 0.05,
    groups: Sequence[object] | np.ndarray | None = None,
) -> int | None:
    """How many units, or groups of them, would show a mean difference of `wanted` four times in five.

    None where that cannot be said: too few units to tell how much they vary, or nothing to be seen.
    """
    values = independent(differences, groups)
    if len(values) < 3 or not wanted or not np.ptp(values):
        return None
    effect = abs(wanted) / float(values.std(ddof=1))
    # Normal quantiles, and Guenther's (1981) z²/2 for the step from z to t: exact to a unit, and always an answer.
    z = stats.norm.ppf(1 - alpha / 2)
    return max(6, int(np.ceil(((z + stats.norm.ppf(POWER)) / effect) ** 2 + z**2 / 2)))
