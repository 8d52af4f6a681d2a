"""What to add to a few-shot classifier next, in words, from how its left-out shots fared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backends.fewshot.calibration import probabilities
from backends.fewshot.classifier import Classifier
from backends.fewshot.heads import are_unequal
from backends.fewshot.heads.proker import ProKeR
from evaluation.metrics.fewshot.classifiers import Confusion, CurvePoint, confusion

MAX_SENTENCES = 5
NARROW = 0.15
"""A mean lead of probability below which two classes are hard to tell apart though all answers are right."""

RISING = 0.03


def advice(classifier: Classifier, curve: Sequence[CurvePoint] = ()) -> list[str]:
    """At most five sentences, the most useful first; one even if all is well."""
    found = [
        *_missing(classifier),
        *_unequal(classifier),
        *_mistaken(classifier),
        *_narrow(classifier),
        *_rising(curve),
    ]
    return found[:MAX_SENTENCES] or ["Nothing stands out: try it on pictures it has not seen."]


def _missing(classifier: Classifier) -> list[str]:
    """Classes of which nothing can be measured."""
    support, found = classifier.support, []
    for name, count in zip(support.classes, support.distinct_counts, strict=True):
        if count == 0:
            found.append(f"Add a picture of “{name}”: so far it is known by its words alone.")
        elif count == 1:
            found.append(f"Add a second picture of “{name}”: with one, nobody can tell how well it is known.")
    return found


def _mistaken(classifier: Classifier) -> list[str]:
    """Classes that left-out shots were taken for another, the worst first."""
    support, table = classifier.support, left_out_confusion(classifier)
    totals = table.table.sum(axis=1)
    wrong = totals - np.diag(table.table)
    order = sorted(np.flatnonzero(wrong), key=lambda label: (-wrong[label] / totals[label], label))
    found = []
    for label in order:
        other, times = table.most_confused(int(label))
        name, taken = support.classes[label], support.classes[other]
        more = _more(int(support.counts[label]))
        # Only where other classes have words is it known that this engine reads them.
        hint = ", or write a sentence for it" if support.has_text.any() and not support.has_text[label] else ""
        found.append(
            f"Add {more} more of “{name}”{hint}: it is mistaken for “{taken}” "
            f"({times} of {totals[label]} when left out)."
        )
    return found


def _more(count: int) -> str:
    """How many pictures to add to this many, in words: enough to make a difference.

    >>> _more(3), _more(10), _more(150)
    ('two', 'four', 'about 50')
    """
    if count < 20:
        return "two" if count < 8 else "four"
    return f"about {10 * round(count / 30)}" if count >= 30 else "about 10"


def _unequal(classifier: Classifier) -> list[str]:
    """Where one class has far fewer examples than another, and what decides minds it."""
    support = classifier.support
    if not are_unequal(support.distinct_counts) or classifier.head.id != ProKeR.id:
        return []
    counts = np.where(support.distinct_counts > 0, support.distinct_counts, np.inf)
    fewest = support.classes[int(counts.argmin())]
    return [
        f"“{ProKeR.title}” overlooks “{fewest}”, which has far fewer examples: add some, or let it decide otherwise."
    ]


def _narrow(classifier: Classifier) -> list[str]:
    """Pairs of classes that all shots were right about, but by a hair."""
    left, support = classifier.loo, classifier.support
    shares = probabilities(left.scores, classifier.temperature) if left.counted else left.scores
    found = []
    for label in np.flatnonzero(support.counts >= 2):
        own = np.flatnonzero((left.labels == label) & left.measurable)
        if not len(own) or not left.correct[own].all():
            continue
        others = shares[own].copy()
        lead = others[:, label].copy()
        others[:, label] = -1
        lead -= others.max(axis=1)
        if lead.mean() < NARROW:
            rival = support.classes[int(others.mean(axis=0).argmax())]
            found.append(f"“{support.classes[label]}” is only just told from “{rival}”: add pictures that differ more.")
    return found


def _rising(curve: Sequence[CurvePoint]) -> list[str]:
    """Whether the curve still climbs at its end."""
    if len(curve) < 3:
        return []
    last, before = curve[-1], curve[len(curve) // 2]
    gain = last.accuracy.estimate - before.accuracy.estimate
    if gain < RISING:
        return []
    return [
        f"More pictures of every class would help: from {before.shots} to {last.shots} a class "
        f"it went from {before.accuracy.estimate:.0%} to {last.accuracy.estimate:.0%} right."
    ]


def left_out_confusion(classifier: Classifier) -> Confusion:
    left = classifier.loo
    return confusion(left.labels, left.predictions, len(classifier.support.classes), left.measurable)
