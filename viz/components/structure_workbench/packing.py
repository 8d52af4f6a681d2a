"""Structures and maps as the bytes that the workbench reads: small, and exact enough for the eye.

A structure of 2,000 residues is about 0.3 MB, its PAE 4 MB, before base64 adds a third.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from backends.folding.residues import THREE_LETTER
from backends.folding.structure.atoms import ATOM37, BONDS
from backends.folding.structure.contents import gaps
from backends.folding.structure.other_atoms import find_bonds
from backends.folding.structure.secondary import assign_secondary_structure
from backends.folding.structure.structure import Structure

PAE_STEP = 0.25
"""Å: a PAE travels as whole numbers of this, at most 63.5 Å. Models report 0 to 31.75 Å, in bins of 0.5 Å."""
MISSING = 255
MAX_OTHER_ATOMS = 60_000
"""Atoms beside the protein that are sent: those of a ribosome's RNA would take minutes to draw as sticks."""
MAX_MAP = 2000
"""Maps of longer structures are sent as means over square blocks, so that they have at most this many rows."""


def text_of(array: np.ndarray) -> str:
    """The bytes of an array in base64, little end first."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def pack_structure(structure: Structure, secondary: Sequence[str] | np.ndarray | None = None) -> dict[str, Any]:
    """The residues of a structure and its atoms, residue by residue in the order of atom37.

    `secondary` `(L,)` of "H", "E", "-" is found from the coordinates unless given. `linked[i]` is "1" where residue
    i goes on to i + 1 in one chain; there they are drawn as joined. `gaps` is (row before, row after, how many miss).
    """
    states = assign_secondary_structure(structure) if secondary is None else np.asarray(secondary, dtype=str)
    if len(states) != len(structure):
        raise ValueError(f"{len(structure)} residues need as many secondary structure states, not {len(states)}")
    return {
        "sequence": structure.sequence,
        "chains": [[name, part.start, part.stop] for name, part in structure.chain_slices()],
        "numbers": structure.numbers.tolist(),
        "insertions": structure.insertions.tolist() if any(structure.insertions) else None,
        "secondary": "".join(states),
        "linked": "".join("1" if yes else "0" for yes in structure.linked()) + "0",
        "gaps": [[gap.before, gap.after, gap.missing] for gap in gaps(structure)],
        "backbone": bool(structure.backbone),
        "bonds": {letter: BONDS[letter] for letter in sorted(set(structure.sequence))},
        "components": _components(structure),
        "others": pack_others(structure),
        **pack_atoms(structure.atoms, structure.mask),
    }


def _components(structure: Structure) -> dict[str, str]:
    """The names of modified residues by index, such as "SEP"."""
    usual = [THREE_LETTER.get(letter, "UNK") for letter in structure.sequence]
    return {str(row): str(name) for row, name in enumerate(structure.components) if name != usual[row]}


def pack_others(structure: Structure) -> dict[str, Any] | None:
    """Ligands, ions, waters, sugars and nucleic acids, and modified residues whole, as balls and sticks.

    `groups` is (label, kind, first atom, end) of each; `bonds` the pairs of atoms, one after the other.
    """
    others = structure.others
    groups = [
        (f"{name} {others.numbers[atoms[0]]} of chain {others.chains[atoms[0]]}", kind, atoms)
        for kind, name, atoms in others.residues()
    ]
    positions = [others.positions[atoms] for *_, atoms in groups]
    elements = [others.elements[atoms].tolist() for *_, atoms in groups]
    labels = [(label, kind) for label, kind, _ in groups]
    for row in sorted(set(others.rows[others.rows >= 0].tolist())):
        beside, own = others.rows == row, structure.mask[row]
        positions.append(np.concatenate([structure.atoms[row, own], others.positions[beside]]))
        elements.append([ATOM37[place][0] for place in np.flatnonzero(own)] + others.elements[beside].tolist())
        labels.append(
            (f"{structure.components[row]} {structure.numbers[row]} of chain {structure.chains[row]}", "modified")
        )
    if not labels or sum(map(len, elements)) > MAX_OTHER_ATOMS:
        return None
    ends = np.cumsum([len(group) for group in elements]).tolist()
    starts = [0, *ends[:-1]]
    xyz = np.concatenate(positions).astype("<f4")
    return {
        "groups": [[*label, start, end] for label, start, end in zip(labels, starts, ends, strict=True)],
        "elements": [element for group in elements for element in group],
        "bonds": find_bonds(xyz, [element for group in elements for element in group]).ravel().tolist(),
        "xyz": text_of(xyz),
    }


def pack_atoms(atoms: np.ndarray, mask: np.ndarray) -> dict[str, str]:
    """`atoms` `(L, 37, 3)` in Å where `mask` `(L, 37)`: counts a residue, atom37 places, float32 coordinates."""
    return {
        "counts": text_of(mask.sum(axis=1).astype(np.uint8)),
        "places": text_of(np.nonzero(mask)[1].astype(np.uint8)),
        "xyz": text_of(atoms[mask].astype("<f4")),
    }


def pack_pae(pae: np.ndarray) -> dict[str, Any]:
    """A PAE `(L, L)` in Å as one byte a cell; row i is the residue aligned on."""
    scaled = np.round(_pooled(np.asarray(pae, dtype=np.float32)) / PAE_STEP)
    return {**_cells(scaled, len(pae)), "unit": PAE_STEP, "highest": round(float(np.nanmax(pae)), 2)}


def pack_contacts(predicted: np.ndarray | None, true: np.ndarray | None) -> dict[str, Any]:
    """One map `(L, L)` of 0 to 1: predicted probabilities above the diagonal, true contacts below it."""
    given = predicted if predicted is not None else true
    if given is None:
        raise ValueError("a contact map needs predicted or true contacts")
    length = len(given)
    cells = np.full((length, length), np.nan, dtype=np.float32)
    upper = np.triu_indices(length, 1)
    if predicted is not None:
        cells[upper] = np.asarray(predicted, dtype=np.float32)[upper]
    if true is not None:
        cells.T[upper] = np.asarray(true, dtype=np.float32).T[upper]
    packed = _cells(np.round(_pooled(cells, np.nanmax) * 200), length)
    return {**packed, "unit": 1 / 200, "predicted": predicted is not None, "true": true is not None}


def _cells(scaled: np.ndarray, length: int) -> dict[str, Any]:
    known = np.isfinite(scaled)
    cells = np.where(known, np.clip(np.where(known, scaled, 0), 0, MISSING - 1), MISSING).astype(np.uint8)
    return {"size": len(cells), "step": _step(length), "cells": text_of(cells)}


def _step(length: int) -> int:
    return max(1, -(-length // MAX_MAP))


def _pooled(matrix: np.ndarray, pool: Any = np.nanmean) -> np.ndarray:
    """Blocks of `_step` × `_step` cells as one; a border block may be smaller."""
    step, length = _step(len(matrix)), len(matrix)
    if step == 1:
        return matrix
    size = -(-length // step)
    padded = np.full((size * step, size * step), np.nan, dtype=np.float32)
    padded[:length, :length] = matrix
    blocks = padded.reshape(size, step, size, step).transpose(0, 2, 1, 3).reshape(size, size, -1)
    empty = ~np.isfinite(blocks).any(axis=-1)
    blocks[empty] = 0
    return np.where(empty, np.nan, pool(blocks, axis=-1))
