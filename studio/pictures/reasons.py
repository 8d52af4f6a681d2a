"""Why a picture got its answer, in the reader's words; the numbers stand behind them, for whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from studio.pictures.fitted import FittedProject
from studio.ui import formatting

MUCH, LITTLE = 0.5, 0.1
"""Of the loudest example's voice: from so much on one counts much, up to so little hardly at all."""

MAX_NEAREST = 5
"""Examples that are counted where a sentence says what the most alike are."""


@dataclass(frozen=True)
class NearExample:
    """An example as the model compares it with a picture: `row` among the examples, its class, how alike it looks (1 is
    the same), what it adds to the score of its class more than the average example, and that in words."""

    row: int
    label: int
    alike: float
    weight: float
    word: str

    @property
    def numbers(self) -> str:
        return f"{100 * self.alike:.0f} % alike to the model; adds {self.weight:+.2g} to the score of its class"


def nearest(fitted: FittedProject, query: np.ndarray, most: int) -> Iterator[NearExample]:
    """The examples that look most like a picture with the feature `query` `(D,)`, the most alike first."""
    if not len(fitted.shots):
        return
    weights = fitted.classifier.contributions(query).shots
    weights = weights - weights.mean()
    alike = fitted.support.image_features @ query
    loudest = float(np.abs(weights).max())
    for row in np.argsort(-alike, kind="stable")[:most]:
        weight = float(weights[row])
        yield NearExample(int(row), int(fitted.labels[row]), float(alike[row]), weight, voice(weight, loudest))


def voice(weight: float, loudest: float) -> str:
    """How much one example counts beside the loudest.

    >>> [voice(weight, 2.0) for weight in (2.0, 0.5, 0.0, -1.0)]
    ['counts much', 'counts', 'hardly counts', 'counts less than most']
    """
    share = weight / loudest if loudest > 0 else 0.0
    if share < -LITTLE:
        return "counts less than most"
    return "counts much" if share >= MUCH else "counts" if share > LITTLE else "hardly counts"


def sentence(fitted: FittedProject, row: int) -> str:
    """Why the question in that row of the prediction got its answer, as Markdown."""
    prediction = fitted.prediction
    assert prediction is not None
    best = int(prediction.best[row])
    if prediction.abstained[row]:
        return none_sentence(fitted, row)
    query = fitted.query_features(fitted.questions[row])
    said = list(filter(None, (_by_examples(fitted, query, best), _by_words(fitted, query, best))))
    return formatting.escape(" ".join(said))


def none_sentence(fitted: FittedProject, row: int) -> str:
    """Why a picture is none of the classes."""
    assert fitted.prediction is not None
    best = fitted.names[int(fitted.prediction.best[row])]
    return formatting.escape(
        f"It comes closest to “{best}”, but is less like its examples than they are like each other."
    )


def none_numbers(fitted: FittedProject, row: int) -> str:
    """How unlike the examples a picture must be, and how unlike this one is."""
    assert fitted.prediction is not None
    threshold, near = fitted.classifier.rejection.threshold, float(fitted.prediction.in_class_scores[row])
    return f"{near:.1f} spreads from what is usual there; below {threshold:.1f} it counts as none."


def _by_examples(fitted: FittedProject, query: np.ndarray, best: int) -> str:
    shown = list(nearest(fitted, query, MAX_NEAREST))
    mine = sum(one.label == best for one in shown)
    if not shown:
        return ""
    name = fitted.names[best]
    if len(shown) == 1:
        return f"The only example is “{name}”." if mine else ""
    many = "Both" if mine == len(shown) == 2 else f"{mine if mine < len(shown) else 'All'} of the {len(shown)}"
    return f"{many} examples that look most like it are “{name}”."


def _by_words(fitted: FittedProject, query: np.ndarray, best: int) -> str:
    """For whom the words speak, where they have a vote."""
    if not fitted.support.has_text.any():
        return ""
    terms = fitted.classifier.contributions(query)
    said = terms.text[fitted.support.has_text]
    if len(fitted.shots) and np.ptp(said) < LITTLE * np.ptp(terms.images):
        return "The words hardly count."
    loudest = int(np.where(fitted.support.has_text, terms.text, -np.inf).argmax())
    return f"The words speak for “{fitted.names[loudest]}”{' too' if loudest == best and len(fitted.shots) else ''}."


def contrast(target: str, rival: str, spoken: float, seen: float, *, worded: bool) -> str:
    """Which vote decides between two classes, in a sentence; both are leads of `target` over `rival`.

    >>> contrast("cat", "dog", 0.5, -0.2, worded=True)
    'Between the two the words speak for cat and the pictures for dog; the words have the last say.'
    """

    def side(lead: float) -> str:
        return f"for {target}" if lead > 0 else f"for {rival}" if lead < 0 else "for neither"

    if not worded:
        return f"Between the two the pictures speak {side(seen)}."
    said = f"Between the two the words speak {side(spoken)} and the pictures {side(seen)}"
    if spoken * seen >= 0:
        return f"{said}."
    return f"{said}; the {'words' if abs(spoken) > abs(seen) else 'pictures'} have the last say."
