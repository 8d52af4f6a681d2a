"""Why a picture got its answer: in words on the page, with the numbers behind them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from studio.pictures import reasons
from studio.pictures.score_words import TOO_EARLY, grade, interval


def fitted(alike: list[float], weights: list[float], labels: list[int], text: list[float] | None = None) -> Any:
    """A classifier of two classes with one example a row, and one question whose answer is the first class."""
    worded = text is not None
    terms = SimpleNamespace(shots=np.array(weights), text=np.array(text or [0.0, 0.0]), images=np.array([1.0, 0.2]))
    support = SimpleNamespace(image_features=np.array(alike)[:, None], has_text=np.array([worded, worded]))
    prediction = SimpleNamespace(best=np.array([0]), abstained=np.array([False]), in_class_scores=np.array([-3.0]))
    return SimpleNamespace(
        names=("cat", "dog*"), labels=np.array(labels), shots=[str(row) for row in range(len(labels))],
        questions=["asked"], support=support, prediction=prediction, query_features=lambda sha: np.ones(1),
        classifier=SimpleNamespace(
            contributions=lambda query: terms, rejection=SimpleNamespace(threshold=-1.0)
        ),
    )  # fmt: skip


def test_the_most_alike_come_first_with_a_word_for_how_much_they_count() -> None:
    found = list(reasons.nearest(fitted([0.2, 0.9, 0.5], [-1.0, 2.0, 0.2], [1, 0, 0]), np.ones(1), 2))
    assert [(one.row, one.label, one.word) for one in found] == [(1, 0, "counts much"), (2, 0, "counts less than most")]
    assert found[0].numbers.startswith("90 % alike") and "+1.6" in found[0].numbers


def test_the_sentence_counts_the_most_alike_and_says_for_whom_the_words_speak() -> None:
    alike, labels = [0.9, 0.8, 0.7, 0.6, 0.5, 0.1], [0, 0, 1, 0, 0, 1]
    found = reasons.sentence(fitted(alike, [0.0] * 6, labels), 0)
    assert found == "4 of the 5 examples that look most like it are “cat”."
    found = reasons.sentence(fitted(alike[:2], [0.0] * 2, [0, 0], [0.1, 0.4]), 0)
    assert found == r"Both examples that look most like it are “cat”. The words speak for “dog\*”."
    assert reasons.sentence(fitted(alike[:1], [0.0], [0], [0.1, 0.12]), 0).endswith("The words hardly count.")
    assert reasons.sentence(fitted([0.5], [0.0], [1]), 0) == ""


def test_none_of_these_is_said_without_numbers_which_stand_behind() -> None:
    made = fitted([0.5, 0.4], [0.0, 0.0], [0, 1])
    made.prediction.abstained[0] = True
    said = reasons.sentence(made, 0)
    assert said.startswith("It comes closest to “cat”") and not any(letter.isdigit() for letter in said)
    assert reasons.none_numbers(made, 0) == "-3.0 spreads from what is usual there; below -1.0 it counts as none."


@pytest.mark.parametrize(
    ("spoken", "seen", "said"),
    [(1.0, 2.0, "the words speak for a and the pictures for a."), (1.0, -2.0, "the pictures have the last say.")],
)
def test_two_votes_are_weighed_in_words(spoken: float, seen: float, said: str) -> None:
    found = reasons.contrast("a", "b", spoken, seen, worded=True)
    assert found.endswith(said) and "2" not in found


def test_a_word_is_only_given_where_so_many_can_tell() -> None:
    assert [grade(right, 20)[0] for right in (20, 15, 5)] == ["good", "fair", "poor"]
    assert grade(0, 0)[0] == grade(3, 3)[0] == TOO_EARLY
    assert interval(11, 12) == "The true rate lies between 62 and 100 % (exact 95 % interval)."
