"""A training to one's own files: what is kept apart, installed and refused, and that a stop loses nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from filelock import FileLock
from safetensors.torch import load_file

from backends.core.adapting import LOCK, STOP, Standing, folder_of_training, read_standing
from backends.core.errors import BadInput, UserError
from backends.core.task import task_named
from backends.weights import user_models
from backends.weights.adapted import read_lineage
from tests.support.adapting import (
    LineAdaptation,
    line_adaptation,
    line_task,
    write_line,
    write_numbers,
)
from training.adapt import verdict
from training.adapt.base import Measure, Unit, split_units, without_copies
from training.adapt.job import LEARNING, Job, Request

STEPS = 40


class Harmful(LineAdaptation):
    sign = -1.0


class Broken(LineAdaptation):
    def measure(self, engine, split):
        yield from ((float("nan"),) for _ in split.apart)


@pytest.fixture
def make_job(tmp_path: Path) -> Callable[..., Job]:
    """A training of a line of slope 0 to files that say 3; it is called “mine”."""
    numbers, base = write_numbers(tmp_path / "numbers"), write_line(tmp_path / "base.safetensors", 0.0)

    def make(kind: type[LineAdaptation] = LineAdaptation, steps: int = STEPS, **more) -> Job:
        request = Request(line_task(), "mine", tmp_path / "weights", steps, 0)
        return Job(request, lambda scratch: line_adaptation(numbers, scratch, base, kind), **more)

    return make


def installed(tmp_path: Path) -> list[str]:
    """What lies beside the user's own models, hidden or not."""
    folder = tmp_path / "weights" / "yours" / "matting"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_what_became_better_is_a_card_with_its_lineage(make_job, tmp_path: Path) -> None:
    standing = make_job().run()
    assert standing.state == "installed" and standing == read_standing(tmp_path / "weights/adapting/matting/mine")
    score = standing.scores[0]
    assert score.before[0] == pytest.approx(3.05, abs=0.1) and score.after[0] < 0.1 and score.gain[1] > 2
    assert "On 4 numbers kept apart: error 3.0" in standing.sentence and "better by" in standing.sentence
    assert installed(tmp_path) == ["mine.json", "mine.safetensors"]
    path = tmp_path / "weights/yours/matting/mine.safetensors"
    assert float(load_file(path)["weight"]) == pytest.approx(3, abs=0.2)
    lineage = read_lineage(path)
    assert lineage is not None and (lineage.base, lineage.learned, lineage.apart) == ("modnet-starter", 8, 4)
    card = next(card for card in user_models.discover(task_named("matting"), tmp_path / "weights"))
    assert (card.id, card.title, card.tier) == ("yours/mine.safetensors", "mine", "yours")
    assert card.measured == standing.sentence and "adapted here on" in card.summary and "seed 0" in card.summary


def test_what_got_worse_is_refused_with_its_numbers(make_job, tmp_path: Path) -> None:
    standing = make_job(Harmful).run()
    assert standing.state == "refused" and "not installed" in standing.sentence and "worse by 3.0" in standing.sentence
    assert installed(tmp_path) == []


def test_what_did_not_change_is_refused(make_job, tmp_path: Path) -> None:
    class Still(LineAdaptation):
        sign = 0.0

    standing = make_job(Still).run()
    assert standing.state == "refused" and "not shown to be better" in standing.sentence
    assert installed(tmp_path) == []


