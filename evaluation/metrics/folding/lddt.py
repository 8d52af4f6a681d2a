"""lDDT: how well a model keeps the distances of the reference, without superposition (Mariani et al. 2013)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from backends.folding.structure.atoms import CA, INDEX
from backends.folding.structure.structure import Structure

INCLUSION_RADIUS = 15.0
TOLERANCES = (0.5, 1.0, 2.0, 4.0)
_CHUNK = 512
_AMBIGUOUS_ATOMS = {
    "D": (("OD1", "OD2"),), "E": (("OE1", "OE2"),), "F": (("CD1", "CD2"), ("CE1", "CE2")), "L": (("CD1", "CD2"),),
    "R": (("NH1", "NH2"),), "V": (("CG1", "CG2"),), "Y": (("CD1", "CD2"), ("CE1", "CE2")),
}  # fmt: skip
"""Atoms whose names say little: either naming is right, and the better one counts (Mariani et al. 2013)."""


@dataclass(frozen=True)
class Lddt:
    """`score` 0 to 1 over all distances; `residues` `(P,)` the same of each residue, NaN where it has no neighbour."""

    score: float
    residues: np.ndarray


def lddt(model: np.ndarray, truth: np.ndarray, group: np.ndarray, there: np.ndarray | None = None) -> Lddt:
    """Over the distances under 15 Å in `truth` between points of different groups.

    `lDDT = ¼ Σ_t |{(i, j) ∈ S : |d_ij − d'_ij| < t}| / |S|` with t of 0.5, 1, 2 and 4 Å and S the distances under 15 Å
    between different residues of the reference (Mariani et al. 2013, Bioinformatics 29, 2722).

    Args:
        model, truth: the same atoms, `(A, 3)` in Å.
        group: `(A,)` the residue of each, 0 to P − 1; every residue has an atom.
        there: `(A,)` whether the model has the atom; its distances count as lost where not.
    """
    count = int(group.max()) + 1 if len(group) else 0
    kept, total = np.zeros(count), np.zeros(count)
    for start in range(0, len(truth), _CHUNK):
        rows = slice(start, start + _CHUNK)
        true = cdist(truth[rows], truth)
        near = (true < INCLUSION_RADIUS) & (group[rows, None] != group[None])
        if there is None:
            one, other = np.nonzero(near)
        else:
            one, other = np.nonzero(near & there[rows, None] & there[None])
        off = np.abs(np.linalg.norm(model[rows][one] - model[other], axis=-1) - true[one, other])
        share = sum((off < tolerance).astype(float) for tolerance in TOLERANCES) / len(TOLERANCES)
        kept += np.bincount(group[rows][one], weights=share, minlength=count)
        total += np.bincount(group[rows], weights=near.sum(axis=1), minlength=count)
    residues = np.divide(kept, total, out=np.full(count, np.nan), where=total > 0)
    return Lddt(float(kept.sum() / total.sum()) if total.sum() else float("nan"), residues)


def lddt_ca(model: np.ndarray, truth: np.ndarray) -> Lddt:
    """On Cα positions `(P, 3)` alone: what pLDDT predicts."""
    return lddt(model.astype(float), truth.astype(float), np.arange(len(truth)))


def lddt_all_atom(model: Structure, truth: Structure) -> Lddt:
    """On all heavy atoms of the reference, for structures whose residues match one by one.

    A residue whose letters differ is compared on N, Cα, C, O and Cβ. Atoms that the model lacks count against it. The
    published program's stereochemical filter is not applied: the geometry check is shown beside the score instead.
    """
    wanted = truth.mask.copy()
    for row, (ours, theirs) in enumerate(zip(model.sequence, truth.sequence, strict=True)):
        if ours != theirs:
            wanted[row, 5:] = False
    atoms = _with_best_naming(model, truth, wanted)
    rows, places = np.nonzero(wanted)
    return lddt(
        atoms[rows, places].astype(float),
        truth.atoms[rows, places].astype(float),
        rows,
        model.mask[rows, places],
    )


def _with_best_naming(model: Structure, truth: Structure, wanted: np.ndarray) -> np.ndarray:
    """The model's atoms `(L, 37, 3)` with ambiguous pairs swapped where that keeps more distances to the others."""
    atoms = model.atoms.copy()
    sure = wanted & model.mask
    for row, letter in enumerate(truth.sequence):
        for pair in _AMBIGUOUS_ATOMS.get(letter, ()):
            sure[row, [INDEX[name] for name in pair]] = False
    ours, theirs = model.atoms[sure].astype(float), truth.atoms[sure].astype(float)
    owner = np.nonzero(sure)[0]
    for row, letter in enumerate(truth.sequence):
        swaps = [tuple(INDEX[name] for name in pair) for pair in _AMBIGUOUS_ATOMS.get(letter, ())]
        places = [place for pair in swaps for place in pair]
        if not places or not (wanted[row, places].all() and model.mask[row, places].all()):
            continue
        near = (np.linalg.norm(theirs - truth.atoms[row, CA], axis=-1) < INCLUSION_RADIUS) & (owner != row)
        turned = [other for pair in swaps for other in reversed(pair)]
        true = cdist(truth.atoms[row, places], theirs[near])
        as_is, swapped = (
            sum((np.abs(cdist(model.atoms[row, chosen], ours[near]) - true) < limit).sum() for limit in TOLERANCES)
            for chosen in (places, turned)
        )
        if swapped > as_is:
            atoms[row, places] = model.atoms[row, turned]
    return atoms
