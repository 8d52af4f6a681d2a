"""Atoms of a structure file beside its amino acids: ligands, ions, waters, sugars, nucleic acids, modifications."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np

LIGAND, ION, WATER, SUGAR, NUCLEIC, MODIFICATION = "ligand", "ion", "water", "sugar", "nucleic", "modification"
MAX_NAMED = 8
BOND_SLACK = 0.45
"""Å that two atoms may lie beyond the sum of their covalent radii and still count as bonded."""


def _none(kind: type | str, *shape: int) -> np.ndarray:
    return np.zeros((0, *shape), dtype=kind)


@dataclass(frozen=True)
class OtherAtoms:
    """Atoms that the arrays of amino acids have no place for, one entry an atom, in the order of the file.

    positions: `(A, 3)` float32 in Å. All others are `(A,)`.
    names, elements: such as "O1P" and "P". components: the residue's name, such as "ATP".
    chains, numbers, insertions: of the residue, as in `Structure`.
    factors, occupancies: the B-factor in Å² (or what the file keeps in its place) and the occupancy.
    kinds: "ligand", "ion", "water", "sugar", "nucleic", or "modification" for an atom of an amino acid.
    rows: the residue of the protein that a modification belongs to; −1 for the rest.
    """

    positions: np.ndarray = field(default_factory=lambda: _none(np.float32, 3))
    names: np.ndarray = field(default_factory=lambda: _none("<U4"))
    elements: np.ndarray = field(default_factory=lambda: _none("<U2"))
    components: np.ndarray = field(default_factory=lambda: _none("<U5"))
    chains: np.ndarray = field(default_factory=lambda: _none("<U8"))
    numbers: np.ndarray = field(default_factory=lambda: _none(int))
    insertions: np.ndarray = field(default_factory=lambda: _none("<U1"))
    factors: np.ndarray = field(default_factory=lambda: _none(np.float32))
    occupancies: np.ndarray = field(default_factory=lambda: _none(np.float32))
    kinds: np.ndarray = field(default_factory=lambda: _none("<U12"))
    rows: np.ndarray = field(default_factory=lambda: _none(int))

    def __len__(self) -> int:
        return len(self.positions)

    def select(self, mask: np.ndarray) -> OtherAtoms:
        """The atoms of a mask `(A,)`."""
        return OtherAtoms(**{item.name: getattr(self, item.name)[mask] for item in fields(self)})

    def of_residues(self, index: np.ndarray, chains: np.ndarray) -> OtherAtoms:
        """What belongs to the residues `index`, which are numbered anew, and to the chains that they are of."""
        places = {int(row): place for place, row in enumerate(index)}
        rows = np.array([places.get(int(row), -1) for row in self.rows], dtype=int)
        stays = np.where(self.rows >= 0, rows >= 0, np.isin(self.chains, chains[index]))
        return replace(self, rows=rows).select(stays.astype(bool))

    def moved(self, rotation: np.ndarray, shift: np.ndarray) -> OtherAtoms:
        """Every atom x goes to `rotation` (3, 3) · x + `shift` (3,)."""
        return replace(self, positions=(self.positions @ np.asarray(rotation).T + shift).astype(np.float32))

    def residues(self) -> list[tuple[str, str, np.ndarray]]:
        """(kind, component, indices of its atoms) of each ligand, ion, water, sugar and nucleotide."""
        groups: dict[tuple[str, str, int, str], list[int]] = {}
        residues: list[list[int]] = []
        for atom in np.flatnonzero(self.rows < 0):
            key = (self.chains[atom], self.components[atom], int(self.numbers[atom]), self.insertions[atom])
            group = groups.get(key)
            if group is None or any(self.names[other] == self.names[atom] for other in group):  # numbers start again
                group = groups[key] = []
                residues.append(group)
            group.append(int(atom))
        return [(str(self.kinds[atoms[0]]), str(self.components[atoms[0]]), np.array(atoms)) for atoms in residues]

    def sentence(self) -> str:
        """What there is beside the protein, by name and number; "" where there is nothing."""
        counts: Counter[str] = Counter()
        waters = nucleotides = 0
        for kind, component, _ in self.residues():
            waters += kind == WATER
            nucleotides += kind == NUCLEIC
            if kind not in (WATER, NUCLEIC):
                counts[component] += 1
        parts = [f"{name} ({count})" if count > 1 else name for name, count in counts.most_common(MAX_NAMED)]
        if len(counts) > MAX_NAMED:
            parts.append(f"{len(counts) - MAX_NAMED} other ligands")
        if nucleotides:
            parts.append(f"DNA or RNA ({nucleotides} nucleotide{'s' * (nucleotides > 1)})")
        if waters:
            parts.append(f"{waters} water{'s' * (waters > 1)}")
        return f"Beside the protein the file holds {', '.join(parts)}: kept in view and in the files." if parts else ""


def find_bonds(positions: np.ndarray, elements: Sequence[str] | np.ndarray) -> np.ndarray:
    """`(B, 2)` pairs of atoms, first below second, that are near enough to be bonded; metals bond to nothing here."""
    import gemmi
    from scipy.spatial import cKDTree

    if len(positions) < 2:
        return np.zeros((0, 2), dtype=int)
    known = {name: gemmi.Element(name) for name in sorted(set(map(str, elements)))}
    radius = np.array([known[str(name)].covalent_r for name in elements])
    metal = np.array([known[str(name)].is_metal for name in elements])
    pairs = np.sort(cKDTree(positions).query_pairs(2 * 1.4 + BOND_SLACK, output_type="ndarray"), axis=1)
    one, other = pairs[:, 0], pairs[:, 1]
    apart = np.linalg.norm(positions[one] - positions[other], axis=-1)
    near = (apart > 0.4) & (apart < radius[one] + radius[other] + BOND_SLACK) & ~metal[one] & ~metal[other]
    return pairs[near]
