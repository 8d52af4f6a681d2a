"""What a structure's file holds, listed on its page, and several structures laid on each other."""

from __future__ import annotations

import json
from dataclasses import replace

import gemmi
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from backends.folding.structure.contents import SG
from backends.folding.structure.other_atoms import OtherAtoms
from backends.folding.structure.plausibility_checks import check_structure
from backends.folding.structure.structure import Structure
from backends.folding.structure.writer import superposed_pdb
from studio import services
from studio.library.library import Run
from studio.proteins import run_data
from tests.support import findings
from tests.support.folding import helix
from tests.support.pages import click, words_of

SEQUENCE = "ACDEFCGHIKLMCPQRSTVWAEKLLRKAEELG"


def protein() -> Structure:
    """A helix with four residues missing, a bridge between its first two cysteines, and a zinc beside residue 4."""
    whole = helix(SEQUENCE, confidence=None)
    atoms, mask = whole.atoms.copy(), whole.mask.copy()
    mask[:, SG] = False
    mask[[1, 5], SG] = True
    atoms[1, SG], atoms[5, SG] = (40, 40, 40), (40, 40, 42.05)
    cut = replace(whole, atoms=atoms, mask=mask).select(np.r_[0:8, 12 : len(SEQUENCE)])
    zinc = OtherAtoms(
        positions=(cut.atoms[3, 1] + np.float32([0, 0, 2.1]))[None],
        names=np.array(["ZN"]),
        elements=np.array(["Zn"]),
        components=np.array(["ZN"]),
        chains=np.array(["A"]),
        numbers=np.array([501]),
        insertions=np.array([""]),
        factors=np.array([10.0], np.float32),
        occupancies=np.array([1.0], np.float32),
        kinds=np.array(["ion"]),
        rows=np.array([-1]),
    )
    return replace(cut, others=zinc)


def fold(structure: Structure) -> Run:
    """A finished fold with the check of its geometry."""
    library, run = services.library(), findings.fold(structure)
    checked = json.dumps(check_structure(structure).to_json()).encode()
    library.drop(run.id, "sanity")
    library.keep(run.id, "sanity", "sanity.json", checked, file="sanity.json")
    return run


def opened(app: AppTest, run: Run, view: str) -> AppTest:
    app.run().switch_page("pages/proteins.py")
    app.query_params["run"] = run.id
    app.run()
    next(one for one in app.segmented_control if "Contents" in one.options).set_value(view).run()
    assert not app.exception and not app.error
    return app


@pytest.mark.slow
def test_chains_gaps_bridges_and_ligands_are_listed_and_shown(app: AppTest) -> None:
    run = fold(protein())
    opened(app, run, "Contents")
    chains, ligands = (frame.value for frame in app.dataframe)
    assert chains.iloc[0].to_dict() == {
        "chain": "A", "residues": 28, "from": "A:ALA1", "to": "A:GLY32", "missing inside": 4,
    }  # fmt: skip
    assert ligands.iloc[0]["name"] == "ZN" and ligands.iloc[0]["residues within 4 Å"].startswith("A:GLU4")
    labels = [one.label for one in app.button]
    assert r"A\:HIS8 to A\:CYS13 \(4 residues missing, 8.9 Å\)" in labels
    assert any(label.startswith(r"A\:CYS2–A\:CYS6 \(2.05 Å") for label in labels)
    click(app, "around ZN")
    serial, rows = app.session_state[f"asked-{run.id}"]
    data = run_data.load_fold(run)
    assert serial == 1 and rows[0] == 3 and data is not None and len(rows) < len(data.structure)


@pytest.mark.slow
def test_several_structures_are_laid_on_one_with_their_alignment_and_taken_along(app: AppTest) -> None:
    first = protein()
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], float)
    runs = [fold(first), fold(first.moved(turn, np.array([5.0, 6, 7])))]
    opened(app, runs[0], "Compare")
    app.multiselect[0].set_value([runs[1].id]).run()
    click(app, "Lay them on this one")
    assert not app.exception and app.title[0].value == "Side by side"
    scores = next(frame.value for frame in app.dataframe if "compared with A" in frame.value.columns)
    assert scores.iloc[0]["rmsd"] < 0.01 and scores.iloc[0]["tm"] > 0.99
    assert any("Alignment with B" in one.label for one in app.expander)
    assert any(first.sequence in one.value for one in app.code)
    assert "root mean square" in words_of(app) and len(app.get("download_button")) == 1


def test_superposed_structures_are_models_of_one_file() -> None:
    first, second = helix(SEQUENCE), helix(SEQUENCE).moved(np.eye(3), np.array([1.0, 2, 3]))
    text = superposed_pdb([("Kristall é", first), ("model", second)])
    read = gemmi.read_pdb_string(text)
    assert len(read) == 2 and text.startswith("REMARK   1 Model 1 is Kristall ?")
    for model, structure in zip(read, (first, second), strict=True):
        found = np.array([atom.pos.tolist() for chain in model for residue in chain for atom in residue])
        assert np.allclose(found, structure.atoms[structure.mask], atol=1e-3)
