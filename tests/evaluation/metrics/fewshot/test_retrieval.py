"""Recall at k both ways: captions counted as CLIP Benchmark does, and ties by what chance would give."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.metrics.base import metrics
from evaluation.metrics.fewshot.retrieval import image_recall, ranks, text_recall
from evaluation.metrics.fewshot.scores import accuracy_5, class_recall


def by_sorting(similarities: np.ndarray, owners: np.ndarray, k: int) -> float:
    """Any own caption among the first k of a plain sort."""
    first = np.argsort(-similarities, axis=1)[:, :k]
    return float((owners[first] == np.arange(len(similarities))[:, None]).any(axis=1).mean())


@pytest.mark.parametrize("k", [1, 5, 10])
def test_recall_is_that_of_a_plain_sort(k: int) -> None:
    rng = np.random.default_rng(k)
    owners = np.repeat(np.arange(30), 3)
    similarities = rng.normal(size=(30, 90)) + 1.5 * (owners == np.arange(30)[:, None])
    assert text_recall(similarities, owners, k) == pytest.approx(by_sorting(similarities, owners, k))
    assert image_recall(similarities[:, ::3], owners[::3], k) == pytest.approx(
        by_sorting(similarities[:, ::3].T, np.arange(30), k)
    )


def test_an_answer_that_knows_nothing_gets_what_chance_gives() -> None:
    blank, owners = np.zeros((20, 20)), np.arange(20)
    assert text_recall(blank, owners, 5) == pytest.approx(5 / 20)
    assert image_recall(blank, owners, 10) == pytest.approx(10 / 20)
    # Of 4 captions, 2 are the picture's own: 1 − (2 over 1) / (4 over 1).
    assert text_recall(np.zeros((2, 4)), np.array([0, 0, 1, 1]), 1) == pytest.approx(0.5)


def test_the_worst_picture_is_the_one_whose_caption_comes_last() -> None:
    similarities = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.7], [0.1, 0.2, 0.3]])
    assert ranks(similarities, np.arange(3)).tolist() == [0, 2, 0]


def test_the_measures_have_names() -> None:
    known = metrics("fewshot")
    assert known["text_recall_5"].name == "R@5, picture to caption" and known["image_recall_1"].unit == "%"


def test_top_five_and_recall_of_classes() -> None:
    probabilities = np.eye(7)[[0, 0, 0, 1]] + 0.01 * np.arange(7)
    assert accuracy_5(probabilities, np.array([0, 6, 1, 1])) == pytest.approx(3 / 4)
    assert class_recall(np.eye(3)[[0, 0, 0, 2]], np.array([0, 0, 1, 2])) == pytest.approx((1 + 0 + 1) / 3)
