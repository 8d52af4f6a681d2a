"""The knobs of proteins: another sequence folded beside the first, and more and more residues exchanged at random."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from backends.folding.residues import AMINO_ACIDS
from backends.folding.structure.reader import parse_structure
from backends.folding.structure.structure import Structure
from studio import services
from studio.inside import address, asking, explained, take_away
from studio.inside.answers import Answer, Content, Inquiry
from studio.inside.attribution import Map
from studio.inside.explained import Choice
from studio.inside.questions import Question
from studio.library.library import Run
from studio.proteins import run_data
from studio.proteins.run_data import FoldData
from studio.ui import charts
from viz.inside.style import AGAINST, FOR, dress, listed


@dataclass(frozen=True)
class Moved:
    """A fold compared with the one before: its structure laid on that one, TM-score (0 to 1), RMSD in Å, mean pLDDT."""

    structure: Structure
    tm: float
    rmsd: float
    plddt: float


def show_change(run: Run, question: Question) -> None:
    """Another sequence of the same length, folded, beside the first."""
    data = run_data.require_fold(run)
    if not _folds(run):
        return
    sequence = data.structure.sequence
    typed = st.text_area("Sequence", address.read("sequence", sequence), key=f"inside-sequence-{run.id}", height=100)
    letters = "".join(typed.split()).upper()
    address.write("sequence", letters, sequence)
    problem, changes = compare(sequence, letters)
    if problem:
        st.caption(f":material/info: {problem}")
        return
    st.caption(f"Changed: {listed(changes[:12])}{' …' if len(changes) > 12 else ''}.")
    inquiry = _inquiry(run, letters, f"{run.title} with {listed(changes[:4])}")
    answer = asking.answered(inquiry, "Fold it", "one fold", ":material/deployed_code:")
    if answer is not None:
        _draw_change(run, data, moved(answer, data), changes)


def compare(before: str, after: str) -> tuple[str, list[str]]:
    """Why a sequence cannot be compared with the one before, "" where it can, and its changes such as “K12A”.

    >>> compare("MKV", "MAV"), compare("MKV", "MK")[0][:24]
    (('', ['K2A']), 'Keep the number of resid')
    """
    strange = sorted(set(after) - set(AMINO_ACIDS))
    if strange:
        return f"“{strange[0]}” is no amino acid: use {AMINO_ACIDS}.", []
    if len(after) != len(before):
        return f"Keep the number of residues, {len(before)}, so that both can be compared; there are {len(after)}.", []
    changes = [
        f"{old}{place}{new}" for place, (old, new) in enumerate(zip(before, after, strict=True), 1) if old != new
    ]
    return ("" if changes else "Change at least one letter of the sequence."), changes


def _folds(run: Run) -> bool:
    """Whether the run's model folds sequences."""
    from studio.inside.page_links import offer_other_run
    from studio.inside.proteins import fold

    if run.engine == "esmfold":
        return True
    data = run_data.require_fold(run)
    offer_other_run(
        "This run's model does not fold single sequences.",
        "Fold its sequence with one that does",
        lambda: fold(f"{run.title}.fasta", f">{run.title}\n{data.structure.sequence}\n"),
    )
    return False


def _inquiry(run: Run, sequence: str, title: str) -> Inquiry:
    """The model of the run on another sequence."""
    options = {name: value for name, value in run.options.items() if name not in ("chain", "extras")}
    files = {"query": Content(f">changed\n{sequence}\n".encode(), ".fasta")}
    return Inquiry(
        run, title, "folding", run.weights, options, files, explains=False,
        wanted=lambda kind, name: name in ("model.cif", "confidence.json"),
    )  # fmt: skip


def moved(answer: Answer, data: FoldData) -> Moved:
    """The fold of an answer beside the first one, residue by residue."""
    from evaluation.metrics.folding.folds import compare as compare_folds

    structure = parse_structure(answer.file("model.cif").decode())
    plddt = json.loads(answer.file("confidence.json")).get("plddt")
    if plddt is not None:
        structure = structure.with_confidence(np.asarray(plddt, float))
    first = data.structure
    # Under the first one's letters the residues are paired by their places, however many of them changed.
    found = compare_folds(replace(structure, sequence=first.sequence, components=first.components), first)
    laid = structure.moved(found.transform.rotation, found.transform.shift)
    return Moved(laid, found.tm, found.rmsd, float(np.nanmean(structure.confidence)))


