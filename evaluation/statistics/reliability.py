"""Whether a confidence keeps its word: what was claimed against what happened, in bands, with intervals over groups."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

BANDS = 10
RESAMPLES = 2000


@dataclass(frozen=True)
class Band:
    """The answers whose confidence lies in one tenth: how many, their mean confidence, and how good they were.

    `low` and `high` hold the mean of what happened at 95 %, resampled by groups; NaN with fewer than two groups.
    """

    count: int
    claimed: float
    happened: float
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """Bands from unsure to sure, and the mean gap over all answers (Guo et al. 2017, equation 3), 0 to 1."""

    bands: tuple[Band, ...]
    error: float
    count: int


def reliability(
    claimed: Sequence[Sequence[float]], happened: Sequence[Sequence[float]], groups: Sequence[Hashable]
) -> Reliability:
    """The reliability diagram of answers that come in units.

    With B_m the answers whose confidence lies in band m of M,

        ECE = Σ_m |B_m| / n · | mean(happened in B_m) − mean(claimed in B_m) |.

    Answers of one unit are not independent, so that intervals resample whole groups of units with replacement.

    Args:
        claimed: of each unit the confidences of its answers, 0 to 1.
        happened: how good each of these answers was, 0 to 1.
        groups: what each unit belongs to.
    """
    number = {group: row for row, group in enumerate(dict.fromkeys(groups))}
    sizes = [len(unit) for unit in claimed]
    owner = np.repeat([number[group] for group in groups], sizes)
    sure, good = (np.concatenate([np.asarray(unit, float) for unit in units]) for units in (claimed, happened))
    place = np.clip((sure * BANDS).astype(int), 0, BANDS - 1)
    draws = np.random.default_rng(0).multinomial(len(number), np.full(len(number), 1 / len(number)), RESAMPLES)
    bands = tuple(
        _band(sure[mine], good[mine], owner[mine], draws) for band in range(BANDS) if (mine := place == band).any()
    )
    error = sum(band.count * abs(band.happened - band.claimed) for band in bands) / len(sure)
    return Reliability(bands, float(error), len(sure))


def _band(sure: np.ndarray, good: np.ndarray, owner: np.ndarray, draws: np.ndarray) -> Band:
    counts, sums = (np.bincount(owner, weights, draws.shape[1]) for weights in (None, good))
    low = high = float("nan")
    if (counts > 0).sum() > 1:
        drawn = draws @ counts
        means = (draws @ sums)[drawn > 0] / drawn[drawn > 0]
        low, high = (float(bound) for bound in np.quantile(means, [0.025, 0.975]))
    return Band(len(sure), float(sure.mean()), float(good.mean()), low, high)
