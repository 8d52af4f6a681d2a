"""What a classifier promises holds for the classifier in use: lone examples, copies, unknown words, unknown things."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import BadInput
from backends.fewshot.classifier import Classifier
from backends.fewshot.classifier_code import classifier_code
from backends.fewshot.heads import default_head
from backends.fewshot.trust.words import NO_VOTE
from backends.fewshot.types import Support
from backends.shared.spreadsheet import plain_cell, safe_cell, write_rows
from evaluation.metrics.fewshot.advice import advice
from evaluation.metrics.fewshot.label_audit import duplicates
from tests.support.fewshot_supports import centres, drawn, support, unit
from viz.fewshot.figures import bars, votes

DIMENSIONS = 48


def taught(counts: list[int], worded: bool = True, seed: int = 0) -> Support:
    return support(counts, dimensions=DIMENSIONS, worded=worded, seed=seed)


def right(classifier: Classifier, label: int, seeds: int = 60) -> float:
    """How often new pictures of a class are recognised."""
    new = drawn(np.full(seeds, label), DIMENSIONS, seed=77)
    # `drawn` makes as many centres as there are labels: those of all classes are needed.
    middle = centres(len(classifier.support.classes), DIMENSIONS)
    noise = np.random.default_rng(5).standard_normal(new.shape)
    return float((classifier.predict(unit(0.8 * middle[label] + noise + 1), reject=False).best == label).mean())


def burst(scenes: int, frames: int, classes: int = 3, seed: int = 0) -> Support:
    """Scenes of each class, each as many frames that hardly differ."""
    labels = np.repeat(np.arange(classes), scenes)
    rows = np.repeat(drawn(labels, DIMENSIONS, seed, apart=0.5), frames, axis=0)
    jitter = np.random.default_rng(3).standard_normal(rows.shape) * 0.02
    names = tuple(f"class {label}" for label in range(classes))
    return Support(unit(rows + jitter).astype(np.float32), np.repeat(labels, frames), names)


def test_one_example_against_many_is_still_an_answer() -> None:
    shares = {lone: right(Classifier.fit(taught([10, lone])), 1) for lone in (1, 2, 10)}
    assert shares[1] > 0.6 and shares[2] >= shares[1] - 0.1 and shares[10] >= shares[1]
    assert default_head(taught([150, 1])) == default_head(taught([8, 8, 1])) == "tip_adapter"


def test_a_lone_example_is_not_counted_by_its_words() -> None:
    found = Classifier.fit(taught([20, 1]))
    counted, correct = found.loo.class_counts
    assert counted.tolist() == [20, 0] and correct[1] == 0
    assert "One picture is the only one of its class" in found.loo.sentence
    assert any("Add a second picture of “class 1”" in sentence for sentence in advice(found))


def test_frames_of_a_burst_count_as_one_picture() -> None:
    found, once = Classifier.fit(burst(3, 15)), Classifier.fit(burst(3, 1))
    assert found.loo.counted == once.loo.counted == 9 and found.loo.copies == 126
    assert abs(found.loo.accuracy - once.loo.accuracy) <= 2 / 9  # and not 135 of 135
    assert "126 pictures are nearly the same as others" in found.loo.sentence
    assert not Classifier.fit(burst(1, 15)).calibrated  # one scene a class: nothing can be left out


def test_a_burst_is_one_finding_and_not_one_for_each_pair() -> None:
    found = duplicates(burst(3, 15), [f"{row}.png" for row in range(135)])
    assert len(found) == 9 and all(len(flag.shots) == 15 for flag in found)
    assert found[0].sentence.startswith("15 pictures in “class ")


def test_different_pictures_are_no_copies() -> None:
    assert len(taught([12, 12, 12]).distinct_rows) == 36


@pytest.mark.parametrize("head", ["gda", "proker", "tip_adapter", "nearest"])
def test_the_order_of_the_examples_changes_neither_score_nor_answers(head: str) -> None:
    one = taught([7, 5, 6])
    order = np.random.default_rng(1).permutation(18)
    first, second = Classifier.fit(one, head), Classifier.fit(one.subset(order), head)
    assert second.loo.correct.tolist() == first.loo.correct[order].tolist()
    asked = drawn(np.arange(3), DIMENSIONS, seed=9)
    assert second.predict(asked).probabilities == pytest.approx(first.predict(asked).probabilities, abs=1e-6)


def test_words_that_do_not_fit_the_pictures_have_no_vote_and_that_is_said() -> None:
    good = taught([3, 3, 3])
    assert not Classifier.fit(good).words_sentence and Classifier.fit(good).support.has_text.all()
    wrong = Support(good.image_features, good.labels, good.classes, np.roll(good.text_features, 1, axis=0))
    found = Classifier.fit(wrong)
    assert found.words_sentence == NO_VOTE and not found.support.has_text.any()
    assert right(found, 0) >= right(Classifier.fit(wrong, "zero_shot"), 0)
    asked_for = Classifier.fit(wrong, "zero_shot")  # whoever wants the words alone gets them
    assert asked_for.support.has_text.all()


def test_words_that_cannot_be_done_without_are_said_to_be_doubtful() -> None:
    good = taught([3, 3, 0])
    wrong = Support(good.image_features, good.labels, good.classes, np.roll(good.text_features[[1, 0, 2]], 0, axis=0))
    found = Classifier.fit(wrong)
    assert "“class 2” has no picture" in found.words_sentence and found.support.has_text.all()


def test_none_of_these_promises_nothing_about_other_things() -> None:
    found = Classifier.fit(support([12, 12, 12], dimensions=DIMENSIONS, apart=1.5)).rejection
    assert found.threshold is not None
    assert "on your own classes only" in found.sentence and "Nothing else was tried" in found.sentence


def run_script(folder: Path, found: Classifier, features: dict[str, np.ndarray]) -> subprocess.CompletedProcess[str]:
    (folder / "classify.py").write_text(classifier_code(), encoding="utf-8")
    found.save(folder / "head.npz")
    np.savez(folder / "features.npz", **features)
    command = [sys.executable, "classify.py", "head.npz", "features.npz"]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.slow
def test_the_exported_classifier_answers_exactly_as_the_page(tmp_path: Path) -> None:
    separate = support([12, 12, 12], dimensions=DIMENSIONS, apart=1.5)
    asked = np.r_[drawn(np.arange(3), DIMENSIONS, seed=9), -separate.image_features[:5]]
    for reject in (True, False):
        found = Classifier.fit(separate, reject=reject, space="clip-1")
        done = run_script(tmp_path, found, {"images": asked, "space": np.array("clip-1")})
        here = found.predict(asked)
        assert here.abstained.any() == reject
        rows = [line.split(",") for line in done.stdout.lstrip("\ufeff").splitlines()[1:]]
        assert [row[3] for row in rows] == ["yes" if none else "no" for none in here.abstained]
        assert [row[4:] for row in rows] == [[f"{p:.6f}" for p in line] for line in here.probabilities]
        again = Classifier.load(tmp_path / "head.npz")
        assert (again.reject, again.space) == (reject, "clip-1")
        assert again.predict(asked).abstained.tolist() == here.abstained.tolist()


@pytest.mark.slow
def test_features_of_another_model_are_refused_in_a_sentence(tmp_path: Path) -> None:
    found = Classifier.fit(taught([3, 3]), space="clip-1")
    asked = taught([1, 1]).image_features
    for features in ({"images": asked, "space": np.array("clip-2")}, {"images": asked[:, :7]}):
        done = run_script(tmp_path, found, features)
        assert done.returncode and "another model" in done.stderr and "Traceback" not in done.stderr
    with pytest.raises(BadInput, match="another model"):
        found.predict(asked[:, :7])


def test_no_cell_is_a_formula_and_the_table_has_its_mark() -> None:
    names = ("=1+1", "@SUM(1+1)", "+cmd|' /C calc'!A0", "-x", "\t=1", "＝1", " =1", "Zürich 馬", "007", "-0.5", "'=1")
    file = io.StringIO()
    write_rows(file, [names])
    assert file.getvalue().startswith("\ufeff") and "Zürich 馬,007,-0.5" in file.getvalue()
    cells = [safe_cell(name) for name in names]
    assert all(str(cell).startswith("'") for cell in cells[:7]) and [plain_cell(str(cell)) for cell in cells] == [
        *names
    ]


def test_numbers_as_names_are_names_on_every_axis() -> None:
    figure, _ = bars(("007", "01", "2"), np.array([0.5, 0.3, 0.2]))
    assert figure.layout.yaxis.type == "category" and list(figure.data[0].y) == ["007", "01", "2"]
    figure, _ = votes(("1", "2"), np.array([0.5, 0.3]), np.array([0.1, 0.2]))
    assert figure.layout.xaxis.type == "category"
    figure, _ = bars(("x" * 50 + "a", "x" * 50 + "b"), np.array([0.5, 0.3]))
    assert len(set(figure.data[0].y)) == 2
