"""The word for how good a classifier is: only where its examples can tell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from studio.pictures.score_words import TOO_EARLY, score_word


def fitted(right: tuple[int, ...], counted: tuple[int, ...]) -> Any:
    """A classifier with so many recognised examples of each class, of so many that were left out."""
    correct = np.array(
        [place < hits for hits, count in zip(right, counted, strict=True) for place in range(count)], bool
    )
    loo = SimpleNamespace(counted=len(correct), correct=correct, class_counts=(np.array(counted), np.array(right)))
    return SimpleNamespace(classifier=SimpleNamespace(loo=loo))


@pytest.mark.parametrize(
    ("right", "counted", "word"),
    [
        ((10, 10), (10, 10), "good"),
        ((9, 9), (10, 10), "good"),
        ((8, 7), (10, 10), "fair"),
        ((6, 6), (10, 10), "poor"),
        ((2, 2), (2, 2), TOO_EARLY),  # two of two each say little
        ((10, 0), (10, 0), TOO_EARLY),  # of the second class nothing is known
        ((0, 0), (0, 0), TOO_EARLY),
    ],
)
def test_the_word_follows_the_share_and_how_much_is_known(
    right: tuple[int, ...], counted: tuple[int, ...], word: str
) -> None:
    assert score_word(fitted(right, counted))[0] == word
