"""The report of a study: one file, the same bytes every time, and nothing in it that the rows do not say."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from evaluation.__main__ import main
from evaluation.report import tables, words
from evaluation.report.html import render
from evaluation.studies.results import StudyResults
from evaluation.studies.runner import run
from tests.support import studies


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    studies.use(monkeypatch, 12)
    run(studies.study(conditions=[{"noise": [1, 5]}], margin=0.5), tmp_path / "study")
    return tmp_path / "study"


@pytest.fixture
def results(folder: Path) -> StudyResults:
    return StudyResults.read(folder)


class Outward(HTMLParser):
    """Collects what a page would fetch from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [
            value or "" for name, value in attrs if name in ("src", "href") and not (value or "").startswith("#")
        ]


def test_the_report_is_one_file_that_needs_no_network(results: StudyResults) -> None:
    page, reader = render([results]), Outward()
    reader.feed(page)
    assert reader.addresses == []
    assert "@import" not in page and "url(" not in page
    assert len(page.encode()) < 5_000_000
    assert "@media print" in page


def test_two_runs_of_one_seed_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies.use(monkeypatch, 12)
    pages = [render([StudyResults.read(run(studies.study(), tmp_path / name))]) for name in ("one", "two")]
    assert pages[0] == pages[1]


def test_limits_come_before_scores(results: StudyResults) -> None:
    page = render([results])
    assert page.index("cannot say") < page.index("<h3>Scores")
    assert "12 songs are few" in page
    assert "drawn by rule" in page


def test_every_number_of_the_table_is_in_the_rows(results: StudyResults) -> None:
    page = render([results])
    medians = results.rows[results.rows["condition"] == "clean"].groupby("system")["value"].median()
    for system, median in medians.items():
        assert re.search(
            rf"<td>{re.escape(str(system))}</td><td>{re.escape(f'{median:.1f}').replace('-', '−')} dB \(", page
        )


def test_the_rows_inside_are_those_of_the_study(results: StudyResults) -> None:
    page = render([results])
    text = page.split('id="report.json">')[1].split("</script>")[0]
    inside = json.loads(text, parse_constant=pytest.fail)["studies"][0]
    rows = pd.read_parquet(io.BytesIO(base64.b64decode(inside["rows"])))
    pd.testing.assert_frame_equal(rows, results.rows.drop(columns="seconds"))
    assert inside["about"]["study"]["title"] == "A study"


def test_names_from_outside_are_text_and_never_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies.use(monkeypatch, 6)
    hostile = studies.study(title="</script><script>alert(1)</script>", cards=[{"card": "dsp", "name": "<b>x</b>"}])
    page = render([StudyResults.read(run(hostile, tmp_path))])
    assert "<script>alert" not in page and "<b>x" not in page


def test_words_say_what_is_best_and_what_is_not_certain(results: StudyResults) -> None:
    assert words.headline(results).startswith("By SI-SDR · vocals the best of 3 is htdemucs-starter: ")
    assert words.headline(results).endswith("no other is as good.")
    assert list(words.yardsticks(results)) == []
    sentences = list(words.robustness(results))
    assert len(sentences) == 3 and all("no loss is certain" in sentence for sentence in sentences)
    assert "12 songs of Rendered mixes" in words.methods(results)
    assert "Holm's correction over 3 comparisons" in words.methods(results)


def test_a_model_below_its_yardstick_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies.use(monkeypatch, 8)
    monkeypatch.setattr(studies, "_system", lambda card, options: lambda sample, seed: float(card == "mixture"))
    results = StudyResults.read(run(studies.study(), tmp_path))
    assert "dsp is worse than “mixture”, which needs no model" in " ".join(words.yardsticks(results))


def test_tables_for_papers_and_programs(results: StudyResults) -> None:
    latex = tables.latex(results)
    assert latex.count(r"\\") == 4 and r"\textsuperscript{a}" in latex
    assert r"htdemucs-starter & " in latex
    summary = pd.read_csv(io.StringIO(tables.summary_csv(results)))
    assert summary["system"].tolist() == ["htdemucs-starter", "dsp", "mixture"]
    assert summary["n"].tolist() == [12, 12, 12]
    json.loads(tables.findings_json(results), parse_constant=pytest.fail)


def test_the_command_writes_the_file(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    front = tmp_path / "front.md"
    front.write_text("## Before\nOne line\nand another.\n\n- one - two")
    out = tmp_path / "report.html"
    assert main(["report", str(folder.parent), "--out", str(out), "--title", "All", "--front", str(front)]) == 0
    assert "1 studies" in capsys.readouterr().out
    assert "<h2>Before</h2><p>One line and another.</p>" in out.read_text()
    assert main(["report", str(tmp_path / "none"), "--out", str(out)]) == 2


def test_what_got_worse_and_where(results: StudyResults) -> None:
    measured = results.measured[0]
    losses = results.losses(measured, "mixture", "dsp")
    assert len(losses) == 12
    assert all(loss.difference == pytest.approx(-3.0) and loss.where is not None for loss in losses)
    assert results.losses(measured, "htdemucs-starter", "dsp") == []
    worst = results.worst(measured, "dsp", 2)
    assert worst[0][1] <= worst[1][1]


@pytest.mark.slow
def test_groups_are_told_apart_and_only_where_there_are_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: StudyResults
) -> None:
    assert tables.by_group(results, results.measured[0]) == [] and "Group by group" not in render([results])
    studies.use(monkeypatch, 12, group=4)
    grouped = StudyResults.read(run(studies.study(), tmp_path / "grouped"))
    rows = tables.by_group(grouped, grouped.measured[0])
    assert [row[:2] for row in rows] == [[f"artist {number}", "4"] for number in range(3)]
    first = grouped.rows.query("group == 'artist 0' and system == 'dsp'")["value"].median()
    assert rows[0][2] == grouped.measured[0].metric.number(first)
    assert "Group by group" in render([grouped])


@pytest.mark.slow
def test_a_report_is_enough_to_run_its_studies_again(folder: Path, tmp_path: Path) -> None:
    report, again = tmp_path / "report.html", tmp_path / "again"
    assert main(["report", str(folder), "--out", str(report)]) == 0
    assert main(["run", str(report), "--out", str(again)]) == 0
    first, second = (StudyResults.read(study).rows.drop(columns="seconds") for study in (folder, again))
    pd.testing.assert_frame_equal(second, first)


@pytest.mark.parametrize("text", ["<p>Hello</p>", '<script id="report.json">{"studies": [{}]}</script>', ""])
def test_what_is_no_report_is_not_run(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.html").write_text(text)
    assert main(["run", str(tmp_path / "page.html"), "--out", str(tmp_path / "out")]) == 2
    assert "page.html is no report of Fourfold" in capsys.readouterr().err
