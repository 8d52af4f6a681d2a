"""Corrections that somebody made in the workbench: when they are asked for, a run of its own works them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from studio import launch, services
from studio.library.library import Run
from studio.ui import batch
from studio.videos import form, form_values
from studio.videos.form_values import FormValues


def start_correction(run: Run, state: Mapping[str, Any] | None) -> None:
    """Start what the workbench asks for: once, however often its state is seen again."""
    asked = (state or {}).get("asked")
    remembered = f"asked-{run.id}"
    if not state or not asked or st.session_state.get(remembered) == asked:
        return
    st.session_state[remembered] = asked
    made = FormValues.from_options(run.options)
    chosen = replace(form_values.with_state(made, state), person=0)
    if str(asked).startswith("each"):
        _start_each(run, chosen)
    launch.start(
        "matting", run.inputs[0]["name"], _source(run), run.weights, chosen.to_options(), **_further(run, chosen)
    )


def people_of(hints: Sequence[Mapping[str, Any]]) -> list[int]:
    """The numbers of the people that the corrections keep, in order."""
    return sorted({int(hint.get("person", 1)) for hint in hints if hint["kind"] == "keep"})


def _start_each(run: Run, chosen: FormValues) -> None:
    """A job for each person."""
    name = run.inputs[0]["name"]
    path = Path(name)
    runs = []
    for person in people_of(chosen.hints):
        values = replace(chosen, person=person)
        title = f"{path.stem}, person {person}{path.suffix}"
        runs.append(
            services.jobs().submit(
                "matting", title, _source(run), run.weights, values.to_options(), **_further(run, values)
            )
        )
    batch.go_to("matting", runs)


def _source(run: Run) -> Path:
    return services.library().only(run.id, "input", "input")


def _further(run: Run, chosen: FormValues) -> dict[str, Any]:
    """The raw mattes, so that the model need not look again, and the run's own background."""
    library = services.library()
    files = {}
    if chosen.composite and chosen.background == form_values.OWN:
        files["background"] = library.only(run.id, "input", "background")
    matte = form.raw_mattes(run, FormValues.from_options(run.options))
    if matte is not None:
        files["matte"] = matte
    return {"extra": files, "asked": run.facts.get("asked")}
