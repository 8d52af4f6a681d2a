"""What a study keeps of inputs and answers: excerpts at the worst place, whole files, or nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from backends.core.errors import BadInput
from evaluation.conditions.separation import decode
from evaluation.datasets.base import Sample
from evaluation.report.html import render
from evaluation.studies import runner
from evaluation.studies.excerpts import OutputFile, keeper
from evaluation.studies.results import StudyResults
from evaluation.studies.runner import run
from evaluation.studies.store import StudyFolder, part_key
from evaluation.synthetic.proteins import helical_hairpin, ideal_helix
from tests.support import studies

RATE = 8000


def song(value: float = 0.2) -> Sample:
    wave = np.zeros((2, 8 * RATE), np.float32)
    wave[:, 5 * RATE : 6 * RATE] = value  # one second that differs from all others
    return Sample({"mixture": wave, "samplerate": RATE}, {"vocals": wave})


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Studies whose answers are kept as one line of text each."""

    class Lines:
        @staticmethod
        def excerpt(sample: Sample, output: float, where: float | None) -> Iterator[OutputFile]:
            yield OutputFile("input", "the mix", ".txt", b"")
            yield OutputFile("answer", f"at {where:.2f}", ".txt", f"{output:.3f}".encode())

        @staticmethod
        def whole_input(sample: Sample) -> Iterator[OutputFile]:
            yield OutputFile("input", "all of it", ".txt", b"input")

        @staticmethod
        def whole_output(sample: Sample, output: float) -> Iterator[OutputFile]:
            yield OutputFile("answer", "all of it", ".txt", b"output")

    studies.use(monkeypatch, 4)
    monkeypatch.setattr(runner, "keeper", lambda task: Lines)


@pytest.mark.usefixtures("kept")
def test_excerpts_are_of_the_worst_place_of_each_answer(tmp_path: Path) -> None:
    results = StudyResults.read(run(studies.study(keep="excerpts", conditions=[{"noise": [3]}]), tmp_path))
    row = results.rows.query("unit == 'song 002' and system == 'dsp' and condition == 'clean'").iloc[0]
    given, answer = results.excerpts("song 002", "dsp")
    assert (given.role, answer.caption) == ("input", f"at {row['where']:.2f}")
    assert answer.read() == f"{row['value']:.3f}".encode()
    assert len(list((tmp_path / "kept").iterdir())) == 4  # not under harder conditions
    assert results.excerpts("song 002", "unknown") == () and results.excerpts("gone", "dsp") == []


@pytest.mark.usefixtures("kept")
def test_everything_and_nothing(tmp_path: Path) -> None:
    results = StudyResults.read(run(studies.study(keep="everything"), tmp_path / "all"))
    folder = StudyFolder(tmp_path / "all").files(part_key("song 000", "clean", 0))
    roles = [entry["role"] for entry in json.loads((folder / "index.json").read_text())]
    assert roles == ["input", *["input", "answer", "whole"] * 3]
    assert len(results.excerpts("song 000", "dsp")) == 2
    run(studies.study(), tmp_path / "none")
    assert not (tmp_path / "none" / "kept").exists()


@pytest.mark.usefixtures("kept")
def test_what_was_kept_and_is_gone_or_damaged_is_one_sentence(tmp_path: Path) -> None:
    store = run(studies.study(keep="excerpts"), tmp_path)
    results, folder = StudyResults.read(store), store.files(part_key("song 000", "clean", 0))
    (one, _) = results.excerpts("song 000", "dsp")
    one.path.unlink()
    with pytest.raises(BadInput, match="no longer there"):
        one.read()
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps([{**index[0], "file": "../../study.json"}]))
    with pytest.raises(BadInput, match="is damaged"):
        results.excerpts("song 000", index[0]["system"])


