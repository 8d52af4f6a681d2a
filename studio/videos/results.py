"""The views of a finished cut-out: its files and what they preserve of the source, its numbers, its origin."""

from __future__ import annotations

import streamlit as st

from evaluation.metrics.base import metrics
from evaluation.metrics.matting.runs import recorded
from studio import services
from studio.library.library import Run, StoredArtifact
from studio.ui import downloads, formatting, run_sections
from studio.videos import export_names, form_values
from studio.web import urls

STATES = {
    "kept": ":green-badge[:material/check: kept]",
    "changed": ":orange-badge[:material/swap_horiz: changed]",
    "lost": ":red-badge[:material/close: lost]",
}

METRIC_NAMES = ("uncertain_pixels", "flicker", "person_area", "frames_per_second")
"""The metrics of a run that are shown, by id."""

SHOWN_DIFFERENCE = 0.00005
"""Fraction of flicker below which smoothing made no difference that the page could show."""

RAW_FILES = {"matte": "mattes as the model found them", "frames": "numbers of every frame (JSON)"}


def file_list(run: Run) -> list[downloads.Download]:
    """Every export of the run, and its mattes."""
    library = services.library()
    exports = [*library.artifacts(run.id, "export"), *library.artifacts(run.id, "alpha")]
    return [_download(run, stored) for stored in exports]


def files(run: Run) -> None:
    """The downloads with their sizes, and the preservation report."""
    downloads.show(file_list(run))
    checks = run.facts.get("kept", ())
    if checks:
        st.markdown("**What was kept of the source** (checked on the written file)")
    for check in checks:
        badge = STATES.get(check["state"], formatting.escape(check["state"]))
        what = formatting.escape(check["what"]).capitalize()
        st.markdown(f"{badge} **{what}** {formatting.escape(check['sentence'])}")


def _download(run: Run, stored: StoredArtifact) -> downloads.Download:
    title, opens_in = export_names.export_named(stored.name)
    if stored.name == "composite":
        title, opens_in = export_names.composite_named(stored.file.endswith(".png"))
    return downloads.from_artifact(run.id, stored, title, opens_in)


def numbers(run: Run) -> None:
    """What the run measured of itself."""
    values = {name: recorded(name, run.metrics) for name in METRIC_NAMES}
    shown = {name: value for name, value in values.items() if value is not None}
    if not shown:
        st.caption("Nothing was measured in this run.")
        return
    known, raw_flicker = metrics("matting"), recorded("flicker_raw", run.metrics)
    for column, (name, value) in zip(st.columns(len(shown)), shown.items(), strict=True):
        delta = None
        if name == "flicker" and raw_flicker is not None and abs(value - raw_flicker) >= SHOWN_DIFFERENCE:
            delta = f"{100 * (value - raw_flicker):+.2f} % by smoothing"
        column.metric(
            known[name].name,
            known[name].format(value),
            delta,
            delta_color="inverse",
            border=True,
            help=known[name].meaning,
        )
    st.caption("Uncertainty and flicker of every frame are in the strip under the scrubber above.")


def about(run: Run) -> None:
    """Where the result came from, and the way to repeat or delete it."""
    run_sections.origin(run, form_values.describe_options(run.options))
    library = services.library()
    raw = [
        f"[{label}]({urls.file_url(run.id, stored, download=True)})"
        for kind, label in RAW_FILES.items()
        for stored in library.artifacts(run.id, kind)
    ]
    if raw:
        st.markdown("Also kept: " + " · ".join(raw))
    run_sections.repeat_or_delete(run)
