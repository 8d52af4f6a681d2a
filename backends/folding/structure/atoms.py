"""The atoms of the twenty amino acids: their order in arrays, their names, and which of them are bonded."""

from __future__ import annotations

from backends.folding.residues import THREE_LETTER

ATOM37 = (
    "N", "CA", "C", "CB", "O", "CG", "CG1", "CG2", "OG", "OG1", "SG", "CD", "CD1", "CD2", "ND1", "ND2", "OD1", "OD2",
    "SD", "CE", "CE1", "CE2", "CE3", "NE", "NE1", "NE2", "OE1", "OE2", "CH2", "NH1", "NH2", "OH", "CZ", "CZ2", "CZ3",
    "NZ", "OXT",
)  # fmt: skip
"""Every heavy atom that a standard residue can have, in the order AlphaFold2 gives them (Jumper et al. 2021, 1.2.1)."""

INDEX = {name: number for number, name in enumerate(ATOM37)}
N, CA, C, CB, O = 0, 1, 2, 3, 4  # noqa: E741
BACKBONE = (N, CA, C, O)

_SIDE_BONDS = {
    "A": "", "G": "",
    "R": "CB-CG CG-CD CD-NE NE-CZ CZ-NH1 CZ-NH2",
    "N": "CB-CG CG-OD1 CG-ND2",
    "D": "CB-CG CG-OD1 CG-OD2",
    "C": "CB-SG",
    "Q": "CB-CG CG-CD CD-OE1 CD-NE2",
    "E": "CB-CG CG-CD CD-OE1 CD-OE2",
    "H": "CB-CG CG-ND1 CG-CD2 ND1-CE1 CD2-NE2 CE1-NE2",
    "I": "CB-CG1 CB-CG2 CG1-CD1",
    "L": "CB-CG CG-CD1 CG-CD2",
    "K": "CB-CG CG-CD CD-CE CE-NZ",
    "M": "CB-CG CG-SD SD-CE",
    "F": "CB-CG CG-CD1 CG-CD2 CD1-CE1 CD2-CE2 CE1-CZ CE2-CZ",
    "P": "CB-CG CG-CD CD-N",
    "S": "CB-OG",
    "T": "CB-OG1 CB-CG2",
    "W": "CB-CG CG-CD1 CG-CD2 CD1-NE1 CD2-CE2 CD2-CE3 NE1-CE2 CE2-CZ2 CE3-CZ3 CZ2-CH2 CZ3-CH2",
    "Y": "CB-CG CG-CD1 CG-CD2 CD1-CE1 CD2-CE2 CE1-CZ CE2-CZ CZ-OH",
    "V": "CB-CG1 CB-CG2",
    "X": "",
}  # fmt: skip


def _bonds(letter: str) -> tuple[tuple[int, int], ...]:
    named = ["N-CA", "CA-C", "C-O", "C-OXT", *(["CA-CB"] if letter != "G" else []), *_SIDE_BONDS[letter].split()]
    return tuple((INDEX[one], INDEX[other]) for one, other in (bond.split("-") for bond in named))


BONDS = {letter: _bonds(letter) for letter in THREE_LETTER}
"""Pairs of atom37 indices that are bonded within a residue of each letter."""

ALLOWED = {letter: frozenset({N, CA, C, O, INDEX["OXT"], *(atom for bond in BONDS[letter] for atom in bond)})
           for letter in THREE_LETTER}  # fmt: skip
"""The atom37 indices that a residue of each letter has."""

RADII = {"C": 1.7, "N": 1.55, "O": 1.52, "S": 1.8}
"""Van der Waals radii in Å (Bondi 1964)."""
