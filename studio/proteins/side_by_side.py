"""Folds side by side: all laid on the first, with how like it each is."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from backends.core.errors import BadInput, UserError
from backends.folding.structure.structure import Structure
from studio.library.library import Run
from studio.proteins import run_data
from studio.ui import charts, formatting


def show(runs: Sequence[Run]) -> None:
    """The first structure in the workbench with the others over it, and their scores."""
    from viz.components.structure_workbench import Overlay, manifest, structure_workbench

    folds = {run.id: run_data.load_fold(run) for run in runs}
    first = folds[runs[0].id]
    if first is None:
        raise BadInput("The first of these has no structure to show.")
    overlays, rows = [], []
    for place, run in enumerate(runs[1:], 1):
        fold = folds[run.id]
        label = f"{'ABCD'[place]}: {run.card.get('title', run.weights)}"
        if fold is None:
            continue
        try:
            structure, scores = _laid(run.id, runs[0].id)
        except UserError as error:
            st.warning(f"{formatting.escape(label)}: {formatting.escape(error.sentence)}", icon=":material/info:")
            continue
        overlays.append(Overlay(run.id, label, structure, f"TM-score {scores['tm']:.3f}"))
        rows.append({"compared with A": label, **{name: round(value, 3) for name, value in scores.items()}})
    name = "-".join(run.id for run in runs)
    data = manifest(name, runs[0].title, first.structure, confidence=first.confidence, overlays=overlays)
    alt = f"“{runs[0].title}” with {formatting.count(len(overlays), 'structure')} laid on it."
    with charts.whole("together-structures", alt, "structures"):
        structure_workbench(data, key=f"together-{name[:40]}")
    if rows:
        st.dataframe(rows, hide_index=True)
        charts.pin_table(pd.DataFrame(rows), "How alike these structures are.", "alike")
        st.caption("TM-score and lDDT run from 0 to 1, higher is more alike; RMSD is the mean distance in Å.")


@st.cache_resource(max_entries=24, show_spinner="Laying the structures on each other…")
def _laid(run_id: str, first_id: str) -> tuple[Structure, dict[str, float]]:
    """One fold moved onto another, and how like it is. Raises BadInput where nothing of it can be laid there."""
    from evaluation.metrics.folding.folds import compare
    from studio import services

    runs = [services.library().get(one) for one in (run_id, first_id)]
    mine, first = (run_data.load_fold(run) if run else None for run in runs)
    if mine is None or first is None:
        raise BadInput("The structures to compare no longer exist.")
    result = compare(mine.structure, first.structure)
    moved = mine.structure.moved(result.transform.rotation, result.transform.shift)
    return moved, {name: result.scores()[name] for name in ("tm", "lddt", "rmsd")}
