"""Everything the workbench can show, made by rule: two helices and a turn, with values that a test knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from backends.folding.structure.confidence import Confidence
from backends.folding.structure.structure import Structure
from evaluation.metrics.folding.morph import morph
from evaluation.synthetic.proteins import build_chain
from viz.components.structure_workbench import Column, File, Film, Frame, Overlay, Problem, manifest

SEQUENCE = "MAEKLLRKAEELGGNPSEEALKKVLEAAKR"
HELIX, TURN, STRAND = (-57.0, -47.0), (-70.0, 140.0), (-120.0, 130.0)
LENGTH = len(SEQUENCE)
PTM = (0.31, 0.58, 0.87)


def structure() -> Structure:
    torsions = [HELIX] * 13 + [TURN] * 4 + [HELIX] * (LENGTH - 17)
    return build_chain(torsions, SEQUENCE, "Two helices").with_confidence(np.linspace(40, 98, LENGTH))


def pae() -> np.ndarray:
    """Row i, column j: i / 2 Å above the diagonal and nothing below, but 20 Å at (2, 5)."""
    values = np.triu(np.repeat(np.arange(LENGTH)[:, None] / 2, LENGTH, axis=1), 1)
    values[2, 5] = 20
    return values


def contacts() -> tuple[np.ndarray, np.ndarray]:
    """Predicted with a probability of 1 at (3, 20); true at (4, 22)."""
    predicted, true = np.zeros((LENGTH, LENGTH)), np.zeros((LENGTH, LENGTH), dtype=bool)
    predicted[3, 20] = predicted[20, 3] = 1
    true[4, 22] = true[22, 4] = True
    return predicted, true


def recycles(main: Structure) -> Film:
    bent = build_chain([STRAND] * LENGTH, SEQUENCE)
    steps = [*morph(bent, main, 3)]
    frames = [
        Frame(step.with_confidence(np.full(LENGTH, 50.0 + 20 * k)), f"Recycle {k}", None, ptm)
        for k, (step, ptm) in enumerate(zip(steps, PTM, strict=True))
    ]
    return Film("recycles", "Recycles", frames)


def everything(run: str = "made", **more: Any) -> dict[str, Any]:
    main = structure()
    other = main.moved(np.eye(3), np.array([6.0, 0.0, 0.0]))
    predicted, true = contacts()
    lddt = np.linspace(0.2, 0.9, LENGTH)
    lddt[:3] = np.nan
    told = {
        "confidence": Confidence(main.confidence, pae(), 0.87),
        "contacts": predicted,
        "true_contacts": true,
        "columns": [Column("lddt", "lDDT", lddt, meaning="Agreement with the experiment.", low=0, high=1)],
        "overlays": [Overlay("other", "The other one", other, "TM-score 0.52", shown=False)],
        "films": [recycles(main), Film("morph", "Morph", [Frame(one, "Morph") for one in (main, other)], kind="morph")],
        "problems": [Problem("twist", "Twisted peptides", [4, 5, 9], "Three peptide bonds are twisted.", "broken")],
        "files": [File("PDB", "/files/model.pdb")],
    }
    return manifest(run, "Two helices", replace(main, method="prediction"), **{**told, **more})