def test_a_study_of_before_there_were_excerpts_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies.use(monkeypatch, 3)
    run(studies.study(), tmp_path)
    about = json.loads((tmp_path / "study.json").read_text())
    del about["study"]["keep"], about["study"]["published"]
    (tmp_path / "study.json").write_text(json.dumps(about))
    assert len(run(studies.study(), tmp_path).rows()) == 9


def test_seconds_of_a_song_are_those_of_the_worst_second() -> None:
    files = list(keeper("separation").excerpt(song(), {"vocals": song().reference["vocals"]}, 5.0))
    assert [file.role for file in files] == ["input", "truth", "answer"]
    wave = decode(files[0].data)[0]
    second = len(wave) / 4
    energy = [float(np.square(part).mean()) for part in np.array_split(wave, 8)]
    assert 3.5 < len(wave) / 24_000 < 4.6
    assert int(np.argmax(energy)) in (3, 4) and second > 0  # the loud second lies in the middle


def test_a_frame_a_question_and_a_chain() -> None:
    frames = np.zeros((3, 20, 40, 3), np.uint8)
    frames[1, ..., 0] = 250
    clip = Sample({"frames": frames, "fps": 6}, np.zeros((3, 20, 40), np.float32))
    given, _, _ = keeper("matting").excerpt(clip, np.ones((3, 20, 40)), 1.0)
    assert np.asarray(Image.open(io.BytesIO(given.data)))[..., 0].mean() > 230

    red, blue = (_png(colour) for colour in ((200, 0, 0), (0, 0, 200)))
    episode = Sample(
        {"shots": [red, blue], "labels": np.array([0, 1]), "queries": [red], "names": ["red", "blue"]}, np.array([0])
    )
    question, true, answer = keeper("fewshot").excerpt(episode, np.array([[0.3, 0.7]]), 0.0)
    assert (true.caption, answer.caption) == ("truly red, held 30 % probable", "answered blue, 70 %")
    assert np.asarray(Image.open(io.BytesIO(answer.data))).mean(axis=(0, 1)).argmax() == 2 and question.data

    helix = ideal_helix(20)
    moved = helix.moved(np.eye(3), np.array([50.0, 0, 0]))
    (file,) = keeper("folding").excerpt(Sample({"sequence": helix.sequence}, helix), moved, 3.0)
    traces = json.loads(file.data)
    assert np.allclose(traces["truth"], traces["answer"], atol=0.11) and traces["worst"] == 3


def test_whole_files_come_back(tmp_path: Path) -> None:
    given, truth = keeper("separation").whole_input(song())
    assert (given.role, truth.role) == ("input", "truth")
    wave, rate = soundfile.read(io.BytesIO(truth.data))
    assert rate == RATE and np.allclose(wave.T, song().reference["vocals"], atol=1e-5)
    (model,) = keeper("folding").whole_output(Sample({}), helical_hairpin())
    assert model.data.startswith((b"HEADER", b"ATOM", b"REMARK", b"TITLE", b"MODEL"))


def test_the_report_plays_and_shows_them_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies.use(monkeypatch, 4)
    monkeypatch.setattr(runner, "keeper", lambda task: _Media)
    page = render([StudyResults.read(run(studies.study(keep="excerpts"), tmp_path))])
    assert page.count("<audio controls src='data:audio/mpeg;base64,") == 4  # the worst and a typical one of two models
    assert page.count("<img src='data:image/jpeg;base64,") == 4
    assert page.count('<canvas class="structure"') == 4 and page.count("requestAnimationFrame") == 1
    assert "default-src 'none'" in page and "://" not in page.split("<script type")[0]


class _Media:
    @staticmethod
    def excerpt(sample: Sample, output: Any, where: float | None) -> Iterator[OutputFile]:
        yield OutputFile("input", "sound", ".mp3", b"mp3")
        yield OutputFile("truth", "picture", ".jpg", b"jpg")
        yield OutputFile("answer", "chain", ".json", json.dumps({"truth": [[0, 0, 0]], "answer": [[1, 1, 1]]}).encode())


def _png(colour: tuple[int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()
