"""What explains a finished cut-out: its files and what they kept of the source, its numbers, where it came from."""

from __future__ import annotations

import streamlit as st

from studio import services
from studio.library.library import Run, Stored
from studio.ui import formatting, run_sections
from studio.videos import probe
from studio.web import urls

STATES = {
    "kept": ":green-badge[:material/check: kept]",
    "changed": ":orange-badge[:material/swap_horiz: changed]",
    "lost": ":red-badge[:material/close: lost]",
}

NUMBERS = {
    "uncertain pixels": "The share of all pixels whose alpha lies between 0.05 and 0.95, neither clearly person nor "
    "clearly background. Hair and motion blur need some; a lot of it means that the model was unsure.",
    "flicker": "The mean change of alpha from frame to frame where the picture stands still; 0 is perfectly calm.",
    "area of the person": "The mean share of the picture that the person covers.",
    "frames per second": "Frames finished a second, all stages together: decoding, matting, finishing, coding.",
}

RAW_FILES = {"matte": "mattes as the model found them", "frames": "numbers of every frame (JSON)"}


def files(run: Run) -> None:
    """The downloads with their sizes, and the list of what they kept of the source."""
    library = services.library()
    made = [*library.artifacts(run.id, "export"), *library.artifacts(run.id, "alpha")]
    for stored in made:
        _download(run, stored)
    kept = run.facts.get("kept", ())
    if kept:
        st.markdown("**What was kept of the source** (checked on the written file)")
    for line in kept:
        badge, what, sentence = st.columns([1, 1, 5], vertical_alignment="center")
        badge.markdown(STATES.get(line["state"], formatting.plain(line["state"])))
        what.markdown(f"**{formatting.plain(line['what']).capitalize()}**")
        sentence.text(line["sentence"], wrap=True)


def _download(run: Run, stored: Stored) -> None:
    title, opens_in = probe.export_named(stored.name)
    if stored.name == "composite":
        title, opens_in = probe.composite_named(stored.file.endswith(".png"))
    button, about = st.columns([2, 3], vertical_alignment="center")
    button.link_button(
        f"{title} · {formatting.size(stored.bytes)}",
        urls.file_url(run.id, stored, download=True),
        icon=":material/download:",
        width="stretch",
    )
    about.caption(opens_in)


def numbers(run: Run) -> None:
    """What was measured while it was made."""
    shown = {name: run.metrics[name] for name in NUMBERS if name in run.metrics}
    if not shown:
        st.caption("Nothing was measured in this run.")
        return
    for column, (name, metric) in zip(st.columns(len(shown)), shown.items(), strict=True):
        before = run.metrics.get(f"{name} before smoothing")
        delta = f"{metric['value'] - before['value']:+.2f} % by smoothing" if before else None
        unit = "" if metric["unit"] == "fps" else f" {metric['unit']}"
        digits = 2 if name == "flicker" else 1
        column.metric(
            name.capitalize(),
            f"{metric['value']:.{digits}f}{unit}",
            delta,
            delta_color="inverse",
            border=True,
            help=NUMBERS[name],
        )
    st.caption("Uncertainty and flicker of every frame are in the strip under the scrubber above.")


def about(run: Run) -> None:
    """Where the result came from, and the way to repeat or delete it."""
    run_sections.origin(run, probe.spoken(run.options))
    library = services.library()
    raw = [
        f"[{label}]({urls.file_url(run.id, stored, download=True)})"
        for kind, label in RAW_FILES.items()
        for stored in library.artifacts(run.id, kind)
    ]
    if raw:
        st.markdown("Also kept: " + " · ".join(raw))
    run_sections.repeat_or_delete(run)