def test_a_stop_keeps_what_was_learned_and_nothing_half_written(
    make_job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.adapt.job.NOTED_SECONDS", 0.0)
    seen: list[Standing] = []
    job = make_job(watch=seen.append, stopping=lambda: job.standing.done >= 5 and job.standing.stage == "Learning")
    standing = job.run()
    folder = tmp_path / "weights/adapting/matting/mine"
    assert standing.state == "stopped" and standing.done == 5 and "Nothing is lost" in standing.sentence
    assert installed(tmp_path) == [] and (folder / f"{LEARNING}.pt").exists()
    assert any(one.left is not None and one.left >= 0 for one in seen)
    measured = LineAdaptation.measured
    again = make_job()
    assert again.run().state == "installed"
    assert LineAdaptation.measured == measured + 1, "what there was before is not measured twice"
    assert not (folder / f"{LEARNING}.pt").exists() and not (folder / "scratch").exists()


def test_a_file_in_its_folder_stops_it_as_well(make_job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.adapt.job.NOTED_SECONDS", 0.0)
    folder = folder_of_training(tmp_path / "weights", "matting", "mine")

    def ask(standing: Standing) -> None:
        if standing.stage == "Learning":
            (folder / STOP).touch()

    assert make_job(watch=ask).run().state == "stopped"
    assert make_job().run().state == "installed", "an old request is forgotten"


def test_a_stop_that_is_asked_while_its_process_starts_is_heard(make_job, tmp_path: Path) -> None:
    stop = folder_of_training(tmp_path / "weights", "matting", "mine") / STOP
    job = make_job()
    stop.touch()
    assert job.run().state == "stopped" and not stop.exists()
    stop.touch()
    os.utime(stop, (0, psutil.Process().create_time() - 60))
    assert make_job().run().state == "installed", "asked of a process that was killed"


def test_one_that_goes_on_with_other_numbers_begins_anew(make_job, tmp_path: Path) -> None:
    job = make_job(stopping=lambda: job.standing.done >= 5 and job.standing.stage == "Learning")
    job.run()
    (tmp_path / "numbers" / "n99.txt").write_text("3.5")
    make_job().run()
    log = (tmp_path / "weights/adapting/matting/mine" / f"{LEARNING}.csv").read_text().splitlines()
    assert [row.split(",")[1] for row in log[1:]] == [str(step) for step in range(1, STEPS + 1)]


def test_two_processes_do_not_work_on_one_training(make_job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.adapt.job.LOCK_SECONDS", 0.0)
    job = make_job()
    with FileLock(job.folder / LOCK), pytest.raises(BadInput, match="is being trained already"):
        job.run()


def test_a_name_that_is_taken_is_refused_before_anything_is_read(make_job, tmp_path: Path) -> None:
    folder = tmp_path / "weights/yours/matting"
    folder.mkdir(parents=True)
    (folder / "mine.onnx").write_bytes(b"another")
    with pytest.raises(BadInput, match=r"“mine\.onnx” already"):
        make_job().run()
    standing = read_standing(tmp_path / "weights/adapting/matting/mine")
    assert standing is not None and standing.state == "failed" and "choose another name" in standing.sentence


def test_a_result_that_gives_no_numbers_is_an_error_in_words(make_job, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="gives no numbers"):
        make_job(Broken).run()
    assert installed(tmp_path) == []


def test_copies_count_once_and_are_told(make_job, tmp_path: Path) -> None:
    (tmp_path / "numbers" / "n0 copy.txt").write_text((tmp_path / "numbers" / "n0.txt").read_text())
    standing = make_job().run()
    assert standing.notices == ("1 held the same as another and counted once: n0.",)


def units(*labels: str) -> list[Unit]:
    return [Unit(f"{label}{number}", (), label) for number, label in enumerate(labels)]


def test_a_third_of_each_label_is_kept_apart_and_the_seed_says_which() -> None:
    material = line_task().material
    assert material is not None
    many = units(*(["a"] * 9 + ["b"] * 3))
    split = split_units(many, 0, material)
    assert sorted(unit.label for unit in split.apart) == ["a", "a", "a", "b"]
    assert {unit.name for unit in (*split.learned, *split.apart)} == {unit.name for unit in many}
    assert not set(split.learned) & set(split.apart)
    assert split == split_units(many, 0, material)
    assert {frozenset(split_units(many, seed, material).apart) for seed in range(5)} != {frozenset(split.apart)}


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ("", "There are no numbers here that can be learned from, and it takes at least 6: a third is kept apart"),
        ("a", "There is 1 number here"),
        ("aaa", "There are 3 numbers here"),
        ("aaaaab", "“b” has 1 number: it takes at least 2"),
    ],
)
def test_too_few_to_keep_a_part_apart(labels: str, sentence: str) -> None:
    material = line_task().material
    assert material is not None
    with pytest.raises(BadInput, match=sentence):
        split_units(units(*labels), 0, material)


def test_copies_are_known_by_their_content(tmp_path: Path) -> None:
    for name, content in (("a", "1"), ("b", "2"), ("c", "1")):
        (tmp_path / name).write_text(content)
    kept, digests, copies = without_copies(Unit(name, (tmp_path / name,)) for name in "abc")
    assert ([unit.name for unit in kept], copies, sorted(digests)) == (["a", "b"], ["c"], ["a", "b"])


def test_a_second_measure_that_got_worse_refuses_too() -> None:
    measures = (Measure("voice", "dB", 1), Measure("rest", "dB", 1))
    before = [(1.0, 1.0), (1.1, 1.2), (0.9, 1.1)]
    better = [(3.0, 1.0), (3.2, 1.3), (2.9, 1.0)]
    worse = [(3.0, -4.0), (3.2, -4.1), (2.9, -3.9)]
    assert verdict.is_better(measures, before, better)
    assert not verdict.is_better(measures, before, worse)
    assert "got worse: rest" in verdict.reason(verdict.scores_of(measures, before, worse))


def test_few_right_answers_more_are_not_enough() -> None:
    measures = (Measure("right", "%", 0, counted=True),)
    few, many = [(0.0,)] * 4, [(0.0,)] * 8
    assert not verdict.is_better(measures, few, [(1.0,)] * 4), "all four changed, which chance does once in eight"
    assert verdict.is_better(measures, many, [(1.0,)] * 8)
    scores = verdict.scores_of(measures, many, [(1.0,)] * 8)
    assert scores[0].gain[0] == 100 and scores[0].before[2] < 35


def test_the_terminal_answers_bad_input_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from training.adapt.command import BAD_INPUT, main

    assert main(["adapt", "matting", str(tmp_path / "none"), "--name", "mine"]) == BAD_INPUT
    assert "There is no folder" in capsys.readouterr().err
    assert main(["adapt", "matting", str(tmp_path), "--name", "../mine"]) == BAD_INPUT
    assert "A name is made of letters" in capsys.readouterr().err
    assert main(["adapt", "matting", str(tmp_path), "--name", "mine", "--steps", "0"]) == BAD_INPUT
    assert "at least" in capsys.readouterr().err
    assert main(["adapt", "matting", str(tmp_path), "--name", "mine", "--base", "modnet-webcam"]) != 0
    assert "not on this machine yet" in capsys.readouterr().err


def test_what_was_noted_is_whole_or_not_there(tmp_path: Path) -> None:
    assert read_standing(tmp_path) is None
    (tmp_path / "standing.json").write_text(json.dumps({"task": "matting"})[:-3])
    assert read_standing(tmp_path) is None
