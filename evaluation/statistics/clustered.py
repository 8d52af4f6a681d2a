"""Intervals where units are not independent: clips of one singer, residues of one chain, frames of one clip.

Whole groups are the units then. With G groups, of which group g has n_g values that sum to s_g, the mean over all
values is the ratio R = Σ s_g / Σ n_g. Below `intervals.FEW` groups its interval is Student's t with G − 1 degrees of
freedom and the cluster-robust standard error (Liang and Zeger 1986, with the usual G / (G − 1)):

    SE² = G / (G − 1) · Σ (s_g − R n_g)² / (Σ n_g)²

Where all groups are of one size this is exactly the t interval of the groups' means. From FEW groups on, whole groups
are resampled.

Two sets that have no unit in common are compared by the difference of their means, whose standard error is the root of
the sum of both squared, with the degrees of freedom of Welch (1947).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from evaluation.statistics.intervals import FEW, LEVEL, Interval, bootstrap


def mean(
    values: Sequence[float] | np.ndarray, groups: Sequence[object] | np.ndarray, level: float = LEVEL, seed: int = 0
) -> Interval:
    """Interval of the mean over all values, by whole groups.

    Args:
        values: `(N,)`.
        groups: `(N,)`, which group each is of.
        level: how often the interval should hold the truth.
        seed: of the resampling, where there is one.

    >>> found = mean([1.0, 3.0, 5.0, 7.0], ["Ann", "Ann", "Bob", "Bob"])
    >>> found.estimate, found.count, found.method
    (4.0, 2, 't')
    """
    array, labels = np.asarray(values, float), np.asarray(groups)
    if len(array) != len(labels):
        raise ValueError("Each value needs to say which group it is of.")
    return pooled([array[labels == label] for label in np.unique(labels)], level, seed)


def pooled(parts: Sequence[np.ndarray], level: float = LEVEL, seed: int = 0) -> Interval:
    """Interval of the mean over the values of all groups, one array a group. An array may be empty or boolean.

    Raises:
        ValueError: there is no value at all, or one is not finite.
    """
    sums, counts = _sums(parts)
    if len(sums) >= FEW:
        return bootstrap(np.stack([sums, counts], axis=1), _ratio, level, seed)
    return _student(sums, counts, level)


def _ratio(sums: np.ndarray, counts: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.sum(sums, axis=axis) / np.sum(counts, axis=axis)


def difference(one: Sequence[np.ndarray], other: Sequence[np.ndarray], level: float = LEVEL) -> Interval:
    """Interval of the mean over `one` less that over `other`, one array a group each, with no group in common.

    Raises:
        ValueError: there is no value at all, or one is not finite.
    """
    sides = [_sums(parts) for parts in (one, other)]
    estimates = [float(_ratio(*side)) for side in sides]
    estimate, count = estimates[0] - estimates[1], min(len(sums) for sums, _ in sides)
    if count < 2:
        return Interval(estimate, np.nan, np.nan, count, "Welch", level, "One group says nothing about the spread.")
    variances = [_standard_error(*side) ** 2 for side in sides]
    if not sum(variances):
        return Interval(estimate, estimate, estimate, count, "Welch", level, "No group differs from another.")
    spread = sum(variance**2 / (len(sums) - 1) for variance, (sums, _) in zip(variances, sides, strict=True))
    reach = float(stats.t.ppf((1 + level) / 2, sum(variances) ** 2 / spread) * np.sqrt(sum(variances)))
    return Interval(estimate, estimate - reach, estimate + reach, count, "Welch", level)


def _sums(parts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The sum and the number of the values of each group that has any. Raises ValueError."""
    sums, counts = (np.array([total(part) for part in parts if len(part)], float) for total in (np.sum, len))
    if not len(sums) or not np.isfinite(sums).all():
        raise ValueError("An interval needs at least one finite value.")
    return sums, counts


def _standard_error(sums: np.ndarray, counts: np.ndarray) -> float:
    """Of the mean over all values, by whole groups."""
    residuals = sums - _ratio(sums, counts) * counts
    return float(np.sqrt(len(sums) / (len(sums) - 1) * np.sum(residuals**2)) / counts.sum())


def _student(sums: np.ndarray, counts: np.ndarray, level: float) -> Interval:
    count, estimate = len(sums), float(_ratio(sums, counts))
    if count < 2:
        return Interval(estimate, np.nan, np.nan, count, "t", level, "One group says nothing about the spread.")
    reach = float(stats.t.ppf((1 + level) / 2, count - 1) * _standard_error(sums, counts))
    note = f"Only {count} groups: the interval rests on how they differ, and one more could move it far."
    return Interval(estimate, estimate - reach, estimate + reach, count, "t", level, note)
