"""Figures and tables as evidence: kept as they stood, on page, stage and in a file; rows of a study are watched."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backends.core.errors import BadInput, TooLarge
from evaluation.studies.runner import run
from studio import services
from studio.evidence import studies as shelf
from studio.findings import export, numbers, snapshots, source_page
from studio.findings.deck import live_document
from studio.findings.snapshots import Excerpt
from studio.library.findings import Evidence, Step
from tests.support import studies
from tests.support.findings import song
from tests.support.pages import fresh_services
from viz.components.map_board import Board, Trust, layer

SVG = "data:image/svg+xml;base64," + base64.b64encode(b'<svg xmlns="http://www.w3.org/2000/svg"/>').decode()


@pytest.fixture
def own_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    monkeypatch.setenv("FOURFOLD_STUDIES", str(tmp_path / "studies"))
    with fresh_services(wait=False):
        yield


@pytest.mark.parametrize(
    "picture", ["", "https://elsewhere/x.svg", "data:text/html;base64,AAAA", "javascript:alert(1)"]
)
def test_only_a_picture_is_pinned_as_a_figure(picture: str) -> None:
    with pytest.raises(BadInput):
        snapshots.of_figure(picture, "a figure")
    held = snapshots.snapshot({"snapshot": {"picture": picture, "alt": "a figure", "rows": "x", "columns": {}}})
    assert held == {"picture": "", "alt": "a figure", "columns": [], "rows": [], "excerpts": []}


def test_a_figure_that_is_too_large_is_refused() -> None:
    with pytest.raises(TooLarge, match="too large"):
        snapshots.of_figure(SVG + "A" * snapshots.MAX_PICTURE, "a figure")


def test_a_long_table_keeps_its_first_rows_and_says_so() -> None:
    frame = pd.DataFrame({"song": [f"s{number}" for number in range(70)], "dB": [1.5, float("nan")] * 35})
    part = snapshots.part(snapshots.of_table(frame, "Scores."), "k")
    assert part is not None and part.kind == "figure" and part.alt == "Scores. 10 more rows are not shown."
    assert part.data["columns"] == ["song", "dB"] and part.data["rows"][:2] == [["s0", 1.5], ["s1", ""]]
    assert len(part.data["rows"]) == 60


def test_a_figure_and_a_table_stand_on_the_stage_and_in_a_file_without_their_run(own_library: None) -> None:
    made = song("a song")
    table = snapshots.of_table(pd.DataFrame({"stem": ["<b>voice</b>"], "dB": [7.25]}), "Scores of <i>one</i>.")
    evidence = [
        Evidence("separation", made.id, {**snapshots.of_figure(SVG, "Waves."), "page": _page(made.id)}),
        Evidence("separation", made.id, table),
    ]
    finding = services.findings().create("T", evidence=evidence)
    story = services.findings().create_story("talk", steps=[Step("finding", finding.id)])
    assert "/inside?run=" in live_document(story.id)[0]
    assert source_page.of(evidence[0]) == ("pages/inside.py", {"run": made.id, "ask": "why"})
    services.library().delete(made.id)
    assert source_page.of(evidence[0]) is None
    document = live_document(story.id)[0]
    file = export.html_file(story.id, export.LIMITS["5"]).decode()
    assert SVG in document and SVG in file and "/inside?run=" not in document
    assert "<td>&lt;b&gt;voice&lt;/b&gt;</td>" in file and "<b>voice" not in file and "<i>one" not in file


def test_sounds_and_pictures_are_heard_and_seen_on_the_stage_and_in_a_file_and_nothing_else_is(
    own_library: None,
) -> None:
    sound, picture = "data:audio/ogg;base64,T2dnUw==", "data:image/webp;base64,UklGRg=="
    moment = snapshots.of_excerpts([Excerpt("<b>Before", sound), Excerpt("The matte", picture)], "One wiped out.")
    assert snapshots.describe(moment) == "pictures" and snapshots.cover(moment) == picture
    made = song("a song")
    finding = services.findings().create("T", evidence=[Evidence("separation", made.id, moment)])
    story = services.findings().create_story("talk", steps=[Step("finding", finding.id)])
    services.library().delete(made.id)
    for document in (live_document(story.id)[0], export.html_file(story.id, export.LIMITS["5"]).decode()):
        assert sound in document and "♪ &lt;b&gt;Before" in document and "<b>Before" not in document
        assert f'<img src="{picture}" alt="The matte">' in document
    part = snapshots.part(finding.evidence[0].moment, "k")
    assert part is not None and [one["kind"] for one in part.data["excerpts"]] == ["sound", "picture"]
    with pytest.raises(BadInput, match="neither heard nor seen"):
        snapshots.of_excerpts([Excerpt("x", "data:text/html;base64,AAAA")], "")
    with pytest.raises(TooLarge, match="too large"):
        snapshots.of_excerpts([Excerpt("x", sound)] * 9, "")
    foreign = {"snapshot": {"excerpts": [{"name": "x", "address": "https://elsewhere/x.ogg"}, "y", 3]}}
    held = snapshots.snapshot(foreign)
    assert held is not None and held["excerpts"] == []


def test_a_map_is_touched_on_the_stage_and_in_a_file_and_anything_else_in_its_place_is_a_figure(
    own_library: None,
) -> None:
    made = song("a song")
    board = Board(
        kind="bars",
        alt="Two bars.",
        names=("one", "<b>two"),
        maps=(layer("The map", np.array([2.0, -1.0])),),
        trust=Trust(verdict="does not stand", sentence="This map does not stand: it fails."),
    )
    moment = snapshots.of_board(board)
    finding = services.findings().create("T", evidence=[Evidence("separation", made.id, moment)])
    kept = finding.evidence[0].moment
    part = snapshots.part(kept, "k")
    assert part is not None and (part.kind, part.alt, part.data["run"]) == ("map", "Two bars.", "k")
    assert part.data["maps"][0]["rows"] == [[2.0, -1.0]] and part.still.startswith("data:image/svg+xml;base64,")
    assert snapshots.describe(kept) == "a map"
    story = services.findings().create_story("talk", steps=[Step("finding", finding.id)])
    for document in (live_document(story.id)[0], export.html_file(story.id, export.LIMITS["5"]).decode()):
        assert "class MapBoard" in document and "This map does not stand: it fails." in document
        assert "<b>two" not in document
    spoilt = {**kept, "board": {**kept["board"], "picture": "https://elsewhere/x.png"}}
    left = snapshots.part(spoilt, "k")
    assert left is not None and left.kind == "figure" and "elsewhere" not in str(left.data)


def _page(run_id: str) -> dict[str, Any]:
    return {"path": "pages/inside.py", "query": {"run": run_id, "ask": "why"}}


def test_a_page_that_is_none_of_the_studios_is_not_led_to(own_library: None) -> None:
    moment = {**snapshots.of_figure(SVG, ""), "page": {"path": "https://elsewhere/", "query": {"a": "b"}}}
    assert source_page.of(Evidence("separation", "x" * 32, moment)) is None


def test_a_claim_carries_the_rows_of_its_study_and_says_when_they_have_changed(
    own_library: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    studies.use(monkeypatch, 9)
    run(studies.study(), shelf.folder() / "mine")
    moment = {"study": {"name": "mine", "measure": "SI-SDR · vocals"}}
    rows = numbers.numbers("", moment)
    assert rows is not None and len(rows) == 3
    evidence = Evidence("separation", shelf.entry_id("mine"), moment, "", rows)
    kept = services.findings().create("T", evidence=[evidence]).evidence[0]
    assert numbers.changes(kept) == []
    line = next(line for line in numbers.lines(kept) if "htdemucs-starter" in line)
    assert " dB (" in line and " to " in line and line.endswith("9 songs")
    shutil.rmtree(shelf.folder() / "mine")
    studies.use(monkeypatch, 12)
    run(studies.study(), shelf.folder() / "mine")
    assert any("htdemucs-starter” was" in line and "12 songs" in line for line in numbers.changes(kept))
