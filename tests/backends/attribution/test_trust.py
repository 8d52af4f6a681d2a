"""Maps that are right, wrong or copied, and what is said of each; and a whole explanation from question to files."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.__main__ import main
from backends.attribution import record, trust
from backends.attribution.explain import Explanation, explain
from backends.attribution.offer import Offer
from backends.attribution.question import Question
from backends.attribution.registry import METHODS, attribute
from backends.attribution.types import Attribution, Axis, Meter, Parts, Size, Subject
from backends.core.errors import BadInput
from backends.core.events import Metric, Notice, Progress
from backends.core.task import tasks

WEIGHTS = np.array([[3.0, 0.0, -1.0, 0.5], [0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [-2.0, 0.0, 0.0, 4.0]])
AXES = (Axis("time", "s", coordinates=(0.5, 1.5, 2.5, 3.5)), Axis("frequency", "Hz", coordinates=(50, 100, 200, 400)))


def linear(weights: np.ndarray = WEIGHTS, **more: Any) -> Subject:
    """A score that each part adds its weight to, so that the right map is known: the weights."""
    cells = Parts(AXES, (4, 4), lambda keep: (keep * weights).sum((1, 2)), "nothing", batch=8, plain=np.abs(weights))
    return Subject("sum", given_cells=cells, unit="points", **more)


def with_control(alike: bool) -> Subject:
    other = WEIGHTS if alike else np.random.default_rng(1).permutation(WEIGHTS.ravel()).reshape(4, 4)
    return linear(control=lambda share: linear(other))


def test_the_right_map_of_a_sum_stands_with_its_numbers() -> None:
    subject = with_control(alike=False)
    found = attribute(subject, ["occlusion"])
    assert np.allclose(found.values, WEIGHTS, atol=1e-6)
    checks = trust.check(subject, found, "full")
    assert checks.verdict == "stands" and "5 of 5 random orders" in checks.sentence
    assert checks.infidelity == pytest.approx(0, abs=1e-6), "the map says all of a linear score"
    assert checks.agreement is None or checks.agreement > 0.3
    assert checks.repeatability == 1 and checks.sensitivity is not None and checks.sensitivity < 0.1
    assert set(checks.cascade) == {1 / 3, 2 / 3, 1.0} and checks.control is not None


def test_a_map_turned_upside_down_does_not_stand() -> None:
    subject = linear()
    found = attribute(subject, ["occlusion"])
    checks = trust.check(subject, replace(found, values=-found.values))
    assert checks.verdict == "does not stand" and not checks.deletion.passes and not checks.insertion.passes
    assert checks.deletion.gain < 0 and "no faster than" in checks.sentence


def test_a_map_that_a_network_without_knowledge_gives_too_does_not_stand() -> None:
    subject = with_control(alike=True)
    checks = trust.check(subject, attribute(subject, ["occlusion"]))
    assert checks.control_likeness == pytest.approx(1) and checks.verdict == "does not stand"
    assert "knows nothing gives nearly the same map" in checks.sentence


def test_a_map_half_right_is_doubtful() -> None:
    curve = trust.Curve(np.array([0, 0.5, 1.0]), np.array([1, 0.1, 0]), np.array([[1, 0.5, 0], [1, 0.6, 0]]), True)
    worse = replace(curve, relevant=np.array([0, 0.5, 1]), random=np.array([[0, 0.4, 1], [0, 0.6, 1]]), falls=False)
    checks = trust.Checks(curve, worse)
    assert curve.passes and not worse.passes and checks.verdict == "doubtful"
    assert curve.area == pytest.approx(0.3) and curve.gain == pytest.approx(0.225)


def test_the_cost_of_the_tests_is_known_before() -> None:
    for depth in ("quick", "full"):
        meter = Meter()
        subject = replace(with_control(alike=False), meter=meter)
        found = attribute(linear(), ["occlusion"])
        trust.check(subject, found, depth)
        assert 0 < meter.count <= trust.cost(subject, "occlusion", depth)


OFFER = Offer(frozenset({"cells"}), "occlusion", lambda detail: Size((4, 4)))


def test_an_explanation_from_the_question_to_its_files(tmp_path: Path) -> None:
    about = {"card": "sum", "weights_sha256": "0" * 64}
    question = Question.read({"check": "quick", "seed": "3"})
    with closing(explain(with_control(alike=False), OFFER, question, about, tmp_path)) as events:
        found = list(events)
    assert found[0] == Metric("evaluations", METHODS["occlusion"].cost(Size((4, 4))), ""), "the cost comes first"
    counts = [event.done for event in found if isinstance(event, Progress) and event.stage == "Looking for reasons"]
    assert counts == sorted(counts) and counts[-1] == 17
    result = found[-1]
    assert isinstance(result, Explanation) and result.verdict == "stands" and result.evaluations == 17
    assert any(isinstance(event, Notice) and event.sentence == result.sentence for event in found)
    kinds = {artifact.kind: artifact.path for artifact in result.artifacts}
    assert set(kinds) == {"attribution", "about", "control"}
    with np.load(kinds["attribution"]) as stored:
        assert set(stored.files) == {"values", "time", "frequency"}
        assert stored["frequency"].tolist() == [50, 100, 200, 400]
    again = record.load(kinds["attribution"])
    assert np.allclose(again.values, WEIGHTS) and again.axes == AXES and again.seed == 3 and again.card == "sum"
    assert json.loads(kinds["about"].read_text())["checks"]["verdict"] == "stands"


def test_what_makes_no_sense_is_one_sentence(tmp_path: Path) -> None:
    for method, words in {"gradcam": "late map of features", "magic": "There is no method"}.items():
        with pytest.raises(BadInput, match=words):
            list(explain(linear(), OFFER, Question(method=method), {}, tmp_path))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip"])
def test_a_damaged_record_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    record.save(Attribution(WEIGHTS, AXES, "sum", "occlusion", 1.0), tmp_path)
    (tmp_path / "attribution.npz").write_bytes(content)
    with pytest.raises(BadInput, match="holds no attribution"):
        record.load(tmp_path / "attribution.npz")


def test_the_same_question_has_the_same_name_and_another_one_has_not() -> None:
    one = Question(target="vocals").key("song", "htdemucs")
    assert one == Question(target="vocals").key("song", "htdemucs")
    others = {Question(target="drums").key("song", "htdemucs"), Question(target="vocals").key("song", "dsp"), one}
    assert len(others) == 3


@pytest.mark.slow
def test_the_command_line_says_in_one_line_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from evaluation.synthetic.pictures import write_sample

    write_sample(tmp_path / "sample", 1)
    query = next((tmp_path / "sample" / "questions").iterdir())
    words = [
        "explain",
        "fewshot",
        str(query),
        "--support",
        str(tmp_path / "sample" / "shots"),
        "--engine",
        "prototypes",
    ]
    assert main([*words, "--detail", "3", "--out", str(tmp_path / "out"), "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["method"] == "occlusion" and line["checks"] is None and line["evaluations"] == 5
    with np.load(line["attribution"]) as stored:
        assert stored["values"].shape == (3, 3) and 0 < stored["x"][0] < stored["x"][-1] < 1
    assert main([*words, "--method", "gradcam", "--out", str(tmp_path / "out")]) == 2
    assert "cannot be asked that way" in capsys.readouterr().err


def test_every_engine_can_be_asked_but_those_that_are_known_not_to() -> None:
    explained = [task for task in tasks().values() if task.explainable]
    silent = {name for task in explained for name in task.engines if name not in task.load_explainable().offers}
    # A keyer looks at the colour of a pixel and at nothing else.
    assert silent == {"colabfold", "structure", "chroma"}
    for task in explained:
        for name in task.load_explainable().offers:
            described = task.load_explainable().described(name, 8)
            assert all(bool(one["reason"]) != (one["evaluations"] > 0) for one in described.values())
            assert described[task.load_explainable().offers[name].default]["reason"] == ""
