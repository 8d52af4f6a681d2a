"""Records that version 0.1.0 left on disk, and the pages that show them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from studio.library.library import Library
from tests.support.pages import studio_app

ROOT = Path(__file__).resolve().parents[2]
EARLIER = ROOT / "tests" / "fixtures" / "earlier"
RECORDS = json.loads((EARLIER / "records.json").read_text("utf-8"))
RUNS: Mapping[str, str] = RECORDS["runs"]
PROJECTS: Mapping[str, Any] = RECORDS["projects"]
PAGES = {"separation": "songs", "matting": "videos", "folding": "proteins", "fewshot": "pictures"}
FINISHED = [label for label in RUNS if label != "cut-short"]
DONE = [label for label in FINISHED if label != "failed"]
ANALYSES = {
    "quality", "spectrograms", "score-totals", "score-along", "matte-scores", "comparison", "morph", "heads",
}  # fmt: skip
GIVEN = {"input", "reference", "columns"}
TIMINGS = ("frames per second", "a frame")


def written(home: Path, label: str) -> dict[str, Any]:
    """The manifest of a run."""
    return json.loads((home / "runs" / RUNS[label] / "run.json").read_text("utf-8"))


def kinds(library: Library, run_id: str) -> dict[str, list[str]]:
    """The names of a run's files by their kinds."""
    there: dict[str, list[str]] = {}
    for stored in library.artifacts(run_id):
        there.setdefault(stored.kind, []).append(stored.name)
    return there


def open_page(page: str, **address: str) -> AppTest:
    app = studio_app().run().switch_page(f"pages/{page}.py")
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def text_of(app: AppTest) -> str:
    shown = [*app.title, *app.subheader, *app.markdown, *app.caption, *app.text, *app.error, *app.warning, *app.info]
    return "\n".join(str(element.value) for element in shown)


def every_view(app: AppTest) -> dict[str, str]:
    """The text of the page with each of its views, after it has worked out what it had not."""
    control = next(one for one in app.segmented_control if one.label == "Look closer")
    shown = {}
    for name in control.options:
        next(one for one in app.segmented_control if one.label == "Look closer").set_value(name).run()
        assert not app.exception and "fault of ours" not in text_of(app), name
        measured = [f"{metric.label}: {metric.value}" for metric in app.metric]
        links = [element.proto.url for element in app.get("link_button")]
        shown[name] = "\n".join([text_of(app), *measured, *links])
    return shown
