"""Trust: temperatures, left-out scores, “none of these”, and a classifier that is kept in a file."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import BadInput
from backends.fewshot.calibration import fit_temperature, fit_temperature_and_loss, probabilities
from backends.fewshot.classifier import Classifier
from backends.fewshot.classifier_code import classifier_code
from backends.fewshot.heads import HEADS
from backends.fewshot.heads.nearest import Nearest
from backends.fewshot.heads.proker import ProKeR
from backends.fewshot.trust import leave_one_out
from backends.fewshot.trust.out_of_distribution import shot_similarity
from backends.fewshot.types import Support
from tests.support.fewshot_supports import centres, drawn, support, unit


def test_probabilities_by_hand() -> None:
    assert probabilities(np.array([[np.log(3.0), 0.0]]), 1.0)[0] == pytest.approx([0.75, 0.25])
    assert probabilities(np.array([[1000.0, 0.0]]), 1000 / np.log(3.0))[0] == pytest.approx([0.75, 0.25])


def test_the_temperature_of_scores_that_are_right_three_times_in_four() -> None:
    """A lead of 2 that is right in 3 of 4: the lead over T must be ln 3, but for the two shots that hold it back."""
    labels = np.array([0, 0, 0, 1] * 500)
    found = fit_temperature(np.tile([2.0, 0.0], (2000, 1)), np.r_[labels])
    weights = 1 / np.sqrt(np.bincount(labels))[labels]
    share = weights[labels == 0].sum() / weights.sum()
    right, wrong = 2001 / 2002, 1 / 2002
    wanted = share * right + (1 - share) * wrong
    assert found == pytest.approx(2 / np.log(wanted / (1 - wanted)), rel=1e-3)


def test_the_temperature_is_the_best_of_a_fine_grid() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(5), 12)
    scores = 30 * (np.eye(5)[labels] + random.standard_normal((60, 5)))
    found, loss = fit_temperature_and_loss(scores, labels)
    grid = np.exp(np.linspace(-4, 8, 4000))
    wrong = 1 / 62 / 4
    targets = np.where(np.eye(5)[labels] > 0, 61 / 62, wrong)
    losses = [-(targets * np.log(probabilities(scores, item))).sum() for item in grid]
    assert found == pytest.approx(grid[int(np.argmin(losses))], rel=0.01)
    assert loss == pytest.approx(min(losses), rel=1e-4)


@pytest.mark.parametrize(("shots", "most"), [(4, 0.90), (20, 0.97), (200, 0.999)])
def test_perfect_shots_do_not_make_certain(shots: int, most: float) -> None:
    labels = np.arange(shots) % 2
    scores = 10.0 * np.eye(2)[labels]
    sure = probabilities(scores, fit_temperature(scores, labels)).max()
    assert 0.75 < sure < most


def test_scores_that_say_nothing_give_even_chances() -> None:
    labels = np.arange(40) % 2
    upside_down = -np.eye(2)[labels]
    assert probabilities(upside_down, fit_temperature(upside_down, labels)).max() < 0.52
    assert fit_temperature(np.ones((4, 2)), labels[:4]) == 1.0


def test_probabilities_are_honest_on_pictures_not_seen() -> None:
    """Of queries answered with a probability around p, about p are right."""
    taught = support([30, 30, 30], worded=False, apart=0.35)
    labels = np.arange(3).repeat(400)
    answers = Classifier.fit(taught, "gda").predict(drawn(labels, 24, seed=7, apart=0.35))
    sure = answers.probabilities.max(axis=1)
    assert abs(sure.mean() - (answers.best == labels).mean()) < 0.06


def test_a_shot_alone_in_its_class_is_not_counted() -> None:
    for worded, counted in [(False, 4), (True, 4)]:  # by words alone it would be another classifier
        taught = support([4, 1], worded=worded)
        left = leave_one_out(ProKeR().fit(taught), taught)
        assert left.counted == counted
    assert leave_one_out(Nearest().fit(taught), taught).counted == 4  # which does not read words
    without = leave_one_out(ProKeR().fit(support([4, 1], worded=False)), support([4, 1], worded=False))
    assert "only one of its class" in without.sentence
    assert not without.correct[4]


def test_nothing_can_be_measured_with_one_shot_each() -> None:
    found = Classifier.fit(support([1, 1, 1], worded=False))
    assert found.loo.accuracy is None
    assert not found.calibrated
    assert "Nothing can be measured" in found.loo.sentence
    assert found.rejection.threshold is None
    shares = found.predict(found.support.image_features).probabilities
    assert np.array_equal(shares.argmax(axis=1), [0, 1, 2])
    assert shares.max() < 0.95


def test_nearness_is_the_mean_of_the_three_nearest_of_the_class() -> None:
    cosines = np.array([[0.1, 0.9, 0.5, 0.8, 0.99], [np.nan, 0.2, 0.4, np.nan, 0.99]])
    labels = np.array([0, 0, 0, 0, 1])
    assert shot_similarity(cosines, labels, np.array([0, 0])) == pytest.approx([(0.9 + 0.5 + 0.8) / 3, 0.3])
    assert np.isnan(shot_similarity(cosines, labels, np.array([2, 2]))).all()


@pytest.mark.parametrize(("classes", "worded"), [(2, False), (2, True), (5, False), (5, True)])
def test_pictures_of_another_class_are_none_of_these(classes: int, worded: bool) -> None:
    taught = support([8] * classes, worded=worded, dimensions=48, apart=1.5)
    found = Classifier.fit(taught)
    labels = np.arange(classes).repeat(40)
    belong = found.predict(drawn(labels, 48, seed=7, apart=1.5))
    random = np.random.default_rng(11)
    strange = unit(1.5 * centres(1, 48, seed=99) + random.standard_normal((200, 48)) + 1)
    assert found.predict(strange).abstained.mean() > 0.8
    assert belong.abstained.mean() < 0.25
    assert not found.predict(strange, reject=False).abstained.any()
    assert found.rejection.rejection_recall > 0.8
    assert found.rejection.false_rejection_rate <= 0.1


def test_classes_that_look_alike_turn_none_of_these_off() -> None:
    random = np.random.default_rng(0)
    taught = Support(unit(random.standard_normal((16, 12))), np.arange(16) % 2, ("a", "b"))
    found = Classifier.fit(taught, "nearest")
    assert found.rejection.threshold is None
    assert "is off" in found.rejection.sentence
    assert not found.predict(-taught.image_features).abstained.any()


CASES = [
    pytest.param(head, worded, id=f"{head}, {'words' if worded else 'pictures'}")
    for head in HEADS
    for worded in (True, False)
    if worded or head != "zero_shot"
]


@pytest.mark.parametrize(("head", "worded"), CASES)
def test_a_saved_classifier_answers_the_same_here_and_on_its_own(head: str, worded: bool, tmp_path: Path) -> None:
    taught = support([5, 4, 6], worded=worded)
    taught = Support(taught.image_features, taught.labels, ("cat", "köter 🐕", "a,b"), taught.text_features)
    found = Classifier.fit(taught, head)
    queries = drawn(np.arange(3).repeat(4), 24, seed=7, apart=0.3)
    found.save(tmp_path / "head.npz")
    expected, again = found.predict(queries), Classifier.load(tmp_path / "head.npz").predict(queries)
    assert again.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
    assert np.array_equal(again.abstained, expected.abstained)

    (tmp_path / "classify.py").write_text(classifier_code(), encoding="utf-8")
    np.savez(tmp_path / "features.npz", images=queries, names=np.array([f"{row}.png" for row in range(12)]))
    command = [sys.executable, "-I", "classify.py", "head.npz", "features.npz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=60)
    table = list(csv.reader(io.StringIO(done.stdout.decode("utf-8-sig"), newline="")))
    assert table[0] == ["file", "class", "probability", "abstained", "cat", "köter 🐕", "a,b"]
    rows = table[1:]
    assert [row[1] for row in rows] == [taught.classes[answer] for answer in expected.best]
    assert [row[3] == "yes" for row in rows] == expected.abstained.tolist()
    assert np.array([row[4:] for row in rows], float) == pytest.approx(expected.probabilities, abs=1e-5)


def test_a_loaded_classifier_keeps_what_is_known_of_it(tmp_path: Path) -> None:
    found = Classifier.fit(support([5, 4, 1], worded=[True, False, True]))
    found.save(tmp_path / "head.npz")
    again = Classifier.load(tmp_path / "head.npz")
    assert again.loo.sentence == found.loo.sentence
    assert again.rejection == found.rejection
    assert again.head.hyperparameters == found.head.hyperparameters
    query = found.support.image_features[0]
    assert again.contributions(query).shots == pytest.approx(found.contributions(query).shots, abs=1e-3)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04" + b"x" * 100])
def test_a_file_that_is_no_classifier_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "head.npz").write_bytes(content)
    with pytest.raises(BadInput, match="not a classifier"):
        Classifier.load(tmp_path / "head.npz")


def test_other_arrays_and_pickles_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "head.npz", images=np.ones(3))
    with pytest.raises(BadInput, match="not a classifier"):
        Classifier.load(tmp_path / "head.npz")
    np.savez(tmp_path / "evil.npz", version=np.array([{"a": 1}], object))
    with pytest.raises(BadInput, match="not a classifier"):
        Classifier.load(tmp_path / "evil.npz")


def test_evidence_adds_up_to_what_the_softmax_sees() -> None:
    found = Classifier.fit(support([4, 4, 4]), "tip_adapter")
    query = drawn(np.zeros(1, int), 24, seed=5)
    seen = found.contributions(query[0])
    logits = np.exp(seen.text + seen.images)
    assert logits / logits.sum() == pytest.approx(found.predict(query).probabilities[0], abs=1e-6)


def test_words_alone_make_a_classifier() -> None:
    found = Classifier.fit(support([0, 0, 0]))
    assert found.head.id == "zero_shot"
    assert not found.calibrated
    answers = found.predict(drawn(np.arange(3), 24))
    assert answers.probabilities.sum(axis=1) == pytest.approx(np.ones(3))
    assert np.isnan(answers.in_class_scores).all()


def test_an_unknown_head_is_refused() -> None:
    with pytest.raises(BadInput, match="no head called “svm”"):
        Classifier.fit(support([2, 2]), "svm")
