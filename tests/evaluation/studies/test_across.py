"""Studies side by side: leads that are paired by unit, and what they gain or lose from one domain to another."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from backends.core.errors import BadInput
from evaluation.datasets import labels
from evaluation.datasets.own_samples import DrawnSongs
from evaluation.datasets.registry import MADE, RECORDED, SKETCHED
from evaluation.report.html import render
from evaluation.report.words import grouping_title
from evaluation.studies import across, runner
from evaluation.studies.results import StudyResults
from evaluation.studies.runner import run
from tests.support import studies


def made(
    folder: Path, monkeypatch: pytest.MonkeyPatch, gain: float, domain: str = "", group: int = 0, units: int = 12
) -> StudyResults:
    """A study in which the built-in separator is ahead of the mixture by `gain` times what the unit holds, plus 3."""
    studies.use(monkeypatch, units, group)

    def system(task: str, card: str, options: Any) -> Any:
        return lambda sample, seed: sample.inputs["value"] * (1 + gain) if card == "dsp" else sample.inputs["value"] - 3

    monkeypatch.setattr(runner, "_system", system)
    chosen = studies.study(cards=["dsp", "mixture"], dataset={"id": "drawn-songs", "domain": domain})
    return StudyResults.read(run(chosen, folder))


def test_what_a_model_loses_off_its_domain_is_a_mean_with_its_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, near = made(tmp_path / "far", monkeypatch, 0.2, SKETCHED), made(tmp_path / "near", monkeypatch, 0.5)
    assert [across.domain(each) for each in across.ordered([far, near])] == [MADE, SKETCHED]
    ((measured, both),) = across.shared([far, near]).items()
    found = across.leads(both, measured)
    assert list(found) == ["dsp"], "what needs no model has no lead"
    first, other = found["dsp"]
    values = near.table(measured)["mixture"].to_numpy() + 3
    assert first.interval.estimate == pytest.approx(np.mean(0.5 * values + 3)) and first.yardstick == "mixture"
    moved = across.change(first, other)
    assert moved.estimate == pytest.approx(np.mean(-0.3 * values)) and moved.low < moved.estimate < moved.high < 0
    (sentence,) = across.sentences(found, measured)
    assert sentence.startswith(
        "dsp: its lead over “mixture” goes from 5.4 dB on Rendered mixes (made by rule) to 4.0 dB"
    )
    assert "a loss of 1.4 dB (95 % interval" in sentence
    page = render([far, near])
    assert "Mean lead, SI-SDR · vocals (dB)" in page and "a loss of 1.4 dB" in page


def test_a_change_that_may_be_none_and_too_few_units_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, same = (made(tmp_path / name, monkeypatch, 0.5, domain) for name, domain in (("a", ""), ("b", RECORDED)))
    ((measured, both),) = across.shared([one, same]).items()
    (sentence,) = across.sentences(across.leads(both, measured), measured)
    assert "a gain of 0.0 dB that may be none (95 % interval −" in sentence
    single = made(tmp_path / "c", monkeypatch, 0.1, RECORDED, group=12)
    (few,) = across.sentences(across.leads([one, single], measured), measured)
    assert few.endswith("of too few units for an interval.")
    assert across.shared([one]) == {} and across.leads([one], measured) == {}


def test_labels_sort_units_without_making_them_dependent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies.use(monkeypatch, 12)
    (tmp_path / "labels.csv").write_text(
        "unit,genre,year\n" + "".join(f"song {n:03d},{'rock' if n < 8 else 'jazz'},\n" for n in range(12))
    )
    found = labels.labels_of(SimpleNamespace(), tmp_path, ["song 000", "song 009"])  # type: ignore[arg-type]
    assert found == {"genre": {"song 000": "rock", "song 009": "jazz"}}, "an empty label is none"
    results = StudyResults.read(run(studies.study(), tmp_path / "study"))
    labelled = StudyResults({**results.about, "labels": labels.read(tmp_path / "labels.csv")}, results.rows, {})
    assert list(labelled.groupings) == ["genre", "year"] and labelled.clusters is None
    measured = labelled.measured[0]
    (jazz, few), (rock, many) = labelled.group_curve(measured, "dsp", "genre")
    assert (jazz, rock) == ("jazz", "rock") and np.isnan(few.low) and many.low < many.estimate < many.high
    values = labelled.table(measured)["dsp"].to_numpy()
    assert many.estimate == pytest.approx(np.median(values[:8]))
    assert labelled.by_group(measured, "genre").loc["jazz", "dsp"] == pytest.approx(np.median(values[8:]))
    assert grouping_title("genre") in render([labelled])


def test_a_table_of_labels_without_units_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    for text in ("song,genre\na,rock\n", "unit\na\n", ""):
        path.write_text(text)
        with pytest.raises(BadInput, match="needs a column “unit”"):
            labels.read(path)
    path.write_bytes(b"unit,genre\n\xff\xfe,rock\n")
    with pytest.raises(BadInput, match="cannot be read as a table"):
        labels.read(path)


def test_rendered_mixes_say_whether_their_voice_is_high(tmp_path: Path) -> None:
    voices = DrawnSongs().labels()["voice"]
    assert len(voices) == 16 and set(voices.values()) == {"higher", "lower"}
