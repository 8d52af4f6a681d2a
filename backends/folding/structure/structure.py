"""Protein structures as arrays, read from and written to PDB and mmCIF files.

The amino acids of the first model are arrays; whatever else it holds is in `Structure.others`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from backends.folding.residues import THREE_LETTER
from backends.folding.structure.atoms import ATOM37, CA, CB, C, N, O
from backends.folding.structure.other_atoms import OtherAtoms


@dataclass(frozen=True)
class Crystal:
    """The unit cell, a, b and c in Å and α, β and γ in degrees, and the space group (Hermann–Mauguin)."""

    cell: tuple[float, float, float, float, float, float]
    space_group: str


@dataclass(frozen=True)
class Structure:
    """One protein of one or more chains.

    atoms: `(L, 37, 3)` float32 in Å, in the order of `ATOM37`; zero where `mask` is false.
    mask: `(L, 37)` bool, the atoms that are there. Every residue has a Cα.
    sequence: one letter a residue, X for what is not one of the twenty.
    chains: `(L,)` chain id of each residue; the residues of a chain follow each other.
    numbers: `(L,)` int residue numbers as in the file; `insertions` `(L,)` the insertion codes, mostly "".
    confidence: `(L,)` float32 pLDDT 0 to 100, NaN where there is none.
    method: "experiment", "prediction", "estimate" for a prediction whose confidence is no trained pLDDT (in a file the
        two are alike), or "" for not known.
    notes: sentences on what the file held besides.
    components: `(L,)` the residues' names, such as "SEP" for a phosphoserine, whose letter is S.
    factors, occupancies: `(L, 37)` float32, the B-factor column as it is in the file, and the occupancy; NaN where an
        atom is missing, empty where the structure has neither. A column of pLDDT is on 0 to 100.
    others: ligands, ions, waters, nucleic acids, and the atoms that a modified residue has besides.
    experiment: the method as the file states it, such as "X-RAY DIFFRACTION"; resolution: in Å, 0 where there is none.
    crystal: its unit cell, None where it is no crystal.
    tokens: `(T,)` int, for programs that count ligands and modified residues atom by atom: the residue of each such
        token in the order of the file, −1 beside the protein.
    """

    atoms: np.ndarray
    mask: np.ndarray
    sequence: str
    chains: np.ndarray
    numbers: np.ndarray
    confidence: np.ndarray
    title: str = ""
    method: str = ""
    insertions: np.ndarray = field(default_factory=lambda: np.array([], dtype=str))
    notes: tuple[str, ...] = ()
    components: np.ndarray = field(default_factory=lambda: np.array([], dtype="<U5"))
    factors: np.ndarray = field(default_factory=lambda: np.zeros((0, len(ATOM37)), dtype=np.float32))
    occupancies: np.ndarray = field(default_factory=lambda: np.zeros((0, len(ATOM37)), dtype=np.float32))
    others: OtherAtoms = field(default_factory=OtherAtoms)
    experiment: str = ""
    resolution: float = 0.0
    crystal: Crystal | None = None
    tokens: np.ndarray = field(default_factory=lambda: np.array([], dtype=int))

    def __post_init__(self) -> None:
        length = len(self.sequence)
        if not len(self.tokens):
            object.__setattr__(self, "tokens", np.arange(length))
        if not len(self.insertions):
            object.__setattr__(self, "insertions", np.full(length, "", dtype="<U1"))
        if not len(self.components):
            names = [THREE_LETTER.get(letter, "UNK") for letter in self.sequence]
            object.__setattr__(self, "components", np.array(names, dtype="<U5"))
        shapes = (self.atoms.shape, self.mask.shape)
        if shapes != ((length, len(ATOM37), 3), (length, len(ATOM37))):
            raise ValueError(f"{length} residues need atoms (L, 37, 3) and a mask (L, 37), not {shapes}")
        columns = (self.chains, self.numbers, self.confidence, self.insertions, self.components)
        if any(len(part) != length for part in columns):
            raise ValueError(f"every array needs one entry for each of the {length} residues")

    def __len__(self) -> int:
        return len(self.sequence)

    @classmethod
    def build(
        cls,
        atoms: np.ndarray,
        mask: np.ndarray,
        sequence: str,
        *,
        chains: Sequence[str] | np.ndarray | None = None,
        numbers: Sequence[int] | np.ndarray | None = None,
        confidence: Sequence[float] | np.ndarray | None = None,
        **more: Any,
    ) -> Structure:
        """A structure from arrays; by default one chain A, numbered from 1, without confidence."""
        length = len(sequence)
        present = np.asarray(mask, dtype=bool)
        return cls(
            atoms=np.where(present[..., None], atoms, 0).astype(np.float32),
            mask=present,
            sequence=sequence,
            chains=np.asarray(["A"] * length if chains is None else chains, dtype=str),
            numbers=np.asarray(np.arange(1, length + 1) if numbers is None else numbers, dtype=int),
            confidence=np.asarray(np.full(length, np.nan) if confidence is None else confidence, dtype=np.float32),
            **more,
        )

    @classmethod
    def from_backbone(cls, backbone: np.ndarray, sequence: str, **more: Any) -> Structure:
        """From N, CA, C, then O, then CB as far as given: `(L, 3..5, 3)` in Å. NaN marks a missing atom.

        Where only three are given the oxygens are placed by `carbonyl_oxygens`. Glycine gets no CB.
        """
        order = (N, CA, C, O, CB)[: backbone.shape[1]]
        atoms = np.zeros((len(sequence), len(ATOM37), 3), dtype=np.float32)
        mask = np.zeros(atoms.shape[:2], dtype=bool)
        atoms[:, order] = np.nan_to_num(backbone)
        mask[:, order] = np.isfinite(backbone).all(axis=-1)
        mask[[letter == "G" for letter in sequence], CB] = False
        structure = cls.build(atoms, mask, sequence, **more)
        return structure if backbone.shape[1] > 3 else structure.with_oxygens()

    @classmethod
    def from_ca(cls, trace: np.ndarray, sequence: str, **more: Any) -> Structure:
        """From a Cα trace `(L, 3)` in Å alone."""
        atoms = np.zeros((len(sequence), len(ATOM37), 3), dtype=np.float32)
        mask = np.zeros(atoms.shape[:2], dtype=bool)
        atoms[:, CA], mask[:, CA] = trace, True
        return cls.build(atoms, mask, sequence, **more)

    @property
    def ca(self) -> np.ndarray:
        """Cα positions `(L, 3)` in Å."""
        return self.atoms[:, CA]

    @property
    def backbone(self) -> bool:
        """Whether N, Cα and C of nearly every residue are there, rather than a Cα trace."""
        return len(self) > 0 and self.mask[:, [N, CA, C]].all(axis=1).mean() > 0.9

    @property
    def d_residues(self) -> np.ndarray:
        """`(L,)` bool: residues that are of the D hand by their name, such as DAL."""
        return np.array([_is_d_residue(str(name)) for name in self.components], dtype=bool)

    @property
    def mean_confidence(self) -> float | None:
        """Mean pLDDT over the residues that have one."""
        known = np.isfinite(self.confidence)
        return float(self.confidence[known].mean()) if known.any() else None

    def chain_slices(self) -> Iterator[tuple[str, slice]]:
        """(chain id, slice of its residues), in the order of the file."""
        if not len(self):
            return
        starts = np.flatnonzero(np.r_[True, self.chains[1:] != self.chains[:-1]])
        for start, stop in zip(starts, np.r_[starts[1:], len(self)], strict=True):
            yield str(self.chains[start]), slice(int(start), int(stop))

    def select(self, chosen: np.ndarray) -> Structure:
        """The residues that `chosen` picks: a mask `(L,)` bool, or indices in increasing order."""
        picked = np.asarray(chosen)
        index = np.flatnonzero(picked) if picked.dtype == bool else picked.astype(int)
        return replace(
            self,
            atoms=self.atoms[index],
            mask=self.mask[index],
            sequence="".join(self.sequence[i] for i in index),
            chains=self.chains[index],
            numbers=self.numbers[index],
            confidence=self.confidence[index],
            insertions=self.insertions[index],
            components=self.components[index],
            factors=self.factors[index] if len(self.factors) else self.factors,
            occupancies=self.occupancies[index] if len(self.occupancies) else self.occupancies,
            others=self.others.of_residues(index, self.chains),
            tokens=np.arange(len(index)),
        )

    def with_atoms(self, atoms: np.ndarray) -> Structure:
        """The same protein with its atoms elsewhere, `(L, 37, 3)`, and nothing beside it."""
        return replace(self, atoms=np.where(self.mask[..., None], atoms, 0).astype(np.float32), others=OtherAtoms())

    def moved(self, rotation: np.ndarray, shift: np.ndarray) -> Structure:
        """Every atom x goes to `rotation` (3, 3) · x + `shift` (3,)."""
        placed = self.with_atoms(self.atoms @ np.asarray(rotation).T + shift)
        return replace(placed, others=self.others.moved(rotation, shift), crystal=None)

    def with_confidence(self, confidence: np.ndarray) -> Structure:
        return replace(self, confidence=np.asarray(confidence, dtype=np.float32))

    def with_oxygens(self) -> Structure:
        """With an ideal carbonyl oxygen wherever it misses and the next residue tells where it points."""
        lacking = ~self.mask[:, O]
        oxygens, known = carbonyl_oxygens(self)
        put = lacking & known
        atoms, mask = self.atoms.copy(), self.mask.copy()
        atoms[put, O], mask[put, O] = oxygens[put], True
        return replace(self, atoms=atoms, mask=mask)

    def beta(self) -> np.ndarray:
        """Where side chains start, `(L, 3)`: Cβ, or an ideal one where it misses (glycine), or else Cα.

        The ideal position is that of trRosetta (Yang et al. 2020): a fixed combination of the backbone's bonds.
        """
        b = self.atoms[:, CA] - self.atoms[:, N]
        c = self.atoms[:, C] - self.atoms[:, CA]
        ideal = -0.58273431 * np.cross(b, c) + 0.56802827 * b - 0.54067466 * c + self.atoms[:, CA]
        whole = self.mask[:, N] & self.mask[:, CA] & self.mask[:, C]
        return np.where(
            self.mask[:, CB, None], self.atoms[:, CB], np.where(whole[:, None], ideal, self.atoms[:, CA])
        ).astype(np.float32)

    def linked(self) -> np.ndarray:
        """`(L - 1,)` bool: residue i and i + 1 are neighbours in one chain with no residue missing between them.

        By C–N distance where both are there, else by number: the link is what the file claims, and may be broken.
        """
        same = self.chains[1:] == self.chains[:-1]
        step = self.numbers[1:] - self.numbers[:-1]
        inserted = (step == 0) & (self.insertions[1:] != self.insertions[:-1])
        both = self.mask[:-1, C] & self.mask[1:, N]
        bonded = both & (np.linalg.norm(self.atoms[1:, N] - self.atoms[:-1, C], axis=-1) < 2.0)
        return same & ((step == 1) | inserted | bonded)


@cache
def _is_d_residue(component: str) -> bool:
    import gemmi

    return gemmi.find_tabulated_residue(component).kind == gemmi.ResidueKind.AAD


def carbonyl_oxygens(structure: Structure) -> tuple[np.ndarray, np.ndarray]:
    """Ideal O `(L, 3)`: 1.231 Å from C in the plane of the peptide, and whether it could be placed `(L,)`.

    Away from the bisector of CA–C–N (bond length: Engh & Huber 1991). A chain's last residue is taken as extended.
    """
    atoms, mask, length = structure.atoms, structure.mask, len(structure)
    linked = np.append(structure.linked(), False)
    following = np.minimum(np.arange(length) + 1, length - 1)
    to_ca = _unit(atoms[:, CA] - atoms[:, C])
    to_next = _unit(atoms[following, N] - atoms[:, C])
    extended = _unit(atoms[:, CA] - atoms[:, N])  # where the next N would be in an extended chain
    towards = np.where(linked[:, None], to_next, extended)
    oxygens = atoms[:, C] - 1.231 * _unit(to_ca + towards)
    known = mask[:, [N, CA, C]].all(axis=1) & (~linked | mask[following, N])
    return oxygens.astype(np.float32), known


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)
