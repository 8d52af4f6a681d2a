"""Inside the model: what its attention heads see of the contacts, and what it expects of every mutation."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from backends.core.errors import BadInput
from backends.folding.residues import ALPHAFOLD_ORDER
from backends.folding.structure.geometry import contact_map
from backends.shared import strict_json
from studio import services
from studio.library.library import Run
from studio.proteins import compare, run_data
from studio.proteins.run_data import COMPARISON, HEADS, FoldData
from studio.ui import charts
from studio.ui.run_sections import analysed

MAX_HEADS = 60
MAX_SENSITIVE_PLACES = 25
MIN_SEPARATION = 6
"""Residues along the chain from which a pair counts as a contact, in the table of heads and in the map alike."""


@st.cache_resource(max_entries=1, show_spinner=False)
def _attention(run_id: str, file: str) -> np.ndarray:
    """`(layers, heads, L, L)`; one run's at a time, as it may take a gigabyte."""
    attention = run_data.load_array(run_id, "attention")
    if attention is None:
        raise BadInput("The attention of this run is not in the library any more.")
    return attention


def columns(run: Run, fold: FoldData) -> list[Any]:
    """How much a mutation at each place is worth on average, to colour by."""
    from viz.components.structure_workbench import Column

    scan = run_data.load_array(run.id, "mutations")
    if scan is None or len(scan) != len(fold.structure):
        return []
    meaning = (
        "Mean over all mutations of a residue, as the language model expects them: the lower, the less it may vary."
    )
    return [Column("mutations", "Mutations (mean log-odds)", _means(scan), "log-odds", meaning, diverging=True)]


def _means(scan: np.ndarray) -> np.ndarray:
    """`(L, 20)` to `(L,)`; NaN for a place that is not known."""
    known = np.isfinite(scan).any(axis=1)
    means = np.full(len(scan), np.nan)
    means[known] = np.nanmean(scan[known], axis=1)
    return means


def show(run: Run) -> None:
    """What this engine kept of its inside."""
    fold = run_data.load_fold(run)
    artifacts = {item.kind: item for item in services.library().artifacts(run.id)}
    if fold is None:
        return
    if fold.contacts is not None:
        _contacts(run, fold)
    if "attention" in artifacts:
        _heads(run, artifacts["attention"].file, fold)
    if "mutations" in artifacts:
        _mutations(run, fold, str(artifacts["mutations"].meta.get("columns") or ALPHAFOLD_ORDER))
    if not {"attention", "mutations"} & artifacts.keys():
        st.caption(
            "Attention and mutation scans are kept only on request: run ESMFold with “Keep attention” and “Scan all "
            "mutations” under “Advanced”."
        )


def _truth(run: Run, fold: FoldData) -> tuple[np.ndarray, np.ndarray, str]:
    """Contacts to judge by `(L, L)`, the residues they tell of `(L,)`, and where they come from."""
    comparison, stored_reference = run_data.stored_json(run.id, COMPARISON), run_data.reference(run.id)
    if comparison is not None and stored_reference is not None:
        true, known = compare.true_contacts(fold.structure, stored_reference[0], comparison)
        return true, known, f"the contacts of {stored_reference[1].meta.get('title') or 'the reference'}"
    own = contact_map(fold.structure)
    return own, np.ones(len(own), bool), "the contacts of this model's own structure: give a reference under Compare"


def _contacts(run: Run, fold: FoldData) -> None:
    from viz.folding.maps import contact_figure

    true, _, origin = _truth(run, fold)
    st.markdown(
        "**Contacts**",
        help="Predicted above the diagonal, those of the structure below it; Cβ atoms closer than 8 Å count.",
    )
    figure, alt = contact_figure(fold.contacts, true)
    charts.show(figure, alt=alt, key=f"contacts-{run.id}")
    st.caption(f"{alt} Judged by {origin}.")


