"""The belief film of a fold: contacts, doubt, confidence and structure after each step of the network."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from backends.folding.structure.structure import Structure
from evaluation.metrics.folding.superpose import superpose
from studio.inside import address, take_away
from studio.inside.answers import Answer
from studio.inside.attribution import Map, read_map
from studio.inside.questions import Question
from studio.library.library import Run
from studio.proteins import run_data
from studio.proteins.run_data import FoldData
from studio.ui import charts
from viz.inside.inner import film_lines
from viz.inside.parts import pair_map

MAX_FRAMES = 24
"""Structures that play in 3D; of more steps that many are taken, evenly."""


def show_film(run: Run, question: Question) -> None:
    """The contacts and the structure after each step, and how sure the network was."""
    from studio.inside import proteins

    data = run_data.require_fold(run)

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        step = choose_step(run, found)
        values = found.arranged("step", "residue", "other")
        figure, alt = pair_map(values[step], "chance of a contact", 1.0, "contacts")
        name = str(found.axes["step"][step])
        take_away.chart(figure, f"{name.capitalize()}. {alt}", f"film-{key}-{name}")
        return figure, alt

    def structures(answer: Answer) -> None:
        arrays = film_arrays(answer)
        if "backbone" in arrays:
            show_structures(run, data, read_map(answer), arrays)
        figure, alt = film_lines(arrays["plddt"].mean(axis=1), arrays["entropy"].mean(axis=1))
        take_away.chart(figure, alt, f"film-lines-{run.id}")

    proteins.look(run, question, draw, structures)


def choose_step(run: Run, found: Map) -> int:
    """The step that is shown; it stands in the address."""
    steps = [str(name) for name in found.axes["step"]]
    if len(steps) == 1:
        return 0
    step = st.select_slider("After", steps, address.one_of("step", steps, steps[-1]), key=f"film-step-{run.id}")
    address.write("step", str(step), steps[-1])
    return steps.index(str(step))


def film_arrays(answer: Answer) -> Mapping[str, np.ndarray]:
    """`plddt` and `entropy` `(steps, L)`, and `backbone` `(steps, L, 4, 3)` where the model server writes it."""
    with np.load(io.BytesIO(answer.file("film.npz")), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def show_structures(run: Run, data: FoldData, found: Map, arrays: Mapping[str, np.ndarray]) -> None:
    """The structure of the chosen step with its contacts, and all steps as a film, in the structure workbench."""
    from viz.components.structure_workbench import Film, Frame, manifest, structure_workbench

    labels = [str(name) for name in found.axes["step"]]
    step = labels.index(address.one_of("step", labels, labels[-1]))
    folds = step_structures(arrays, data.structure.sequence)
    taken = np.unique(np.linspace(0, len(folds) - 1, min(len(folds), MAX_FRAMES)).round().astype(int))
    frames = [Frame(folds[k], labels[k], float(arrays["plddt"][k].mean())) for k in taken]
    st.caption(
        f"The structure as if the network had stopped after {labels[step]}, by the confidence it had then, with its "
        "contacts beside it. The film below it plays all steps."
    )
    contacts = found.arranged("step", "residue", "other")[step]
    contents = manifest(
        f"{run.id}-film", f"After {labels[step]}", folds[step], contacts=contacts,
        films=[Film("steps", "After each step", frames)] if len(frames) > 1 else [], colour="plddt",
    )  # fmt: skip
    with charts.whole("inside-film", f"“{run.title}” as if the network had stopped after {labels[step]}.", "step"):
        structure_workbench(contents, key=f"inside-film-{run.id}")


def step_structures(arrays: Mapping[str, np.ndarray], sequence: str) -> Sequence[Structure]:
    """The backbone after each step, laid on that of the last one, with the confidence of that step."""
    backbones, confidence = arrays["backbone"].astype(np.float64), arrays["plddt"]
    last = backbones[-1][:, 1]  # Cα
    folds = []
    for backbone, plddt in zip(backbones, confidence, strict=True):
        laid = superpose(backbone[:, 1], last).apply(backbone)
        folds.append(Structure.from_backbone(laid, sequence, confidence=plddt, method="prediction"))
    return folds
