"""Whether an adapted network is better than what it began from, on files that it did not learn from.

Each file kept apart is measured before and after. It counts as better where the 95 % interval of the mean difference
lies above nought; measures of right and wrong also need McNemar's exact test to say so, since an interval from few
answers that all change alike has no width. Nothing that is only said to be "not worse" is installed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backends.core.adapting import Score
from evaluation.statistics import clustered, effects
from evaluation.statistics.intervals import Interval, wilson
from training.adapt.base import Measure, Values

ALPHA = 0.05


def scores_of(measures: Sequence[Measure], before: Sequence[Values], after: Sequence[Values]) -> tuple[Score, ...]:
    """Of each measure its mean before and after, and by how much it became better, each with an interval."""
    old, new = np.array(before, float), np.array(after, float)  # (units, measures)
    found = []
    for column, measure in enumerate(measures):
        sign = (100 if measure.counted else 1) * (1 if measure.higher_is_better else -1)  # shares are told in percent
        found.append(
            Score(
                name=measure.name,
                unit=measure.unit,
                digits=measure.digits,
                before=_bounds(_interval(measure, old[:, column])),
                after=_bounds(_interval(measure, new[:, column])),
                gain=_bounds(_mean(sign * (new - old)[:, column])),
            )
        )
    return tuple(found)


def is_better(measures: Sequence[Measure], before: Sequence[Values], after: Sequence[Values]) -> bool:
    """Whether the first measure became better and none of the others worse, beyond chance."""
    scores = scores_of(measures, before, after)
    if not scores[0].gain[1] > 0 or any(score.gain[2] < 0 for score in scores[1:]):
        return False
    if measures[0].counted:
        old, new = (np.array(values, float)[:, 0] > 0.5 for values in (before, after))
        return effects.mcnemar(new, old) < ALPHA
    return True


def sentence(scores: Sequence[Score], apart: int, noun: str) -> str:
    """What was measured, in a sentence for the card."""
    parts = []
    for score in scores:
        before, after = (_number(values[0], score) for values in (score.before, score.after))
        gain, low, high = (_number(value, score) for value in score.gain)
        way = "better" if score.gain[0] >= 0 else "worse"
        if way == "worse":
            gain, low, high = (_number(-value, score) for value in (score.gain[0], score.gain[2], score.gain[1]))
        unit = f" {score.unit}" if score.unit else ""
        parts.append(
            f"{score.name} {before}{unit} before and {after}{unit} after, {way} by {gain}{unit} "
            f"(95 % interval {low} to {high})"
        )
    return f"On {apart} {noun}s kept apart: {'; '.join(parts)}."


def reason(scores: Sequence[Score]) -> str:
    """Why an adapted network is refused, in one sentence."""
    worse = [score.name for score in scores if score.gain[2] < 0]
    if worse:
        return f"It is not installed, because it got worse: {' and '.join(worse)}."
    return "It is not installed, because it is not shown to be better: the difference may be chance."


def _interval(measure: Measure, values: np.ndarray) -> Interval:
    if not measure.counted:
        return _mean(values)
    share = wilson(int((values > 0.5).sum()), len(values))
    return Interval(100 * share.estimate, 100 * share.low, 100 * share.high, share.count, share.method)


def _mean(values: np.ndarray) -> Interval:
    return clustered.mean(values, np.arange(len(values)))


def _bounds(interval: Interval) -> tuple[float, float, float]:
    return (float(interval.estimate), float(interval.low), float(interval.high))


def _number(value: float, score: Score) -> str:
    return f"{value:.{score.digits}f}".replace("-", "−")
