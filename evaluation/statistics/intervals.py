"""Intervals that a figure should be read with: of a share, and of a mean over units such as episodes or songs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
FEW = 20
"""Below this many units a bootstrap's 95 % hold the truth clearly less often than that: use t, and show each unit."""

RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """An estimate and where the truth plausibly lies. `count` is the number of units, `note` what to say beside it."""

    estimate: float
    low: float
    high: float
    count: int
    method: str
    level: float = LEVEL
    note: str = ""

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2


def clopper_pearson(right: int, count: int, level: float = LEVEL) -> Interval:
    """Of a share, never below its level (Clopper and Pearson 1934): wide, the one to print with a promise.

    The bounds are where `right` or more, and `right` or fewer, would happen with half of 1 − level each.
    """
    _check_share(right, count, level)
    tail = (1 - level) / 2
    low = float(stats.beta.ppf(tail, right, count - right + 1)) if right else 0.0
    high = float(stats.beta.ppf(1 - tail, right + 1, count - right)) if right < count else 1.0
    return Interval(right / count if count else np.nan, low, high, count, "Clopper-Pearson", level, _nothing(count))


def wilson(right: int, count: int, level: float = LEVEL) -> Interval:
    """Of a share, right on average (Wilson 1927): narrower, the one to draw."""
    _check_share(right, count, level)
    if not count:
        return Interval(np.nan, 0.0, 1.0, 0, "Wilson", level, _nothing(0))
    z, share = float(stats.norm.ppf((1 + level) / 2)), right / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    low = 0.0 if right == 0 else float(middle - reach)
    high = 1.0 if right == count else float(middle + reach)
    return Interval(share, low, high, count, "Wilson", level)


def student(values: Sequence[float] | np.ndarray, level: float = LEVEL) -> Interval:
    """Of the mean over units, by Student's t. Exact for normal values; the usual choice for few units."""
    units, mean = _units(values)
    if len(units) < 2:
        return Interval(mean, np.nan, np.nan, len(units), "t", level, "One unit says nothing about the spread.")
    error = float(units.std(ddof=1)) / np.sqrt(len(units))
    reach = float(stats.t.ppf((1 + level) / 2, len(units) - 1)) * error
    note = "All units have the same value: there is no variation to reckon with." if error == 0 else ""
    return Interval(mean, mean - reach, mean + reach, len(units), "t", level, note)


def bootstrap(
    values: Sequence[float] | np.ndarray,
    statistic: Callable[..., np.ndarray] = np.mean,
    level: float = LEVEL,
    seed: int = 0,
) -> Interval:
    """Of any statistic over units, by resampling whole units with replacement (Efron 1979), percentiles.

    Args:
        values: one a unit: never frames of one clip or pictures of one episode.
        statistic: takes `(R, N)` with `axis=1`, as numpy's do.
    """
    units, _ = _units(values)
    estimate = float(statistic(units[None], axis=1)[0])
    if len(units) < 2:
        return Interval(estimate, np.nan, np.nan, len(units), "bootstrap", level, "One unit cannot be resampled.")
    random, found, block = np.random.default_rng(seed), [], max(1, 4_000_000 // len(units))
    for start in range(0, RESAMPLES, block):
        chosen = random.integers(0, len(units), (min(block, RESAMPLES - start), len(units)))
        found.append(statistic(units[chosen], axis=1))
    low, high = np.quantile(np.concatenate(found), [(1 - level) / 2, (1 + level) / 2])
    note = f"Fewer than {FEW} units: the interval is likely too narrow." if len(units) < FEW else ""
    return Interval(estimate, float(low), float(high), len(units), "bootstrap", level, note)


def mean(values: Sequence[float] | np.ndarray, level: float = LEVEL, seed: int = 0) -> Interval:
    """Of the mean over units, by whichever of the two suits their number."""
    return student(values, level) if len(values) < FEW else bootstrap(values, np.mean, level, seed)


def _units(values: Sequence[float] | np.ndarray) -> tuple[np.ndarray, float]:
    units = np.asarray(values, float)
    if units.ndim != 1 or not len(units) or not np.isfinite(units).all():
        raise ValueError("An interval needs a list of at least one finite number, one a unit.")
    return units, float(units.mean())


def _check_share(right: int, count: int, level: float) -> None:
    if not 0 <= right <= count:
        raise ValueError("Of a share, the number that is right must lie between 0 and the number of all.")
    if not 0 < level < 1:
        raise ValueError("The level of an interval lies between 0 and 1.")


def _nothing(count: int) -> str:
    return "" if count else "Nothing was counted, so it could be anything."
