"""Paired differences by their signs and ranks: exact p-values, the Hodges-Lehmann difference and its interval.

With d the differences, r the ranks of |d| and T = Σ sign(d) r, the test (Wilcoxon 1945) asks how often random signs
give a |T| as large. Zeros take part in the ranking and then count for nothing (Pratt 1959); equal values share their
mean rank. The distribution of T is worked out for the ranks at hand, so ties and zeros leave it exact. Where units come
in clusters, one sign is drawn a cluster (Rosner, Glynn and Lee 2006).

The estimate is the median of all means of two differences (Hodges and Lehmann 1963). Its interval holds every value
that, taken off all differences, leaves a test that does not reject: where the test is exact, so is the interval, for
differences about whose middle large and small ones are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np
from scipy import stats

from evaluation.statistics.intervals import LEVEL, Interval

EXACT_UNITS = 120
"""Up to so many units the distribution of T is exact; beyond, the normal one differs by less than 0.001."""

EXACT_CLUSTERS = 14
DRAWS = 20_000
"""Random sign patterns, where there are too many clusters to go through all of them."""

WALSH_UNITS = 2_000
"""Up to so many units all means of two are formed; beyond, the same values are found by bisection."""

STEPS = 44

Score = Callable[[np.ndarray], np.ndarray]
"""Gives each difference a signed weight, of which the sum is tested."""


def signed_ranks(differences: np.ndarray) -> np.ndarray:
    """(N,) rank of each difference by size, with its sign; zeros are ranked and count for nothing."""
    return np.sign(differences) * stats.rankdata(np.abs(differences))


def p_value(differences: Sequence[float] | np.ndarray, groups: Sequence[object] | np.ndarray | None = None) -> float:
    """Two-sided p-value for “no difference”; 1 where all differences are zero, NaN where there are none.

    >>> p_value([0.4, 0.7, 1.1, 0.2, 0.9, 0.5])  # six of six: twice one in 64
    0.03125
    """
    ranks = signed_ranks(np.asarray(differences, float))
    if not len(ranks):
        return float("nan")
    if not ranks.any():
        return 1.0
    if _independent(groups, len(ranks)):
        return min(1.0, 2 * upper_tail(np.abs(ranks[ranks != 0]), abs(float(ranks.sum()))))
    return _cluster_p(_cluster_sums(ranks, groups))


def p_greater(differences: Sequence[float] | np.ndarray, groups: Sequence[object] | np.ndarray | None = None) -> float:
    """One-sided p-value: how often chance alone gives differences as far above zero as these."""
    ranks = signed_ranks(np.asarray(differences, float))
    if not ranks.any():
        return 1.0
    if _independent(groups, len(ranks)):
        return upper_tail(np.abs(ranks[ranks != 0]), float(ranks.sum()))
    two_sided = _cluster_p(_cluster_sums(ranks, groups))
    return two_sided / 2 if ranks.sum() > 0 else 1 - two_sided / 2


def upper_tail(weights: np.ndarray, total: float) -> float:
    """How often the sum of `weights` with random signs is at least `total`; `weights` are multiples of one half."""
    if len(weights) > EXACT_UNITS:
        spread = float(np.sqrt(np.sum(weights**2)))
        return float(stats.norm.sf((total - 0.5) / spread))
    whole = np.rint(2 * weights).astype(int)
    counts = np.zeros(whole.sum() + 1)  # counts[s]: share of the patterns in which the positive ones sum to s
    counts[0] = 1.0
    for weight in whole:
        shifted = np.zeros_like(counts)
        shifted[weight:] = counts[: len(counts) - weight]
        counts = (counts + shifted) / 2
    least = int(np.ceil((2 * total + whole.sum()) / 2 - 1e-9))  # T = 2 T⁺ − Σ r
    return float(min(1.0, counts[max(least, 0) :].sum()))


def smallest_p(clusters: int) -> float:
    """The smallest two-sided p-value that so many independent units or clusters can give."""
    return min(1.0, 2.0 ** (1 - clusters))


def hodges_lehmann(
    differences: Sequence[float] | np.ndarray,
    groups: Sequence[object] | np.ndarray | None = None,
    level: float = LEVEL,
) -> Interval:
    """The typical difference, with the interval of the values that the test would not reject.

    Args:
        differences: `(N,)`, one a unit.
        groups: `(N,)`, which cluster each unit is of; None where units are independent.
        level: how often the interval should hold the truth.

    Returns:
        The interval; its bounds are NaN, and its note says why, where so few units allow none at this level.

    Raises:
        ValueError: there is no difference, or one is not finite.

    >>> hodges_lehmann([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).text(2)
    '4.00 (2.00 to 6.00)'
    """
    values = _finite(differences)
    if _independent(groups, len(values)):
        return _independent_interval(values, level)
    estimate = _crossing(values, lambda shift: float(signed_ranks(values - shift).sum()))
    return _inverted(values, np.asarray(groups), signed_ranks, estimate=estimate, level=level)


def median(
    values: Sequence[float] | np.ndarray,
    groups: Sequence[object] | np.ndarray | None = None,
    level: float = LEVEL,
) -> Interval:
    """The median over units with an interval by signs alone, whatever the distribution (Hettmansperger, Sheather 1986).

    >>> median([3.0, 1.0, 2.0, 5.0, 4.0]).note
    '5 units allow no 95 % interval: it takes at least 6.'
    """
    array = _finite(values)
    if _independent(groups, len(array)):
        return _median_interval(array, level)
    return _inverted(array, np.asarray(groups), np.sign, estimate=float(np.median(array)), level=level)


def least_units(level: float = LEVEL, comparisons: int = 1) -> int:
    """How many units or clusters it takes before any difference can be certain among so many comparisons.

    >>> least_units(), least_units(comparisons=4)
    (6, 8)
    """
    return int(np.ceil(1 - np.log2((1 - level) / comparisons) - 1e-12))


def _independent_interval(values: np.ndarray, level: float) -> Interval:
    """The k-th smallest and largest mean of two, k such that the exact test rejects beyond them."""
    count = len(values)
    if count > WALSH_UNITS:
        reach = float(stats.norm.ppf((1 + level) / 2) * np.sqrt(count * (count + 1) * (2 * count + 1) / 6))
        total = partial(_rank_sum, np.sort(values))
        estimate, low, high = (_crossing(values, total, target) for target in (0.0, reach, -reach))
        return Interval(estimate, low, high, count, "Hodges-Lehmann", level)
    walsh = np.sort(((values[:, None] + values) / 2)[np.triu_indices(count)])
    estimate = float(np.median(walsh))
    if smallest_p(count) > 1 - level + 1e-12:
        return Interval(estimate, np.nan, np.nan, count, "Hodges-Lehmann", level, _too_few(count, level, "units"))
    rank = _critical_rank(count, level)
    return Interval(estimate, float(walsh[rank]), float(walsh[-1 - rank]), count, "Hodges-Lehmann", level)


@cache
def _critical_rank(count: int, level: float) -> int:
    """The largest k for which P(T⁺ ≤ k) stays within (1 − level) / 2; T⁺ is the sum of the positive ranks."""
    if count > EXACT_UNITS:
        middle, spread = count * (count + 1) / 4, np.sqrt(count * (count + 1) * (2 * count + 1) / 24)
        return max(0, int(np.floor(middle - stats.norm.ppf((1 + level) / 2) * spread - 0.5)))
    share = np.ones(1)
    for rank in range(1, count + 1):
        share = (np.pad(share, (0, rank)) + np.pad(share, (rank, 0))) / 2
    return int(np.searchsorted(np.cumsum(share), (1 - level) / 2 + 1e-12, side="right")) - 1


def _median_interval(values: np.ndarray, level: float) -> Interval:
    """Interpolated between the two exact intervals of order statistics whose levels lie about the wanted one."""
    count, ordered = len(values), np.sort(values)
    estimate = float(np.median(ordered))
    if smallest_p(count) > 1 - level + 1e-12:
        return Interval(estimate, np.nan, np.nan, count, "median", level, _too_few(count, level, "units"))
    depths = np.arange(1, count // 2 + 1)
    levels = 1 - 2 * stats.binom.cdf(depths - 1, count, 0.5)
    deep = int(np.flatnonzero(levels >= level)[-1])
    depth, here = int(depths[deep]), float(levels[deep])
    further = float(levels[deep + 1]) if deep + 1 < len(levels) else 0.0
    share = (here - level) / (here - further)
    weight = (count - depth) * share / (depth + (count - 2 * depth) * share)
    low = (1 - weight) * ordered[depth - 1] + weight * ordered[depth]
    high = (1 - weight) * ordered[count - depth] + weight * ordered[count - depth - 1]
    return Interval(estimate, float(low), float(high), count, "median", level)


def _inverted(values: np.ndarray, groups: np.ndarray, score: Score, *, estimate: float, level: float) -> Interval:
    """The values about which signs drawn by cluster do not reject, found by bisection on either side."""
    clusters, method = len(np.unique(groups)), "signs by clusters"
    if smallest_p(clusters) > 1 - level + 1e-12:
        note = _too_few(clusters, level, "clusters")
        return Interval(estimate, np.nan, np.nan, clusters, method, level, note)

    def rejected(shift: float) -> bool:
        return _cluster_p(_cluster_sums(score(values - shift), groups)) <= 1 - level

    low = _edge(rejected, float(values.min()) - 1e-9, estimate)
    high = _edge(rejected, float(values.max()) + 1e-9, estimate)
    return Interval(estimate, low, high, clusters, method, level)


def _edge(rejected: Callable[[float], bool], outside: float, inside: float) -> float:
    if not rejected(outside):
        return outside
    for _ in range(STEPS // 2):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if rejected(middle) else (outside, middle)
    return outside


def _rank_sum(ordered: np.ndarray, shift: float) -> float:
    """T of the values less `shift`, by the signs of all means of two: `T = sum_{i <= j} sign((x_i + x_j) / 2 - shift)`.

    Tukey 1949. In sorted values they are counted by bisection, with no ranking; ties and zeros come out the same.
    """
    count = len(ordered)
    above = count - np.searchsorted(ordered, 2 * shift - ordered, side="right")
    below = np.searchsorted(ordered, 2 * shift - ordered, side="left")
    alone = np.sign(ordered - shift).sum()  # each value with itself, which the pairs hold once
    return float((above.sum() - below.sum() + alone) / 2)


def _crossing(values: np.ndarray, total: Callable[[float], float], target: float = 0.0) -> float:
    """Where a sum of scores, which falls as more is taken off, passes `target`."""
    low, high = float(values.min()), float(values.max())
    for _ in range(STEPS):
        middle = (low + high) / 2
        if total(middle) > target:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _cluster_sums(scores: np.ndarray, groups: Sequence[object] | np.ndarray | None) -> np.ndarray:
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    return np.bincount(index, weights=scores)


def _cluster_p(sums: np.ndarray) -> float:
    """How often random signs, one a cluster, give a total as far from zero."""
    sums = sums[sums != 0]
    if not len(sums):
        return 1.0
    total = abs(sums.sum()) - 1e-9
    if len(sums) <= EXACT_CLUSTERS:
        patterns = 1 - 2 * ((np.arange(1 << len(sums))[:, None] >> np.arange(len(sums))) & 1)
        return float(np.mean(np.abs(patterns @ sums) >= total))
    draws = np.random.default_rng(0).integers(0, 2, (DRAWS, len(sums)), dtype=np.int8) * 2.0 - 1
    return float((1 + np.sum(np.abs(draws @ sums) >= total)) / (1 + DRAWS))


def _independent(groups: Sequence[object] | np.ndarray | None, count: int) -> bool:
    return groups is None or len(np.unique(np.asarray(groups))) == count


def _too_few(count: int, level: float, what: str) -> str:
    return f"{count} {what} allow no {100 * level:.0f} % interval: it takes at least {least_units(level)}."


def _finite(values: Sequence[float] | np.ndarray) -> np.ndarray:
    array = np.asarray(values, float)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise ValueError("A comparison needs at least one finite number, one a unit.")
    return array
