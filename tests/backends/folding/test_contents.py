"""What a structure holds: gaps, disulphide bridges, and the residues around a ligand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backends.folding.structure.contents import SG, bridges, gaps, neighbourhoods
from backends.folding.structure.other_atoms import OtherAtoms
from backends.folding.structure.reader import parse_structure, read_models, read_structure
from backends.folding.structure.structure import Structure
from backends.folding.structure.writer import superposed_pdb, to_cif
from tests.support.folding import helix

HELIX = helix("ACDEFCGHIKLMCPQRSTVW")


def with_sulphurs(positions: dict[int, tuple[float, float, float]]) -> Structure:
    atoms, mask = HELIX.atoms.copy(), HELIX.mask.copy()
    mask[:, SG] = False
    for row, position in positions.items():
        atoms[row, SG], mask[row, SG] = position, True
    return replace(HELIX, atoms=atoms, mask=mask)


def zinc(at: np.ndarray, component: str = "ZN", kind: str = "ion") -> OtherAtoms:
    return OtherAtoms(
        positions=np.asarray([at], np.float32),
        names=np.array(["ZN"]),
        elements=np.array(["Zn"]),
        components=np.array([component]),
        chains=np.array(["B"]),
        numbers=np.array([501]),
        insertions=np.array([""]),
        factors=np.array([10.0], np.float32),
        occupancies=np.array([1.0], np.float32),
        kinds=np.array([kind]),
        rows=np.array([-1]),
    )


def test_a_gap_is_where_numbers_and_distance_say_that_something_misses() -> None:
    assert gaps(HELIX) == []
    cut = HELIX.select(np.r_[0:8, 12:20])
    (gap,) = gaps(cut)
    assert (gap.before, gap.after, gap.missing) == (7, 8, 4)
    two = replace(cut, chains=np.array(["A"] * 8 + ["B"] * 8))
    assert gaps(two) == []  # another chain begins there
    renumbered = replace(HELIX, numbers=np.r_[1:9, 101:113])
    assert gaps(renumbered) == []  # the numbers jump and the chain goes on


def test_bridges_are_between_sulphurs_that_are_bonded_each_once() -> None:
    apart = with_sulphurs({1: (0, 0, 0), 5: (9, 0, 0), 12: (20, 0, 0)})
    assert bridges(apart) == []
    bonded = with_sulphurs({1: (0, 0, 0), 5: (2.05, 0, 0), 12: (4.4, 0, 0)})
    (bridge,) = bridges(bonded)  # the second sulphur has one bond, the shorter
    assert (bridge.one, bridge.other) == (1, 5) and bridge.distance == pytest.approx(2.05, abs=1e-3)


def test_what_touches_a_ligand_is_listed_the_nearest_first() -> None:
    at = HELIX.atoms[3, 1] + np.float32([0, 0, 2.1])
    around = replace(HELIX, others=zinc(at))
    (found,) = neighbourhoods(around)
    own = np.linalg.norm(HELIX.atoms - at, axis=-1)
    own[~HELIX.mask] = np.inf
    expected = [int(row) for row in np.argsort(own.min(axis=1)) if own[row].min() <= 4]
    assert (found.kind, found.component, found.chain, found.number, found.atoms) == ("ion", "ZN", "B", 501, 1)
    assert list(found.rows) == expected and found.nearest == pytest.approx(own.min(), abs=1e-4)
    assert neighbourhoods(replace(HELIX, others=zinc(at, "HOH", "water"))) == []
    (far,) = neighbourhoods(replace(HELIX, others=zinc(at + 500)))
    assert far.rows == () and far.nearest > 100


def test_they_are_the_same_in_a_file_that_was_written_and_read() -> None:
    at = HELIX.atoms[3, 1] + np.float32([0, 0, 2.1])
    again = parse_structure(to_cif(replace(HELIX, others=zinc(at))))
    (found,) = neighbourhoods(again)
    assert found.component == "ZN" and 3 in found.rows


def test_the_models_of_an_ensemble_are_read_and_those_of_other_residues_left(tmp_path: Path) -> None:
    moved, other = HELIX.moved(np.eye(3), np.array([3.0, 0, 0])), helix("ACDEFG")
    (tmp_path / "nmr.pdb").write_text(superposed_pdb([("one", HELIX), ("two", moved), ("short", other)]))
    models = read_models(tmp_path / "nmr.pdb")
    assert [model.sequence for model in models] == [HELIX.sequence] * 2
    assert np.allclose(models[1].ca - models[0].ca, [3, 0, 0], atol=2e-3)
    assert np.allclose(read_structure(tmp_path / "nmr.pdb").ca, models[0].ca)
    assert len(read_models(tmp_path / "nmr.pdb", most=1)) == 1
