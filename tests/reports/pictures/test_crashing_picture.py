"""A picture that crashes the decoder costs itself alone: the others are added, and sorted, as if it were not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.fewshot.cards import CARDS
from backends.fewshot.data.image_collection import open_image_collection
from backends.fewshot.feature_cache import FeatureCache
from backends.fewshot.feature_extraction import extract_features
from backends.fewshot.prototypes import PrototypesEngine
from studio.pictures import files
from studio.pictures.projects import Projects
from tests.support import pictures
from tests.support.crashing import DEADLY


@pytest.fixture(autouse=True)
def crashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.shared.images.DECODE", "tests.support.crashing:decode_image")


@pytest.mark.slow
def test_it_is_named_and_the_others_are_added(tmp_path: Path) -> None:
    project = Projects(tmp_path / "projects").create()
    good = pictures.plain((200, 20, 20))
    listed = [("deadly.png", lambda: good + DEADLY), ("good.png", lambda: good)]
    report = files.import_files(project, listed, project.add_class("cat").id)
    assert report.added == 1 and len(report.problems) == 1
    assert "“deadly.png”" in report.problems[0] and "crash" in report.problems[0]


@pytest.mark.slow
def test_the_model_server_sorts_the_others(tmp_path: Path) -> None:
    good = pictures.plain((200, 20, 20))
    path = tmp_path / "set.zip"
    path.write_bytes(pictures.zipped({"deadly.png": good + DEADLY, "good.png": good}))
    engine = PrototypesEngine(next(card for card in CARDS if card.id == "prototypes"))
    engine.load("cpu")
    with open_image_collection(path) as collection:
        steps = extract_features(engine, collection.items, FeatureCache())
        notices = []
        try:
            while True:
                notices.append(getattr(next(steps), "sentence", ""))
        except StopIteration as end:
            table = end.value
    assert [item.name for item in table.items] == ["good.png"]
    assert any("deadly.png" in sentence and "crash" in sentence for sentence in notices)
