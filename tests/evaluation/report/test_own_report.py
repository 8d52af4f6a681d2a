"""The project's own report: made again from its rows it is the same, and what its text claims is in them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from backends.core.task import tasks
from evaluation.__main__ import main
from evaluation.studies.results import StudyResults

FOLDER = Path(__file__).parents[3] / "docs" / "report"


@cache
def study(name: str) -> StudyResults:
    return StudyResults.read(FOLDER / "studies" / name)


@pytest.mark.slow
def test_the_report_comes_from_its_rows(tmp_path: Path) -> None:
    title = "What the models at hand can do, and how sure that is"
    words = ["--title", title, "--front", str(FOLDER / "front.md"), "--back", str(FOLDER / "back.md")]
    assert main(["report", str(FOLDER / "studies"), *words, "--out", str(tmp_path / "again.html")]) == 0
    again, shipped = (path.read_text("utf-8") for path in (tmp_path / "again.html", FOLDER / "report.html"))
    tables, inside = again.split('<script type="application/json"')
    assert shipped.startswith(tables)
    assert shipped.count("<section") == len(list((FOLDER / "studies").iterdir()))
    assert inside and len(shipped.encode()) < 5_000_000
    assert all(shipped.count(kind) for kind in ("<audio ", "<img ", '<canvas class="structure"'))


def test_what_was_seen_inside_is_what_the_atlas_says() -> None:
    atlas = json.loads((FOLDER.parents[1] / "evaluation" / "atlas" / "starters" / "atlas.json").read_text("utf-8"))
    text = (FOLDER / "back.md").read_text("utf-8")
    assert all(sentence in text for sentence in atlas["sentences"])


def test_starters_that_were_trained_anew_since_are_named() -> None:
    ships = {card.id: card for task in tasks().values() for card in task.cards if card.tier == "starter"}
    sha256 = {file.sha256 for card in ships.values() for file in card.files}
    measured = [
        system
        for folder in (FOLDER / "studies").iterdir()
        for system in study(folder.name).about["systems"].values()
        if system["card"] in ships
    ]
    assert {system["card"] for system in measured} >= {"modnet-starter", "htdemucs-starter"}
    other = {system["title"] for system in measured if not set(system["weights"].values()) <= sha256}
    for text, words in (("front.md", "measured here"), ("README.md", "in it")):
        said = (FOLDER / text).read_text("utf-8")
        assert {card.title for card in ships.values() if f"The {card.title} {words} is the one before" in said} == other


def verdict(name: str, title: str, one: str, other: str) -> tuple[str, str]:
    """The outcome and the better system, of the measure with that title."""
    results = study(name)
    measured = next(each for each in results.measured if each.title == title)
    pair = results.findings(measured).pair(one, other)
    return pair.outcome, pair.a


@pytest.mark.parametrize(
    ("name", "title", "one", "other", "better"),
    [
        ("structures", "lDDT-Cα", "ESMFold starter", "One straight helix", "ESMFold starter"),
        ("proteins-samples", "TM-score", "ESMFold starter", "One straight helix", "One straight helix"),
        ("songs-samples", "SI-SDR · other", "Spleeter", "Demucs starter", "Spleeter"),
        ("songs-samples", "SI-SDR · other", "Spleeter", "Built-in separator", "Spleeter"),
        ("cifar10", "Accuracy", "CLIP starter", "Colour and texture", "CLIP starter"),
        ("portraits", "MAD × 1000", "Selfie network", "Built-in cut-out", "Selfie network"),
        ("portraits", "MAD × 1000", "MODNet starter", "Built-in cut-out", "MODNet starter"),
        ("portraits", "MAD × 1000", "MODNet starter", "A fixed ellipse", "MODNet starter"),
        ("videos-samples", "MAD × 1000", "Selfie network", "Built-in cut-out", "Selfie network"),
        ("videos-samples", "MAD × 1000", "Selfie network", "MODNet starter", "Selfie network"),
        ("videos-samples", "MAD × 1000", "Built-in cut-out", "A fixed ellipse", "Built-in cut-out"),
        ("videos-samples", "MAD × 1000", "MODNet starter", "A fixed ellipse", "MODNet starter"),
        ("videos-samples", "MAD × 1000", "Built-in cut-out", "MODNet starter", "Built-in cut-out"),
        ("videos-samples", "dtSSD", "Built-in cut-out", "MODNet starter", "Built-in cut-out"),
        ("videos-samples", "dtSSD", "MODNet starter", "A fixed ellipse", "MODNet starter"),
        ("cifar10", "Calibration error", "CLIP starter", "Chance", "Chance"),
        ("pictures-samples", "Calibration error", "CLIP starter", "Chance", "Chance"),
        ("pictures-samples", "Accuracy", "CLIP starter by words alone", "Chance", "CLIP starter by words alone"),
        ("pictures-samples", "Accuracy", "CLIP starter by words alone", "Colour and texture", "Colour and texture"),
    ],
)
def test_what_the_text_calls_certain_is(name: str, title: str, one: str, other: str, better: str) -> None:
    assert verdict(name, title, one, other) == ("a", better)


@pytest.mark.parametrize(
    ("name", "title", "one", "other"),
    [
        ("songs-samples", "SI-SDR · vocals", "Spleeter", "Demucs starter"),
        ("songs-samples", "SI-SDR · vocals", "Spleeter", "Built-in separator"),
        ("songs-samples", "SI-SDR · vocals", "Built-in separator", "Demucs starter"),
        ("structures", "TM-score", "ESMFold starter", "One straight helix"),
        ("portraits", "MAD × 1000", "Selfie network", "MODNet starter"),
    ],
)
def test_what_the_text_calls_undecided_is(name: str, title: str, one: str, other: str) -> None:
    assert verdict(name, title, one, other)[0] in ("undecided", "same")


@pytest.mark.parametrize(
    ("name", "condition", "system", "first"),
    [
        ("songs-samples", "noise", "Demucs starter", 3),
        ("songs-samples", "noise", "Built-in separator", 5),
        ("songs-samples", "noise", "Spleeter", None),
        ("songs-samples", "mp3", "Spleeter", None),
        ("songs-samples", "mp3", "Demucs starter", None),
        ("songs-samples", "mp3", "Built-in separator", None),
        ("videos-samples", "low_light", "Built-in cut-out", 3),
        ("videos-samples", "low_light", "Selfie network", 3),
        ("videos-samples", "motion_blur", "Built-in cut-out", 5),
        ("videos-samples", "motion_blur", "Selfie network", 5),
        ("videos-samples", "low_light", "MODNet starter", 3),
        ("videos-samples", "motion_blur", "MODNet starter", 5),
        ("pictures-samples", "shots", "Colour and texture", 4),
        ("pictures-samples", "shots", "CLIP starter", None),
        ("pictures-samples", "motion_blur", "CLIP starter", None),
        ("pictures-samples", "motion_blur", "Colour and texture", None),
        ("proteins-samples", "mutated", "ESMFold starter", None),
    ],
)
def test_what_the_text_says_of_harder_inputs(name: str, condition: str, system: str, first: int | None) -> None:
    results = study(name)
    assert results.first_certain_loss(results.measured[0], system, condition) == first
