"""Studies and reasons in the list of everything made: found, renamed, thrown away, brought back, gone for good."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluation.studies.runner import run
from studio import services
from studio.evidence import studies as kept_studies
from studio.findings import actions, covers, shelves, source_page
from studio.findings.story_view import _evidence
from studio.library.catalogue import Entry, Query
from tests.support import studies
from tests.support.findings import song
from tests.support.pages import fresh_services


@pytest.fixture
def own_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    monkeypatch.setenv("FOURFOLD_STUDIES", str(tmp_path / "studies"))
    with fresh_services(wait=False):
        yield


def entries(**query: Any) -> list[Entry]:
    shelves.sync()
    return list(services.catalogue().search(Query(**query))[0])


def test_a_study_is_found_renamed_and_deleted_like_a_run(own_library: None, monkeypatch: pytest.MonkeyPatch) -> None:
    studies.use(monkeypatch, 4)
    run(studies.study(), kept_studies.folder() / "mine")
    (entry,) = entries(kind="study", text="si_sdr")
    assert (entry.title, entry.status, entry.task) == ("A study", "done", "separation") and entry.bytes > 0
    assert source_page.of_entry(entry) == ("pages/evidence.py", {"study": "mine"})
    assert covers.picture(entry)[8:12] == b"WEBP"
    evidence = _evidence(entry)
    assert len(evidence.numbers) == 3 and evidence.moment["snapshot"]["rows"][0][1].endswith("4 songs")
    actions.rename(entry, "Which one is better?")
    assert entries(text="better")[0].id == entry.id
    services.catalogue().trash([entry.id])
    assert entries(kind="study") == [] and entries(kind="study", trashed=True)
    actions.bring_back([entry])
    assert len(entries(kind="study")) == 1
    services.catalogue().trash([entry.id])
    actions.empty_trash()
    assert entries(kind="study", trashed=True) == [] and not (kept_studies.folder() / "mine").exists()


def test_a_reason_is_found_with_the_page_that_shows_it_and_goes_with_its_run(own_library: None) -> None:
    first, second = song("first"), song("second")
    for number, one in enumerate((first, first, second)):
        services.library().keep(
            one.id, "inside", f"{number:032x}", b"PK", file="answer.zip",
            meta={"title": "Why the voice?", "options": {"method": "rise"}, "address": {"run": one.id, "ask": "why"}},
        )  # fmt: skip
    found = {entry.id: entry for entry in entries(kind="reason", text="rise voice")}
    assert len(found) == 3 and {entry.title for entry in found.values()} == {
        "Why the voice? first",
        "Why the voice? second",
    }
    entry = found[f"{0:032x}"]
    assert source_page.of_entry(entry) == ("pages/inside.py", {"run": first.id, "ask": "why"})
    assert covers.picture(entry)[8:12] == b"WEBP"
    services.catalogue().trash([entry.id])
    actions.empty_trash()
    assert [stored.name for stored in services.library().artifacts(first.id, "inside")] == [f"{1:032x}"]
    services.library().delete(second.id)
    assert [entry.id for entry in entries(kind="reason")] == [f"{1:032x}"]
