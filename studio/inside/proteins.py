"""Proteins: which residues decide a contact or the confidence, what heads look at, and what if residues changed."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from backends.folding.structure.geometry import contact_map
from studio import launch, services
from studio.inside import address, asking, belief, boards, explained, mutating, take_away
from studio.inside.answers import Inquiry
from studio.inside.attribution import Map
from studio.inside.explained import Choice
from studio.inside.page_links import offer_other_run
from studio.inside.questions import Question
from studio.inside.room import Room
from studio.library.library import Run
from studio.proteins import run_data
from studio.proteins.run_data import FoldData
from studio.ui import charts
from viz.inside.parts import chain_bars, pair_map

SAMPLE = "villin"
NETWORK = "esmfold"
"""The engine whose residues can be hidden."""

PAIR_METHODS = {
    "influence": "Hide each residue (one pass a residue)",
    "jacobian": "Exchange each for all twenty: the categorical Jacobian (20 passes a residue)",
}
"""Ways to see which residues hang together."""

MIN_SEPARATION = 6
STRETCH = 5


def start_sample() -> str:
    """Fold a small well-known protein with a network."""
    from studio.proteins.samples import of_id

    sample = of_id(SAMPLE)
    return fold(sample.file, sample.text)


def fold(name: str, text: str) -> str:
    """Fold a sequence with a network that can be asked afterwards; returns the run's id."""
    return services.jobs().submit("folding", name, io.BytesIO(text.encode()), launch.best_card("folding", NETWORK), {})


def _takes_questions(run: Run, data: FoldData) -> bool:
    """Whether the run's model takes questions; else the way to one that does."""
    engines = services.backend().info().tasks["folding"].explain.engines
    if run.engine in engines:
        return True
    offer_other_run(
        "This structure was not made by a model that can be asked about its residues.",
        "Fold its sequence with one that can",
        lambda: fold(f"{run.title}.fasta", f">{run.title}\n{data.structure.sequence}\n"),
    )
    return False


def show_map(run: Run, question: Question) -> None:
    """What each residue adds, along the chain and on the structure."""
    data = run_data.require_fold(run)
    if not _takes_questions(run, data):
        return
    length = len(data.structure)
    title, options, marked = _pair(data, length) if "pair" in question.asks else _stretch(data, length)
    file = services.library().only(run.id, "input", "input")
    asked = Choice(title, options, {"query": file})

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        figure, alt = chain_bars(found.values, data.structure.sequence, unit=found.unit)
        figure.update_yaxes(range=[-1.05 * scale, 1.05 * scale])
        names = boards.residue_names(data.structure.sequence)
        take_away.chart(figure, alt, f"chain-{key}", live=lambda: boards.of_parts(names, found, alt))
        if not key.endswith("control"):
            _on_structure(run, data, found, marked)
        return figure, alt

    explained.show(run, question, asked, draw)


def _pair(data: FoldData, length: int) -> tuple[str, dict[str, Any], list[int]]:
    first, second = likely_pair(data)
    left, right = st.columns(2)
    one = int(address.number("one", 1, length, first))
    other = int(address.number("other", 1, length, second))
    one = int(left.number_input("Residue", 1, length, one, key=f"inside-one-{length}"))
    other = int(right.number_input("and residue", 1, length, other, key=f"inside-other-{length}"))
    address.write("one", str(one))
    address.write("other", str(other))
    title, options = pair_question(data.structure.sequence, one, other)
    return title, options, [one - 1, other - 1]


def pair_question(letters: str, one: int, other: int) -> tuple[str, dict[str, Any]]:
    """Which residues make two touch, counted from 1: in words and as options."""
    title = f"Which residues make {letters[one - 1]}{one} and {letters[other - 1]}{other} touch?"
    return title, {"target": f"{one},{other}"}


def likely_pair(data: FoldData) -> tuple[int, int]:
    """Two residues, from 1, that touch in the structure and lie far apart along the chain."""
    rows, columns = np.nonzero(np.triu(contact_map(data.structure), MIN_SEPARATION))
    if not len(rows):
        return 1, len(data.structure)
    farthest = int((columns - rows).argmax())
    return int(rows[farthest]) + 1, int(columns[farthest]) + 1


def _stretch(data: FoldData, length: int) -> tuple[str, dict[str, Any], list[int]]:
    confidence = np.nan_to_num(data.structure.confidence, nan=100.0)
    width = min(STRETCH, length)
    worst = int(np.convolve(confidence, np.ones(width), "valid").argmin())
    first, last = address.interval("region", 1, length, (worst + 1, worst + width))
    chosen = st.slider("Residues", 1, length, (int(first), int(last)), key=f"inside-stretch-{length}")
    region = f"{chosen[0]}-{chosen[1]}"
    address.write("region", region)
    mean = float(np.nanmean(data.structure.confidence[chosen[0] - 1 : chosen[1]]))
    if np.isfinite(mean):
        st.caption(f"Here the model's confidence (pLDDT, 0 to 100) is {mean:.0f} on average.")
    title = f"Why is the model this sure of the residues {region}?"
    return title, {"target": "plddt", "region": region}, list(range(chosen[0] - 1, chosen[1]))


