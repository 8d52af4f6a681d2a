"""The pages of runs of version 0.1.0 show what is stored."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pytest

from studio import services
from tests.support.earlier import DONE, PAGES, RUNS, every_view, open_page, text_of
from tests.support.pages import studio_app


@pytest.mark.slow
def test_home_lists_them(pages: None) -> None:
    app = studio_app().run()
    assert not app.exception
    labels = [link.proto.label for link in app.get("page_link")]
    assert [label for label in labels if label in {"walk", "me", "halves"}] == ["halves", "me", "walk", "walk"]
    assert {"Half a Trp-cage", "holiday", r"A short \*song\*", "Cut short"} <= set(labels)
    assert "Did not work" in text_of(app) and "Interrupted" in text_of(app)


EXPECTED_TEXTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "song": {
        "Quality": ("Do the stems add up", "−120.0 dB"),
        "Compare with true stems": ("SI-SDR vocals: 13.9 dB",),
        "About this run": ("A short *song*.wav", "stems: vocals"),
    },
    "trial": {
        "Files": (r"WebM with alpha \(VP9\)\: All 5 frames", "This was a trial of 1 s"),
        "Numbers": ("Frames per second: 2.4", "Uncertain pixels: 8.5 %"),
        "About this run": ("0:00.5 to 0:01.8", "a file of yours"),
    },
    "matte-again": {
        "Compare with true mattes": ("MAD × 1000: 81.01", "dtSSD"),
        "About this run": ("walk.mp4", "edge: -1", "despill: 0.5"),
    },
    "picture": {"Numbers": ("Area of the person: 40.8 %",), "About this run": ("me.png",)},
    "own-weights": {"About this run": ("yours/red net.onnx", "your own file")},
    "structure": {
        "Confidence": ("pLDDT along the chain", "Predicted aligned error"),
        "Compare": ("crystal", "TM-score: 0.566", "RMSD: 0.53 Å"),
        "Your numbers": ("exposure",),
        "About this run": ("β-hairpin.pdb",),
    },
    "sequence": {
        "Files": ("not a possible protein", "overrules the confidence"),
        "Compare": ("experiment", "TM-score: 0.579", "GDT-TS: 1.000"),
        "Inside the model": ("the contacts of experiment",),
        "About this run": ("contacts, distogram, attention",),
    },
    "alignment": {"Confidence": ("Recycle by recycle",), "About this run": ("family.a3m", "seed: 3")},
    "sorted": {"Table": ("**6 pictures**: ",), "About this run": ("holiday.zip", "decides by: gda")},
}
"""Some of what the page of a run shows, by its views."""


@pytest.mark.slow
@pytest.mark.parametrize("label", DONE)
def test_the_page_of_a_run_shows_what_is_stored_and_works_nothing_out_anew(pages: None, label: str) -> None:
    library = services.library()
    run = library.get(RUNS[label])
    before = {each.file for each in library.artifacts(run.id)}
    views = every_view(open_page(PAGES[run.task], run=run.id))
    for view, texts in EXPECTED_TEXTS[label].items():
        assert [text for text in texts if text not in views[view]] == [], views[view]
    if "Files" in views:
        download = library.artifacts(run.id, KIND_OFFERED[run.task])[0]
        assert f"/runs/{run.id}/files/{download.file}?download=1" in views["Files"]
    assert before <= {each.file for each in library.artifacts(run.id)}, "an answer was worked out again"


KIND_OFFERED = {"matting": "export", "folding": "structure", "fewshot": "predictions"}


@pytest.mark.slow
def test_the_table_of_a_sorted_zip_is_shown_as_it_was_written(pages: None) -> None:
    app = open_page("pictures", run=RUNS["sorted"])
    next(one for one in app.segmented_control if "Table" in one.options).set_value("Table").run()
    stored = services.library().only(RUNS["sorted"], "predictions")
    assert app.dataframe[0].value.equals(pd.read_csv(stored, keep_default_na=False))
    assert [row["class"] for _, row in app.dataframe[0].value.iterrows()] == [
        "blue",
        "blue",
        "green",
        "green",
        "red",
        "red",
    ]


@pytest.mark.slow
def test_the_pages_of_runs_that_did_not_finish_say_so(pages: None) -> None:
    for label, text in (("failed", "could not be read as sound"), ("cut-short", "closed or stopped")):
        app = open_page("songs", run=RUNS[label])
        assert text in text_of(app) and any(button.label == "Run it again" for button in app.button)
