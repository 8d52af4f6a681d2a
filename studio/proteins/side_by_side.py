"""Folds side by side: all laid on the first, with how like it each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from backends.core.errors import BadInput, UserError
from backends.folding.structure.structure import Structure
from backends.folding.structure.writer import superposed_pdb
from studio.library.library import Run
from studio.proteins import compare, run_data
from studio.ui import charts, downloads, formatting
from studio.web import filenames


def show(runs: Sequence[Run]) -> None:
    """The first structure in the workbench with the others over it, and their scores."""
    from viz.components.structure_workbench import Overlay, manifest, structure_workbench

    folds = {run.id: run_data.load_fold(run) for run in runs}
    first = folds[runs[0].id]
    if first is None:
        raise BadInput("The first of these has no structure to show.")
    overlays, rows, laid = [], [], [(runs[0].title, first.structure)]
    alignments: dict[str, Sequence[Mapping[str, str]]] = {}
    for place, run in enumerate(runs[1:], 1):
        fold = folds[run.id]
        label = f"{'ABCD'[place]}: {run.card.get('title', run.weights)}"
        if fold is None:
            continue
        try:
            structure, scores, alignment = _laid(run.id, runs[0].id)
        except UserError as error:
            st.warning(f"{formatting.escape(label)}: {formatting.escape(error.sentence)}", icon=":material/info:")
            continue
        laid.append((label, structure))
        alignments[label] = alignment
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
        st.caption("TM-score and lDDT run from 0 to 1, higher is more alike; RMSD is the root mean square in Å.")
        _take_along(runs[0].title, laid)
    for label, blocks in alignments.items():
        with st.expander(f"Alignment with {formatting.escape(label)}"):
            compare.show_alignment(blocks)


def _take_along(title: str, laid: Sequence[tuple[str, Structure]]) -> None:
    """The structures as they lie on each other, in one file."""
    downloads.show(
        [
            downloads.Download(
                "All superposed (PDB)",
                "Each a model of one file, where it lies here, for PyMOL and ChimeraX.",
                make=lambda: superposed_pdb(laid),
                file_name=f"{filenames.clean(title) or 'protein'} superposed.pdb",
                media_type="chemical/x-pdb",
            )
        ]
    )


@st.cache_resource(max_entries=24, show_spinner="Laying the structures on each other…")
def _laid(run_id: str, first_id: str) -> tuple[Structure, dict[str, float], tuple[dict[str, str], ...]]:
    """One fold moved onto another, how like it is, and which residues were taken as which.

    Raises BadInput where nothing of it can be laid there.
    """
    from evaluation.metrics.folding import folds
    from studio import services

    runs = [services.library().get(one) for one in (run_id, first_id)]
    mine, first = (run_data.load_fold(run) if run else None for run in runs)
    if mine is None or first is None:
        raise BadInput("The structures to compare no longer exist.")
    result = folds.compare(mine.structure, first.structure)
    moved = mine.structure.moved(result.transform.rotation, result.transform.shift)
    return moved, {name: result.scores()[name] for name in ("tm", "lddt", "rmsd")}, result.alignment