def _on_structure(run: Run, data: FoldData, found: Map, marked: list[int]) -> None:
    """The same numbers as colours of the structure, the residues that are asked about selected."""
    from viz.components.structure_workbench import Column, manifest, structure_workbench

    values = np.asarray(found.values, float)
    if len(values) != len(data.structure):
        return
    meaning = "What each residue adds to the answer: positive where it speaks for it."
    column = Column("why", "What counts", values, found.unit, meaning, diverging=True)
    contents = manifest(
        f"{run.id}-inside", run.title, data.structure, confidence=data.confidence, contacts=data.contacts,
        columns=[column], colour="why", selection=marked, selection_serial=hash(tuple(marked)) % 100_000,
    )  # fmt: skip
    with charts.whole("inside-structure", f"“{run.title}”, coloured by what each residue adds to the answer.", "why"):
        structure_workbench(contents, key=f"inside-workbench-{run.id}")


def show_heads(run: Run, question: Question) -> None:
    """Each attention head against the contacts of the structure."""
    from evaluation.metrics.folding.attention import corrected, head_precision

    data = run_data.require_fold(run)
    if not _takes_questions(run, data):
        return
    inquiry = _with_attention(run)
    answer = asking.answered(inquiry, "Look at its attention", "folds it once more and keeps what every head looked at")
    if answer is None:
        return
    with np.load(io.BytesIO(next(iter(answer.files.values()))), allow_pickle=False) as stored:
        attention = stored[stored.files[0]].astype(np.float32)
    true = contact_map(data.structure)
    heads = pd.DataFrame(head_precision(attention, true))
    best, chance = heads.iloc[0], distance_baseline(true)
    layer, head = int(best["layer"]), int(best["head"])
    beats = "more than" if best["L"] > chance else "no more than"
    st.markdown(
        f"The best head is **layer {layer}, head {head}**: {100 * best['L']:.0f} % of its L strongest pairs touch, "
        f"{beats} the {100 * chance:.0f} % of pairs that merely lie near each other along the chain.",
        help="L is the number of residues. Pairs six or more residues apart count; the contacts are those of this "
        "structure. Attention is what a head reads, not why the model answers.",
    )
    st.dataframe(heads.round(3), hide_index=True, height=220)
    charts.pin_table(heads.round(3), "How many of each head's strongest pairs are contacts.", f"heads-{run.id}")
    left, right = st.columns(2)
    layers, count = attention.shape[:2]
    layer = int(left.number_input("Layer", 1, layers, int(address.number("layer", 1, layers, layer))))
    head = int(right.number_input("Head", 1, count, int(address.number("head", 1, count, head))))
    address.write("layer", str(layer))
    address.write("head", str(head))
    figure, alt = pair_map(corrected(attention[layer - 1, head - 1]), "attention, corrected", what="attention")
    rows, columns = np.nonzero(np.triu(true, MIN_SEPARATION))
    figure.add_scatter(
        x=rows + 1, y=columns + 1, mode="markers", name="touch in the structure", hoverinfo="skip",
        marker={"color": "#0072b2", "size": 5, "symbol": "square-open"},
    )  # fmt: skip
    take_away.chart(figure, f"{alt} Below the diagonal: pairs that touch in the structure.", f"head-{layer}-{head}")


def look(run: Run, question: Question, draw: explained.Draw, files: explained.DrawFiles = lambda answer: None) -> None:
    """A look into the model that folded this run's sequence; arguments as for `explained.show`."""
    data = run_data.require_fold(run)
    if _takes_questions(run, data):
        file = services.library().only(run.id, "input", "input")
        explained.show(run, question, Choice(question.sentence, {}, {"query": file}), draw, files)


def show_together(run: Run, question: Question) -> None:
    """How far hiding one residue moves what is thought of another; an expert may exchange it for every other one."""
    if address.read("expert") == "on":
        method = address.choose(
            "method", "How", list(PAIR_METHODS), question.method, names=lambda name: PAIR_METHODS[name]
        )
        question = replace(question, method=method)

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        figure, alt = pair_map(found.arranged("residue", "other"), "moved", scale, "pairs that hang together")
        take_away.chart(figure, alt, f"together-{key}")
        return figure, alt

    look(run, question, draw)


def _with_attention(run: Run) -> Inquiry:
    file: Path = services.library().only(run.id, "input", "input")
    options = {**run.options, "extras": "attention"}
    return Inquiry(
        run, "What do its attention heads look at?", "folding", run.weights, options, {"query": file}, explains=False,
        wanted=lambda kind, name: kind == "attention",
    )  # fmt: skip


def distance_baseline(true: np.ndarray) -> float:
    """The share of the L pairs that lie nearest along the chain, six or more apart, that touch `(L, L)`."""
    rows, columns = np.triu_indices(len(true), MIN_SEPARATION)
    nearest = np.argsort(columns - rows, kind="stable")[: len(true)]
    return float(true[rows[nearest], columns[nearest]].mean()) if len(nearest) else 0.0


ROOM = Room(
    start_sample,
    {
        "map": show_map,
        "film": belief.show_film,
        "together": show_together,
        "heads": show_heads,
        "change": mutating.show_change,
        "broken": mutating.show_broken,
    },
)