def _draw_change(run: Run, data: FoldData, after: Moved, changes: Sequence[str]) -> None:
    from viz.components.structure_workbench import Column, Overlay, manifest, structure_workbench

    distance = np.linalg.norm(after.structure.ca - data.structure.ca, axis=1)
    change = after.structure.confidence - data.structure.confidence
    contents = manifest(
        f"{run.id}-change", run.title, data.structure, confidence=data.confidence,
        columns=[
            Column("moved", "How far it moves", distance, "Å", "Between Cα atoms after superposition.", 0),
            Column("surer", "Change of confidence", change, "pLDDT", "Positive: surer than before.", diverging=True),
        ],
        overlays=[Overlay("after", "after the change", after.structure, f"TM-score {after.tm:.2f}")],
        selection=[int(name[1:-1]) - 1 for name in changes], colour="moved",
    )  # fmt: skip
    said = f"“{run.title}” before and after {listed(changes[:12])}: TM-score {after.tm:.2f}, {after.rmsd:.1f} Å apart."
    with charts.whole("inside-changed-fold", said, "change"):
        _metrics(after, float(np.nanmean(data.structure.confidence)))
        structure_workbench(contents, key=f"inside-change-{run.id}")
    figure, alt = confidence_lines(data.structure.confidence, after.structure.confidence)
    take_away.chart(figure, alt, "inside-plddt")


def _metrics(after: Moved, before: float) -> None:
    """How like the fold before it is, and the mean confidence, which was `before`."""
    columns = st.columns(3)
    columns[0].metric("Same fold? (TM-score)", f"{after.tm:.2f}", help="1 is the same; above 0.5 the fold is the same.")
    columns[1].metric("Moved by (RMSD)", f"{after.rmsd:.1f} Å", help="Mean distance of the residues once superposed.")
    columns[2].metric("Confidence (pLDDT)", f"{after.plddt:.0f}", f"{after.plddt - before:+.1f}")


def confidence_lines(before: np.ndarray, after: np.ndarray) -> tuple[go.Figure, str]:
    """pLDDT along the chain before and after."""
    figure = go.Figure()
    places = list(range(1, len(before) + 1))
    for name, values, colour, dash in (("before", before, AGAINST, "solid"), ("after", after, FOR, "dash")):
        figure.add_scatter(
            x=places, y=np.round(values, 1), name=name, mode="lines", line={"color": colour, "dash": dash, "width": 2},
            hovertemplate=f"residue %{{x}}: %{{y}}<extra>{name}</extra>",
        )  # fmt: skip
    dress(figure, "residue", "pLDDT", 280)
    figure.update_yaxes(range=[0, 100])
    change = np.asarray(after) - np.asarray(before)
    place = int(np.nanargmax(np.abs(change)))
    return figure, (
        f"Confidence along the chain, {np.nanmean(before):.0f} before and {np.nanmean(after):.0f} after on average; it "
        f"changes most at residue {place + 1} ({change[place]:+.0f})."
    )


def show_broken(run: Run, question: Question) -> None:
    """The fold and its confidence as more and more residues are exchanged."""
    if not _folds(run):
        return
    file = services.library().only(run.id, "input", "input")

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        tm, plddt = found.arranged("measure", "exchanged")
        figure, alt = broken_curve(found.axes["exchanged"].tolist(), tm.tolist(), plddt.tolist())
        take_away.chart(figure, alt, f"broken-{key}")
        st.caption("One random exchange at each step: another seed gives other numbers.")
        return figure, alt

    explained.show(run, question, Choice("Would a broken sequence fool the model?", {}, {"query": file}), draw)


def broken_curve(shares: Sequence[float], tm: Sequence[float], plddt: Sequence[float]) -> tuple[Any, str]:
    """TM-score to its own fold and confidence, both from 0 to 1, against the share of residues that were exchanged."""
    figure = go.Figure()
    percent = [100 * share for share in shares]
    figure.add_scatter(
        x=percent, y=np.round(tm, 3), name="same fold (TM-score)", mode="lines+markers", line={"color": FOR, "width": 2}
    )
    figure.add_scatter(
        x=percent, y=np.round(np.asarray(plddt) / 100, 3), name="confidence (pLDDT / 100)", mode="lines+markers",
        line={"color": AGAINST, "width": 2, "dash": "dash"}, marker={"symbol": "square"},
    )  # fmt: skip
    dress(figure, "residues exchanged (%)", "0 to 1", 320)
    figure.update_yaxes(range=[0, 1.05])
    lost, doubt = 1 - tm[-1], (plddt[0] - plddt[-1]) / 100
    fooled = "it says so less than it should" if lost > 0.3 and doubt < 0.5 * lost else "its confidence follows"
    return figure, (
        f"With {percent[-1]:.0f} % of the residues exchanged, the fold is like its own by TM-score {tm[-1]:.2f}, and "
        f"the confidence goes from {plddt[0]:.0f} to {plddt[-1]:.0f}: {fooled}."
    )
