"""Measured samples on the proteins page, and a biological assembly: chosen before the run, opened from one, listed."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from studio.proteins import run_data
from studio.proteins.samples import ENTRIES, of_id
from tests.support.pages import click, finished, view, words_of


def choose(app: AppTest, name: str) -> AppTest:
    app.run().switch_page("pages/proteins.py").run()
    app.segmented_control[0].set_value("Well-known proteins").run()
    next(one for one in app.pills if name in one.options).set_value(name).run()
    assert not app.exception and not app.error
    return app


def assembly_box(app: AppTest):
    return next((box for box in app.selectbox if box.label == "Assembly"), None)


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_each_measured_sample_opens(app: AppTest, entry) -> None:
    choose(app, entry.name)
    shown = words_of(app)
    assert entry.sentence in shown and entry.expert in shown and f"PDB entry {entry.file[:4]}" in shown
    click(app, "Open the structure")
    run = finished(app)
    assert app.title[0].value == run.title == entry.file[:4] and run.facts["length"] > 50
    assert not app.info, "what the file says is folded up, and the structure stands first"
    assert any(f"result ({len(run.notices) - 1})" in one.label for one in app.expander)
    fold = run_data.load_fold(run)
    assert fold is not None and fold.structure.experiment and fold.structure.title.split()[0] in words_of(app)


@pytest.mark.slow
def test_an_assembly_is_chosen_opened_listed_and_measured(app: AppTest) -> None:
    entry = of_id("capsid")
    choose(app, entry.name)
    box = assembly_box(app)
    assert box.value == "" and box.options == ["As deposited", "Assembly 1: 2 chains, made of 1 by 2 operations"]
    assert "70 residues · takes" in words_of(app)
    box.set_value("1").run()
    assert "140 residues · takes" in words_of(app), "the estimate is of what will be built"
    assembly_box(app).set_value("").run()
    click(app, "Open the structure")
    first = finished(app)
    assert first.facts["chains"] == ["A"]
    view(app, "Contents")
    table = next(frame.value for frame in app.dataframe if "assembly" in frame.value.columns)
    assert table.iloc[0]["what it is"] == "2 chains, made of 1 by 2 operations" and table.iloc[0]["open"] == ""

    click(app, "Open assembly 1")
    second = finished(app)
    assert second.id != first.id and second.options == {"assembly": "1"} and second.facts["chains"] == ["A1", "A2"]
    assert app.title[0].value == "1A8O, assembly 1"
    assert r"This is assembly 1 of the file \(dimeric, determined by its authors\)" in words_of(app)
    view(app, "Contents")
    tables = [frame.value for frame in app.dataframe]
    assert next(t for t in tables if "assembly" in t.columns).iloc[0]["open"] == "yes"
    [meeting] = next(t for t in tables if "hidden surface (Å²)" in t.columns).to_dict("records")
    assert meeting["chains"] == "A1 and A2" and 400 < meeting["hidden surface (Å²)"] < 1_000
    click(app, "A1 and A2 in 3D")
    _, rows = app.session_state[f"asked-{second.id}"]
    structure = run_data.require_fold(second).structure
    assert len(rows) == meeting["residues"] and set(structure.chains[list(rows)]) == {"A1", "A2"}

    click(app, "Open as deposited")
    third = finished(app)
    assert third.options == {} and third.facts["chains"] == ["A"]


def test_a_file_of_one_assembly_as_deposited_asks_nothing(app: AppTest) -> None:
    choose(app, of_id("trypsin").name)
    assert assembly_box(app) is None
