"""How good a classifier is in the reader's words, and the statistics that stand behind them, for whoever asks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.statistics.intervals import clopper_pearson
from studio.pictures.fitted import FittedProject
from studio.ui import formatting

TOO_EARLY, WIDE = "too early to tell", 0.5
"""How wide the interval of the true rate may be before nothing can be said of it."""

GRADES = ((0.9, "good", "green"), (0.7, "fair", "orange"), (0.0, "poor", "red"))
"""From which share of recognised pictures on a classifier is called so."""

MEANING = (
    "Good: nine in ten or more are recognised; fair: seven in ten; poor: fewer. Too early to tell: of so few the true "
    "rate could be nearly anything."
)
MAX_NAMED = 4


def grade(right: int, count: int) -> tuple[str, str]:
    """A word for `right` of `count`, as far as so many can tell, and its colour.

    >>> grade(20, 20), grade(2, 2)
    (('good', 'green'), ('too early to tell', 'gray'))
    """
    truth = clopper_pearson(right, count)
    if not count or truth.high - truth.low > WIDE:
        return TOO_EARLY, "gray"
    return next((word, colour) for least, word, colour in GRADES if right / count >= least)


def interval(right: int, count: int) -> str:
    """What `right` of `count` says of the true rate.

    >>> interval(12, 12)
    'The true rate lies between 74 and 100 % (exact 95 % interval).'
    """
    truth = clopper_pearson(right, count)
    return f"The true rate lies between {100 * truth.low:.0f} and {100 * truth.high:.0f} % (exact 95 % interval)."


def score_word(fitted: FittedProject) -> tuple[str, str]:
    """How good the classifier is in a word, as far as its examples can tell, and the colour of that word."""
    left = fitted.classifier.loo
    counted, _ = left.class_counts
    if not left.counted or not counted.all():
        return TOO_EARLY, "gray"
    return grade(int(left.correct.sum()), left.counted)


def score_badge(fitted: FittedProject) -> str:
    """The word as Markdown."""
    word, colour = score_word(fitted)
    return f":{colour}-badge[{word}]"


def score_line(fitted: FittedProject) -> str:
    """How many examples were recognised by a classifier that never saw them, and how each class fares."""
    left = fitted.classifier.loo
    if not left.counted:
        return left.sentence
    counted, correct = left.class_counts
    parts = [
        f"**{int(left.correct.sum())} of {left.counted}** examples are recognised by a classifier that never saw them."
    ]
    if unmeasured := [name for name, count in zip(fitted.names, counted, strict=True) if not count]:
        parts.append(f"How well {_named(unmeasured)} is recognised is not known: it takes two different examples.")
    parts.append(_worst_class(fitted, counted, correct))
    if left.copies:
        verb = "counts" if left.copies == 1 else "count"
        parts.append(f"{formatting.count(left.copies, 'example')} nearly the same as others {verb} as one with them.")
    return " ".join(filter(None, parts))


def score_statistics(fitted: FittedProject) -> str:
    """What the words mean, and the interval of the true rate.

    The interval of all together is given only where every class was measured: else it would promise something about
    classes of which nothing is known.
    """
    left = fitted.classifier.loo
    if not left.counted or not left.class_counts[0].all():
        return MEANING
    return f"{interval(int(left.correct.sum()), left.counted)} {MEANING}"


def _named(names: Sequence[str]) -> str:
    listed = ", ".join(f"“{formatting.escape(name)}”" for name in names[:MAX_NAMED])
    return f"{listed} and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else listed


def _worst_class(fitted: FittedProject, counted: np.ndarray, correct: np.ndarray) -> str:
    """The class that is recognised the least, where one is recognised less than the others."""
    shares = np.where(counted > 0, correct / np.maximum(counted, 1), np.nan)
    if np.isfinite(shares).sum() < 2 or np.nanmax(shares) == np.nanmin(shares):
        return ""
    worst = int(np.nanargmin(shares))
    return f"Least often “{formatting.escape(fitted.names[worst])}”: {correct[worst]} of {counted[worst]}."
