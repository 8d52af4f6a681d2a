"""The places of a structure that offend against what is known of real proteins: one function a check.

Each gives the residue of every place that offends and of every place that was looked at, `(K,)` and `(P,)`, or None
where the atoms that it needs are missing.
"""

from __future__ import annotations

import numpy as np

from backends.folding.structure import geometry
from backends.folding.structure.geometry import Torsions
from backends.folding.structure.structure import Structure

Places = tuple[np.ndarray, np.ndarray]
BOND_LENGTHS = {"N-CA": 1.459, "CA-C": 1.525, "C-O": 1.229, "C-N": 1.336}
BOND_ANGLES = {"N-CA-C": 111.0, "CA-C-N": 117.2, "C-N-CA": 121.7}
"""In Å and degrees: Engh & Huber, International Tables for Crystallography F, 2001, table 18.3.2.3."""


def ca_spacing(structure: Structure, _: Torsions) -> Places:
    steps = np.flatnonzero(structure.linked())
    length = np.linalg.norm(structure.ca[steps + 1] - structure.ca[steps], axis=-1)
    off = (np.abs(length - 3.80) > 0.25) & (np.abs(length - 2.95) > 0.2)
    return steps[off], steps


def _off(measured: dict[str, tuple[np.ndarray, np.ndarray]], ideal: dict[str, float], reach: float) -> Places | None:
    off = [rows[np.abs(values - ideal[name]) > reach] for name, (rows, values) in measured.items()]
    places = np.concatenate([rows for rows, _ in measured.values()])
    return (np.concatenate(off), places) if len(places) else None


def bond_lengths(structure: Structure, _: Torsions) -> Places | None:
    return _off(geometry.covalent_lengths(structure), BOND_LENGTHS, 0.12)


def bond_angles(structure: Structure, _: Torsions) -> Places | None:
    return _off(geometry.covalent_angles(structure), BOND_ANGLES, 15.0)


def twisted(_: Structure, torsions: Torsions) -> Places:
    omega = np.abs(torsions.omega)
    return np.flatnonzero((omega > 40) & (omega < 140)), np.flatnonzero(np.isfinite(omega))


def cis(structure: Structure, torsions: Torsions) -> Places:
    bonds = np.flatnonzero(np.isfinite(torsions.omega))
    bonds = bonds[[structure.sequence[row + 1] != "P" for row in bonds]] if len(bonds) else bonds
    return bonds[np.abs(torsions.omega[bonds]) <= 40], bonds


def ramachandran(structure: Structure, torsions: Torsions) -> Places:
    known = np.isfinite(torsions.phi) & np.isfinite(torsions.psi)
    return np.flatnonzero(geometry.ramachandran_outliers(structure, torsions)), np.flatnonzero(known)


def chirality(structure: Structure, _: Torsions) -> Places:
    volume = geometry.handedness(structure)
    expected = np.where(structure.d_residues, -1, 1)  # D-amino acids, where the file names them so
    return np.flatnonzero(volume * expected < 0), np.flatnonzero(np.isfinite(volume))


def helix_hand(structure: Structure, _: Torsions) -> Places | None:
    """Turns with the spacing of an α-helix, in runs; their hand is the sign of the torsion of four Cα.

    A single such turn of either hand is found in many loops: only `MIN_TURNS` or more in a row, of one hand, are helix.
    """
    linked = structure.linked()
    starts = np.array([i for i in range(len(structure) - 4) if linked[i : i + 4].all()], dtype=int)
    if not len(starts):
        return None
    a, b, c, d, e = (structure.ca[starts + step].astype(float) for step in range(5))
    three, four = np.linalg.norm(d - a, axis=-1), np.linalg.norm(e - a, axis=-1)
    tight = (np.abs(three - 5.2) < 0.6) & (np.abs(four - 6.3) < 0.7)
    tight &= ~np.array([structure.d_residues[i : i + 5].any() for i in starts])
    hand = np.zeros(len(structure), dtype=int)
    hand[starts[tight]] = np.where(geometry.dihedral(a, b, c, d)[tight] < 0, -1, 1)
    ends = np.flatnonzero(np.diff(hand)) + 1
    runs = [run for run in np.split(np.arange(len(hand)), ends) if len(run) >= MIN_TURNS and hand[run[0]] != 0]
    turns = np.concatenate(runs) if runs else np.array([], dtype=int)
    return (turns[hand[turns] < 0], turns) if len(turns) >= 2 * MIN_TURNS else None


MIN_TURNS = 4
"""Turns in a row, seven residues, that make a helix: the left-handed ones of real proteins are shorter (Novotny &
Kleywegt 2005)."""


def clashes(structure: Structure, _: Torsions) -> Places:
    result = geometry.find_overlaps(structure, least=1.0)
    return result.residues[:, 0], np.nonzero(structure.mask)[0]


def ca_clashes(structure: Structure, _: Torsions) -> Places:
    from scipy.spatial import cKDTree

    tree = cKDTree(structure.ca)
    crowd = tree.query_ball_point(structure.ca, 3.2, return_length=True) - 1
    near = [np.linalg.norm(structure.ca[i + 1] - structure.ca[i]) < 3.2 for i in range(len(structure) - 1)]
    beside = np.r_[0, near] + np.r_[near, 0]  # a cis peptide's neighbours are that close
    return np.flatnonzero(crowd > beside), np.arange(len(structure))
