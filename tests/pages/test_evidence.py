"""The page of evidence: studies are listed, a finished one is read in words, a unit leads to its workbench."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from evaluation.studies.runner import run
from evaluation.studies.study import Study
from studio import services
from studio.evidence import studies as shelf
from tests.support import studies
from tests.support.pages import click, fresh_services, studio_app, words_of


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The page without a backend: what was measured can be read all the same."""
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    monkeypatch.setenv("FOURFOLD_STUDIES", str(tmp_path / "studies"))
    with fresh_services(wait=False):
        app = studio_app()
        app.run().switch_page("pages/evidence.py").run()
        yield app


def finish(name: str, monkeypatch: pytest.MonkeyPatch, study: Study | None = None) -> Path:
    studies.use(monkeypatch, 9)
    folder = shelf.folder() / name
    run(study or studies.study(conditions=[{"noise": [3]}]), folder)
    return folder


def view(app: AppTest, name: str) -> str:
    next(c for c in app.segmented_control if c.label == "Look closer").set_value(name).run()
    assert not app.exception
    return words_of(app)


def test_shipped_studies_are_offered_and_own_numbers_explained(page: AppTest) -> None:
    assert not page.exception
    assert sum("Run this study" in button.label for button in page.button) == 4
    assert "python -m evaluation compare" in words_of(page)


def test_a_finished_study_in_words_and_views(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    finish("mine", monkeypatch)
    page.run()
    click(page, "Open")
    assert page.query_params["study"] in ("mine", ["mine"])
    assert "the best of 3 is htdemucs-starter" in words_of(page)
    assert "htdemucs-starter is better than dsp by 1.0 dB" in words_of(page)
    assert "What got worse" in view(page, "Unit by unit")
    assert "nowhere worse" in words_of(page)
    assert "no loss is certain" in view(page, "Robustness")
    assert "took no measure of confidence" in view(page, "Confidence")
    view(page, "Failures")
    assert any("Open at second" in button.label for button in page.button)
    assert "drawn by rule" in view(page, "About and files")


def test_what_a_model_gains_or_loses_on_other_data(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    finish("mine", monkeypatch)
    page.query_params["study"] = "mine"
    page.run()
    assert "no other study of this task" in view(page, "Other data")
    elsewhere = {"id": "drawn-songs", "domain": "recorded or measured"}
    finish("theirs", monkeypatch, studies.study(dataset=elsewhere))
    shown = view(page, "Other data").replace("\\", "")
    assert "dsp: its lead over “mixture” goes from 3.0 dB on Rendered mixes (made by rule) to 3.0 dB" in shown
    assert "(recorded or measured), a gain of 0.0 dB that may be none" in shown
    assert page.get("plotly_chart")


def test_units_are_sorted_by_their_labels(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = finish("mine", monkeypatch)
    about = json.loads((folder / "study.json").read_text())
    about["labels"] = {
        "genre": {unit: "rock" if number < 6 else "jazz" for number, (unit, _) in enumerate(about["units"])}
    }
    (folder / "study.json").write_text(json.dumps(about))
    page.query_params["study"] = "mine"
    page.run()
    shown = view(page, "Robustness")
    assert "From group to group" in shown and "A group of fewer than six units has a median and no interval." in shown
    frames = [frame.value for frame in page.dataframe if "Group" in frame.value.columns]
    assert frames[0]["Group"].tolist() == ["jazz", "rock"] and frames[0]["Songs"].tolist() == ["3", "6"]


def test_a_study_that_runs_elsewhere_is_watched(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = finish("mine", monkeypatch)
    progress = {"state": "running", "done": 9, "total": 18, "rate": 2.0, "left": 60.0, "updated": time.time()}
    (folder / "progress.json").write_text(json.dumps(progress))
    page.query_params["study"] = "mine"
    page.run()
    assert not page.exception
    assert "the intervals narrow" in words_of(page)
    progress["updated"] = time.time() - 2 * shelf.SILENT_SECONDS
    (folder / "progress.json").write_text(json.dumps(progress))
    page.run()
    assert "stopped before its end" in words_of(page)


@pytest.mark.parametrize("name", ["../../etc", "gone", "a/b"])
def test_an_address_without_a_study(page: AppTest, name: str) -> None:
    page.query_params["study"] = name
    page.run()
    assert not page.exception
    assert "no such study" in words_of(page)


def test_a_unit_becomes_a_run_with_the_model_that_was_measured(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    finish("mine", monkeypatch)
    asked: dict[str, object] = {}
    sample = studies_sample()
    monkeypatch.setattr("studio.evidence.unit_source.read_sample", lambda results, unit: sample)

    def submit(task: str, name: str, source: Path, card: str, options: object, **more: object) -> str:
        asked.update(task=task, name=name, card=card, bytes=source.stat().st_size, **more)
        return services.library().begin(task=task, title=name, engine="dsp", weights=card).id

    monkeypatch.setattr(services.jobs(), "submit", submit)
    page.query_params["study"] = "mine"
    page.run()
    view(page, "Failures")
    click(page, "Open at second")
    assert asked["card"] == "dsp" and asked["task"] == "separation"
    assert asked["asked"] == {"study": "mine", "unit": str(asked["name"]).removesuffix(".wav")}


def studies_sample():
    import numpy as np

    from evaluation.datasets.base import Sample

    return Sample({"mixture": np.zeros((2, 100), np.float32), "samplerate": 8000}, {})
