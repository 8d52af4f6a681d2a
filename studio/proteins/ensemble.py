"""The models of a file that has several, such as those of NMR: each laid on the one that is shown, and listed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from backends.folding.structure.structure import Structure
from studio.library.library import Run
from studio.proteins import run_data
from studio.ui import charts, formatting

MAX_LOOSEST = 5
"""Residues that are named as those where the models differ most."""


@dataclass(frozen=True)
class LaidModel:
    """One model: its number in the file, where it lies on the one that is shown, and its RMSD of Cα to that in Å."""

    number: int
    structure: Structure
    rmsd: float


def laid_models(run_id: str, main: Structure) -> list[LaidModel]:
    """The models of a run's file, laid on `main`; none where there is but one, or where they are of other residues."""
    from evaluation.metrics.folding.superpose import superpose

    models = run_data.models_of(run_id)
    if any(model.sequence != main.sequence for model in models):
        return []
    laid = []
    for number, model in enumerate(models, 1):
        fit = superpose(model.ca, main.ca)
        rmsd = float(np.sqrt(np.square(fit.apply(model.ca) - main.ca).sum(axis=-1).mean()))
        laid.append(LaidModel(number, model.moved(fit.rotation, fit.shift), rmsd))
    return laid


def spread(models: list[LaidModel]) -> np.ndarray:
    """`(L,)` Å: how far each Cα lies from its mean place over the models, as root mean square."""
    places = np.stack([model.structure.ca for model in models])  # (M, L, 3)
    return np.sqrt(np.square(places - places.mean(axis=0)).sum(axis=-1).mean(axis=0))


def show(run: Run, structure: Structure) -> None:
    """How far the models are from the first, and where they differ most; nothing of a file with one model."""
    models = laid_models(run.id, structure)
    if not models:
        return
    st.markdown("**Models**", help="Each fits what was measured. They are a film beside the 3D view.")
    loose = spread(models)
    named = ", ".join(
        f"{structure.chains[row]}:{structure.components[row]}{structure.numbers[row]} ({loose[row]:.1f} Å)"
        for row in np.argsort(-loose, kind="stable")[:MAX_LOOSEST]
    )
    about = (
        f"{formatting.count(len(models), 'model')}, {loose.mean():.2f} Å apart on average. They differ most at {named}."
    )
    st.caption(formatting.escape(about))
    rows = pd.DataFrame([{"model": one.number, "RMSD of Cα to the first (Å)": round(one.rmsd, 2)} for one in models])
    st.dataframe(rows, hide_index=True)
    charts.pin_table(rows, "The models of the file.", f"models-{run.id}")