def _heads(run: Run, file: str, fold: FoldData) -> None:
    from evaluation.metrics.folding.attention import corrected
    from viz.folding.maps import contact_figure

    st.markdown(
        "**Attention, head by head**",
        help="From every residue, each head of the language model looks at some others. After a correction for "
        "residues that all others look at (average product correction), many heads look at contacts, though they were "
        "never trained to.",
    )
    attention = _attention(run.id, file)
    layers, heads = attention.shape[:2]
    if attention.shape[-1] != len(fold.structure):
        st.caption("The attention of this run does not fit the length of its structure.")
        return
    best: dict[str, Any] = {}
    analysed(
        run,
        HEADS,
        partial(_judge_heads, run, file),
        "Judging every head…",
        lambda answer: best.update(_show_heads_table(answer)),
    )
    left, right = st.columns(2)
    layer = left.number_input("Layer", 1, layers, int(best.get("layer", layers)), key=f"layer-{run.id}")
    head = right.number_input("Head", 1, heads, int(best.get("head", 1)), key=f"head-{run.id}")
    map_ = corrected(attention[int(layer) - 1, int(head) - 1])
    true, _, origin = _truth(run, fold)
    pairs = max(len(np.triu_indices(len(map_), MIN_SEPARATION)[0]), 1)
    figure, alt = contact_figure(_ranked(map_), true, shown=1 - min(len(map_) / pairs, 1) + 1e-9)  # the L strongest
    charts.show(figure, alt=alt, key=f"head-map-{run.id}")
    st.caption(f"The strongest pairs of layer {layer}, head {head}, against {origin}.")


def _ranked(map_: np.ndarray) -> np.ndarray:
    """A head's map as ranks from 0 to 1 among the pairs that are judged, `MIN_SEPARATION` or more apart.

    Heads have scales of their own; nearer pairs, which most heads look at first, get 0.
    """
    rows, columns = np.triu_indices(len(map_), MIN_SEPARATION)
    ranks = np.zeros(map_.shape)
    order = np.argsort(np.argsort(map_[rows, columns] + map_[columns, rows], kind="stable"), kind="stable")
    ranks[rows, columns] = ranks[columns, rows] = (order + 1) / max(len(rows), 1)
    return ranks


def _judge_heads(run: Run, file: str) -> bytes:
    from evaluation.metrics.folding.attention import head_precision

    fold = run_data.load_fold(run)
    if fold is None:
        raise BadInput("The structure of this run is not there any more.")
    true, known, origin = _truth(run, fold)
    rows = head_precision(_attention(run.id, file), true, known)[:MAX_HEADS]
    return strict_json.dumps({"origin": origin, "rows": rows}).encode()


def _show_heads_table(answer: bytes) -> dict[str, Any]:
    """Show the heads, the best first; gives the best."""
    judged = json.loads(answer)
    rows = pd.DataFrame(judged["rows"])
    st.dataframe(rows, hide_index=True, height=220)
    said = f"Share of each head's strongest pairs that are contacts, pairs six or more apart; by {judged['origin']}."
    st.caption(said)
    charts.pin_table(rows, said, "heads-of-the-model")
    return judged["rows"][0] if judged["rows"] else {}


def _mutations(run: Run, fold: FoldData, letters: str) -> None:
    from viz.folding.maps import mutation_scan

    scan = run_data.load_array(run.id, "mutations")
    if scan is None or len(scan) != len(fold.structure):
        return
    st.markdown(
        "**Every single mutation**",
        help="Each residue was hidden in turn, and the language model asked what it expects there (masked marginals). "
        "Below 0, it expects the new residue less than the present one. This is not a measured stability.",
    )
    sequence = fold.structure.sequence
    figure, alt = mutation_scan(scan, sequence, letters)
    charts.show(figure, alt=alt, key=f"scan-{run.id}")
    st.caption(f"{alt} The workbench above can be coloured by the mean of each residue.")
    means = _means(scan)
    order = [int(row) for row in np.argsort(means, kind="stable") if np.isfinite(means[row])][:MAX_SENSITIVE_PLACES]
    st.caption("The residues that tolerate change least; tick some to select them in 3D.")
    shown = pd.DataFrame({
        "residue": [f"{sequence[row]}{fold.structure.numbers[row]}" for row in order],
        "chain": [str(fold.structure.chains[row]) for row in order],
        "mean log-odds": np.round(means[order], 2),
    })  # fmt: skip
    event = st.dataframe(
        shown, hide_index=True, height=220, on_select="rerun", selection_mode="multi-row", key=f"touchy-{run.id}"
    )
    charts.pin_table(shown, "The residues that tolerate change least.", f"touchy-{run.id}")
    rows = tuple(order[place] for place in event["selection"]["rows"] if place < len(order))
    if rows != st.session_state.get(f"ticked-{run.id}", ()):
        st.session_state[f"ticked-{run.id}"] = rows
        run_data.select(run.id, rows)
        st.rerun()
