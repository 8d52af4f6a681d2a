"""Learning curves, reliability, confusion, advice, flags and episodes, on cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from backends.core.errors import BadInput
from backends.fewshot.classifier import Classifier
from backends.fewshot.types import Support
from evaluation.metrics.base import metrics
from evaluation.metrics.fewshot.advice import advice
from evaluation.metrics.fewshot.classifiers import confusion, draws, learning_curve, points, reliability
from evaluation.metrics.fewshot.episodes import episodes, run_episode
from evaluation.metrics.fewshot.label_audit import duplicates, flags, mislabelled, outliers

AXES = np.eye(12)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def around(axes: list[int], noise: float, seed: int = 0) -> np.ndarray:
    """Features near the given axes, one a shot."""
    return unit(AXES[axes] + noise * np.random.default_rng(seed).standard_normal((len(axes), 12)))


def support(counts: list[int], noise: float = 0.1, names: tuple[str, ...] = ("cat", "dog", "owl")) -> Support:
    labels = np.repeat(np.arange(len(counts)), counts)
    return Support(around(labels.tolist(), noise), labels, names[: len(counts)])


def test_the_curve_is_right_all_along_where_classes_lie_apart() -> None:
    curve = list(learning_curve(support([5, 5, 5], noise=0.01), repeats=5))
    assert [point.shots for point in curve] == [1, 2, 3, 4]
    for point in curve:
        assert point.accuracy.estimate == 1
        assert 0.7 < point.accuracy.low < 0.9  # 15 pictures, all right


def test_the_curve_rises_with_shots_and_repeats_itself() -> None:
    taught = support([12, 12, 12], noise=0.45)
    curve = list(learning_curve(taught, "nearest", shots=[1, 4, 10]))
    one, four, ten = (point.accuracy.estimate for point in curve)
    assert one + 0.08 < four < ten + 0.05
    again = list(learning_curve(taught, "nearest", shots=[1, 4, 10]))
    assert [point.accuracy for point in curve] == [point.accuracy for point in again]
    other = list(learning_curve(taught, "nearest", shots=[1], seed=1))
    assert other[0].correct.tolist() != curve[0].correct.tolist()


def test_the_curve_never_tests_on_what_it_taught() -> None:
    """Labels at random: anything above chance would be a shot that was seen before."""
    random = np.random.default_rng(0)
    taught = Support(unit(random.standard_normal((80, 30))), np.arange(80) % 2, ("a", "b"))
    for point in learning_curve(taught, "tip_adapter", shots=[8, 30], repeats=5):
        assert 0.3 < point.accuracy.estimate < 0.7


def test_drawing_leaves_one_of_each_class_to_test_on() -> None:
    taught = support([1, 2, 8])
    for rows in draws(taught, 4, repeats=3):
        assert np.bincount(taught.labels[rows], minlength=3).tolist() == [1, 1, 4]
    curve = list(learning_curve(taught, shots=[4]))
    assert np.isnan(curve[0].correct[0])
    assert curve[0].accuracy.count == 10


def test_every_shot_is_tested_before_one_is_tested_again() -> None:
    taught = support([9, 9])
    left = [np.setdiff1d(np.arange(18), rows) for rows in draws(taught, 6, repeats=3)]
    assert np.bincount(np.concatenate(left), minlength=18).tolist() == [1] * 18


def test_a_curve_of_single_pictures_is_refused() -> None:
    with pytest.raises(BadInput, match="at least two pictures"):
        list(learning_curve(support([1, 1, 1])))


def test_points_of_a_long_curve_lie_closer_at_the_beginning() -> None:
    assert points(4) == [1, 2, 3, 4]
    far = points(200)
    assert (far[0], far[-1]) == (1, 200)
    assert len(far) <= 12
    assert far[1] - far[0] < far[-1] - far[-2]


def test_reliability_by_hand() -> None:
    """Ten answers 0.9 sure of which seven are right, ten 0.6 sure of which six are: the gap is 0.1."""
    shares = np.array([[0.9, 0.1]] * 10 + [[0.4, 0.6]] * 10)
    labels = np.array([0] * 7 + [1] * 3 + [1] * 6 + [0] * 4)
    found = reliability(shares, labels, bins=10)
    assert [(item.confidence, item.accuracy.estimate) for item in found.bins] == [
        (pytest.approx(0.6), 0.6),
        (pytest.approx(0.9), 0.7),
    ]
    assert found.calibration_error == pytest.approx(0.1)
    assert "75% sure and 65% right: surer than right (20 pictures)" in found.sentence


def test_reliability_of_nothing_and_of_certainty() -> None:
    assert reliability(np.zeros((0, 2)), np.zeros(0, int)).bins == ()
    sure = reliability(np.tile([1.0, 0.0], (10, 1)), np.zeros(10, int))
    assert sure.calibration_error == 0
    assert sure.bins[0].high == 1


def test_confusion_by_hand() -> None:
    found = confusion(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0]), 2, np.array([1, 1, 1, 1, 0], bool))
    assert found.table.tolist() == [[1, 1], [0, 2]]
    assert found.rows[0, 1].tolist() == [1]
    assert (1, 0) not in found.rows
    assert found.most_confused(0) == (1, 1)
    assert found.most_confused(1) == (0, 0)


def mixed_up() -> Support:
    """Of four cats three look like dogs; owls are owls."""
    return Support(
        around([0, 1, 1, 1] + [1] * 6 + [2] * 6, 0.05), np.repeat([0, 1, 2], [4, 6, 6]), ("cat", "dog", "owl")
    )


def test_advice_names_the_class_and_what_it_is_mistaken_for() -> None:
    classifier = Classifier.fit(mixed_up(), "tip_adapter")
    first = advice(classifier)[0]
    assert first.startswith("Add two more of “cat”: it is mistaken for “dog” (")
    assert not any("owl" in sentence for sentence in advice(classifier))


def test_advice_for_what_is_missing_and_when_all_is_well() -> None:
    assert "second picture of “dog”" in advice(Classifier.fit(support([3, 1], noise=0.01)))[0]
    assert advice(Classifier.fit(support([12, 12], noise=0.01))) == [
        "Nothing stands out: try it on pictures it has not seen."
    ]
    worded = Support(AXES[[0, 0]], np.array([0, 0]), ("cat", "dog"), AXES[:2])
    assert "Add a picture of “dog”" in advice(Classifier.fit(worded))[0]


def test_advice_sees_a_curve_that_still_rises() -> None:
    taught = support([12, 12, 12], noise=0.45)
    curve = list(learning_curve(taught, "nearest", shots=[1, 2, 10]))
    assert any("More pictures of every class" in sentence for sentence in advice(Classifier.fit(taught), curve))


def test_the_same_picture_twice_is_flagged_also_across_classes() -> None:
    images = around([0] * 5 + [1] * 5, 0.2)
    images[3] = unit(images[1] + 0.001)
    images[7] = images[2]
    taught = Support(images, np.repeat([0, 1], 5), ("cat", "dog"))
    found = duplicates(taught, [f"{row}.png" for row in range(10)])
    assert [flag.shots for flag in found] == [(2, 7), (1, 3)]
    assert found[0].sentence == "2.png and 7.png are nearly the same picture, once in “cat” and once in “dog”."
    assert "in “cat”" in found[1].sentence


def test_a_stranger_among_its_class_is_flagged_and_nobody_else() -> None:
    images = around([0] * 8 + [1] * 8, 0.1)
    images[5] = unit(AXES[7] + 0.3 * AXES[0])
    taught = Support(images, np.repeat([0, 1], 8), ("cat", "dog"))
    assert [flag.shots for flag in outliers(taught, [str(row) for row in range(16)])] == [(5,)]
    assert outliers(support([8, 8]), [""] * 16) == []


def test_a_wrong_name_is_flagged_with_the_right_one() -> None:
    labels = np.repeat([0, 1, 2], 6)
    images = around(labels.tolist(), 0.1)
    labels[4] = 2
    taught = Support(images, labels, ("cat", "dog", "owl"))
    found = mislabelled(Classifier.fit(taught), [f"{row}.png" for row in range(18)])
    assert [(flag.shots, flag.label) for flag in found] == [((4,), 0)]
    assert "4.png is filed under “owl” but looks like “cat”" in found[0].sentence


def test_a_weak_model_does_not_blame_the_names() -> None:
    random = np.random.default_rng(0)
    taught = Support(unit(random.standard_normal((60, 20))), np.arange(60) % 3, ("cat", "dog", "owl"))
    classifier = Classifier.fit(taught)
    assert classifier.loo.accuracy < 0.6
    assert mislabelled(classifier, [""] * 60) == []


def test_flags_name_each_shot_once_and_clean_shots_not_at_all() -> None:
    labels = np.repeat([0, 1, 2], 6)
    images = around(labels.tolist(), 0.1)
    images[0] = around([1], 0.1, seed=4)[0]
    found = flags(Classifier.fit(Support(images, labels, ("cat", "dog", "owl"))))
    assert [(flag.kind, flag.shots) for flag in found] == [("mislabelled", (0,))]
    assert found[0].sentence.startswith("picture 1 is filed")
    assert flags(Classifier.fit(support([6, 6, 6]))) == []


def test_episodes_never_ask_what_they_taught_and_repeat_themselves() -> None:
    labels = np.repeat(np.arange(4), [9, 7, 8, 12])
    found = list(episodes(labels, 3, 20))
    for episode in found:
        assert not set(episode.shots) & set(episode.queries)
        assert np.bincount(labels[episode.shots]).tolist() == [3] * 4
        assert np.bincount(labels[episode.queries]).tolist() == [4] * 4  # what the smallest class leaves
    again = list(episodes(labels, 3, 2))
    assert np.array_equal(found[1].shots, again[1].shots)
    assert not np.array_equal(found[0].shots, found[1].shots)
    with pytest.raises(BadInput, match="smallest has 7"):
        next(episodes(labels, 7, 1))


def test_an_episode_is_played_on_its_queries() -> None:
    taught, truth = support([4, 4, 4], noise=0.02), np.array([0, 1, 2])
    outcome = run_episode(taught, around([0, 1, 2], 0.02, seed=9), truth)
    assert (outcome.accuracy, outcome.loo_accuracy) == (1, 1)
    assert run_episode(taught, around([1, 2, 0], 0.02, seed=9), truth).accuracy == 0
    assert np.isnan(run_episode(support([1, 1, 1]), around([0, 1, 2], 0.02), truth).loo_accuracy)


def test_the_metrics_of_predictions_are_found_by_their_ids_and_agree_with_the_definitions() -> None:
    found = metrics("fewshot")
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.5, 0.5]])
    labels = np.array([0, 1, 1, 0])
    of_pools = {name for name in found if "recall_" in name and name[-1].isdigit()}  # test_retrieval.py has these
    measures = {name: metric for name, metric in found.items() if metric.compute and name not in of_pools}
    values = {name: metric.compute(probabilities, labels) for name, metric in measures.items()}
    assert values["accuracy"] == 0.75 and values["confidence"] == pytest.approx(0.7)
    assert values["calibration_error"] == pytest.approx(reliability(probabilities, labels).calibration_error)
    assert values["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.8, 0.5]).mean())
    assert found["accuracy"].format(0.75) == "75.0 %" and found["log_loss"].better(0.2, 0.3)
