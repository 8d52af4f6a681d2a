"""Intervals for proportions and for statistics over units such as songs, clips, proteins or episodes.

All are scipy's, wrapped so that they carry their number of units, their method, and a note where they say less than a
reader may think. Percentile and BCa bootstraps of fewer than twenty units hold the truth clearly less often than their
level promises, so `mean` uses Student's t there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import stats

LEVEL = 0.95
FEW = 20
"""Below this many units a bootstrap interval is too narrow: use t, and show each unit."""

RESAMPLES = 10_000
_BATCH = 4_000_000
"""Numbers that are resampled at once."""


@dataclass(frozen=True)
class Interval:
    """An estimate and where the truth plausibly lies.

    `count` is the number of independent units that it rests on, `note` a sentence to show beside it, or empty.

    >>> clopper_pearson(18, 20).text(2)
    '0.90 (0.68 to 0.99)'
    """

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

    def text(self, digits: int) -> str:
        """Estimate and bounds as a table shows them."""
        numbers = [f"{value:.{digits}f}".replace("-", "−") for value in (self.estimate, self.low, self.high)]
        return f"{numbers[0]} ({numbers[1]} to {numbers[2]})"


def clopper_pearson(right: int, count: int, level: float = LEVEL) -> Interval:
    """Interval of a proportion that covers the truth at least as often as `level` (Clopper and Pearson 1934).

    Each bound is the proportion at which as many successes as were seen, or more extreme, happen with probability
    (1 − level) / 2. It is the wider of the two for proportions, and the one to promise something with.

    >>> round(clopper_pearson(0, 10).high, 3)
    0.308
    """
    return _proportion(right, count, level, "exact", "Clopper-Pearson")


def wilson(right: int, count: int, level: float = LEVEL) -> Interval:
    """Interval of a proportion that covers the truth as often as `level` on average (Wilson 1927): narrower."""
    return _proportion(right, count, level, "wilson", "Wilson")


def _proportion(right: int, count: int, level: float, method: Literal["exact", "wilson"], name: str) -> Interval:
    if not 0 <= right <= count:
        raise ValueError("Of a proportion, the number that is right must lie between 0 and the number of all.")
    if not 0 < level < 1:
        raise ValueError("The level of an interval lies between 0 and 1.")
    if not count:
        return Interval(np.nan, 0.0, 1.0, 0, name, level, "Nothing was counted, so it could be anything.")
    bounds = stats.binomtest(right, count).proportion_ci(level, method)
    return Interval(right / count, float(bounds.low), float(bounds.high), count, name, level)


def student(values: Sequence[float] | np.ndarray, level: float = LEVEL) -> Interval:
    """Interval of the mean over units by Student's t: exact for normal values, the usual choice for few units."""
    units = _units(values)
    mean = float(units.mean())
    if len(units) < 2:
        return Interval(mean, np.nan, np.nan, len(units), "t", level, "One unit says nothing about the spread.")
    if np.ptp(units) == 0:
        return Interval(mean, mean, mean, len(units), "t", level, _SAME)
    bounds = stats.ttest_1samp(units, 0).confidence_interval(level)
    return Interval(mean, float(bounds.low), float(bounds.high), len(units), "t", level)


def bootstrap(
    values: Sequence[float] | np.ndarray,
    statistic: Callable[..., Any] = np.mean,
    level: float = LEVEL,
    seed: int = 0,
) -> Interval:
    """Bias-corrected and accelerated bootstrap interval of a statistic over units (Efron 1987).

    Args:
        values: one number a unit: never frames of one clip, or pictures of one episode. Or several columns of numbers
            that belong together, `(N, K)`; a unit is then a row, and is resampled whole.
        statistic: takes K arrays whose last axis runs over units, and `axis`; numpy's own functions do.
        level: how often the interval should hold the truth.
        seed: of the resampling.

    Raises:
        ValueError: there is no unit, or a value is not finite.
    """
    units = _units(values, most_dimensions=2)
    columns = tuple(units.T) if units.ndim == 2 else (units,)
    estimate, count = float(statistic(*columns, axis=-1)), len(units)
    if count < 2:
        return Interval(estimate, np.nan, np.nan, count, "bootstrap", level, "One unit cannot be resampled.")
    if (np.ptp(units, axis=0) == 0).all():
        return Interval(estimate, estimate, estimate, count, "bootstrap", level, _SAME)
    low, high = _bca(columns, statistic, level, seed)
    note = f"Fewer than {FEW} units: the interval is likely too narrow." if count < FEW else ""
    return Interval(estimate, low, high, count, "bootstrap", level, note)


def _bca(
    columns: tuple[np.ndarray, ...], statistic: Callable[..., Any], level: float, seed: int
) -> tuple[float, float]:
    """BCa bounds, or those of percentiles where the statistic hardly varies, as a median of few values does."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a degenerate distribution is seen by its NaN below
        result = stats.bootstrap(
            columns,
            statistic,
            paired=len(columns) > 1,
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=max(1, _BATCH // (len(columns) * len(columns[0]))),
            confidence_level=level,
            method="BCa",
            rng=np.random.default_rng(seed),
        )
    low, high = map(float, result.confidence_interval)
    if np.isfinite([low, high]).all():
        return low, high
    low, high = np.nanquantile(result.bootstrap_distribution, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def mean(values: Sequence[float] | np.ndarray, level: float = LEVEL, seed: int = 0) -> Interval:
    """Interval of the mean over independent units: t below FEW units, else the bootstrap.

    >>> mean([4.1, 5.0, 4.4, 4.9]).method
    't'
    """
    return student(values, level) if len(values) < FEW else bootstrap(values, np.mean, level, seed)


_SAME = "All units have the same value: there is no variation to go by."


def _units(values: Sequence[float] | np.ndarray, most_dimensions: int = 1) -> np.ndarray:
    units = np.asarray(values, float)
    if not 1 <= units.ndim <= most_dimensions or not len(units) or not np.isfinite(units).all():
        raise ValueError("An interval needs a list of at least one finite number, one a unit.")
    return units
