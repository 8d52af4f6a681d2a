"""Two to four results of one task side by side: what differs in how they were made, then the results themselves."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from studio import services, tasks
from studio.findings import pin
from studio.library.library import Run
from studio.ui import charts, formatting
from studio.ui.error_boundary import error_boundary

LETTERS = "ABCD"


def show(ids: Sequence[str]) -> None:
    """The comparison at this address."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title("Side by side", width="content")
        st.page_link("pages/findings.py", label="Everything made", icon=":material/arrow_back:")
    entries = [entry for one in ids[: len(LETTERS)] if (entry := services.catalogue().get(one)) is not None]
    kinds, task = {(entry.kind, entry.task) for entry in entries}, tasks.find(entries[0].task) if entries else None
    if len(entries) < 2 or len(kinds) > 1 or any(entry.status != "done" for entry in entries):
        st.warning("Choose two to four finished results, or projects, of one task in the list: what was deleted or is "
                   "of another kind cannot be compared.", icon=":material/info:")  # fmt: skip
        return
    if task is None or not task.side_by_side or entries[0].kind not in ("run", "project"):
        st.warning("These cannot be put side by side here.", icon=":material/info:")
        return
    named = " and ".join(dict.fromkeys(entry.model for entry in entries))
    pin.look_at(pin.Subject(task.task, entries[0].id, f"{entries[0].title}: {named}", tasks.FINDINGS.path))
    for place, entry in enumerate(entries):
        label = f"**{LETTERS[place]}**  {formatting.escape(entry.title)}: {formatting.escape(entry.model)}"
        st.page_link(task.page, label=label, icon=task.icon, query_params={entry.kind: entry.id})
    room = importlib.import_module(task.side_by_side)
    with error_boundary("the comparison"):
        if entries[0].kind == "project":
            room.show_projects([entry.id for entry in entries])
            return
        runs = [run for entry in entries if (run := services.library().get(entry.id)) is not None]
        _show_differences(runs)
        room.show(runs)
        pin.pin_runs(runs, f"{entries[0].title}: {named}")


def _show_differences(runs: Sequence[Run]) -> None:
    """What differs in model, options and numbers."""
    rows = differences(runs)
    if not rows:
        st.caption("Model, options and numbers are the same in all of them.")
        return
    table = pd.DataFrame([{"": name, **dict(zip(LETTERS, values, strict=False))} for name, values in rows.items()])
    st.dataframe(table, hide_index=True)
    charts.pin_table(table, "What differs in how these results were made.", "differences")


def differences(runs: Sequence[Run]) -> dict[str, tuple[str, ...]]:
    """What is not the same in all runs, by what it is: models, options, versions, numbers, time."""
    rows: dict[str, tuple[str, ...]] = {"model": tuple(_model(run) for run in runs)}
    for part in ("options", "versions", "metrics"):
        named: list[Mapping[str, Any]] = [getattr(run, part) for run in runs]
        for name in dict.fromkeys(name for values in named for name in values):
            rows[name.replace(":", " of ")] = tuple(_text(values.get(name)) for values in named)
    rows["seconds it took"] = tuple(_text(run.seconds) for run in runs)
    rows["file"] = tuple(str(run.inputs[0]["name"]) if run.inputs else "" for run in runs)
    return {name: values for name, values in rows.items() if len(set(values)) > 1}


def _model(run: Run) -> str:
    return str(run.card.get("title") or run.weights)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        unit = value.get("unit", "")
        return f"{_text(value.get('value'))} {unit}".strip()
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value in (None, "") else str(value)
