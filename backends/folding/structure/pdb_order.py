"""Puts the atoms of a structure file in order where those of several chains or residues are mixed, line by line.

Programs that sort atoms by name, or merge files, write them so. A parser takes each piece for a chain of its own, and
drops the atoms of a second molecule that has the same names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

SORTED = "The atoms of several residues or chains are mixed in the file: they are shown sorted by chain and residue."

PIECES = 3
"""How often a chain may go on after others: some files have its protein, ligands and waters in a place each."""


@dataclass(frozen=True)
class Atom:
    """An atom in `line` of a file: its chain, its residue (chain, number, name), and its own name with its position."""

    line: int
    chain: str
    residue: tuple[str, str, str]
    name: str


def in_order(lines: Sequence[str], names: Collection[str]) -> tuple[list[str], bool]:
    """The lines with the atoms of the first model sorted by chain, molecule and residue, and whether they had to be.

    `names` are those of amino acids, by which it is judged.
    """
    end = next((number for number, line in enumerate(lines) if line.startswith("ENDMDL")), len(lines))
    atoms = [_atom(number, lines[number]) for number in range(end) if _is_atom(lines[number])]
    order = order_of(atoms, names)
    if order is None:
        return list(lines), False
    first = atoms[0].line
    after = [line for line in lines[first:end] if not _is_atom(line) and not line.startswith(("TER", "ANISOU"))]
    return [*lines[:first], *[lines[atoms[place].line] for place in order], *after, *lines[end:]], True


def order_of(atoms: Sequence[Atom], names: Collection[str]) -> list[int] | None:
    """The places of the atoms, sorted by chain, molecule and residue; None where nothing is mixed.

    `names` are those of amino acids, by which it is judged.
    """
    if not _is_mixed([atom for atom in atoms if atom.residue[2] in names]):
        return None
    copies, places, keys = copies_of(atoms), dict[object, int](), []
    for atom, copy in zip(atoms, copies, strict=True):
        chain, residue = places.setdefault(atom.chain, len(places)), places.setdefault(atom.residue, len(places))
        keys.append((chain, copy, residue))
    return sorted(range(len(atoms)), key=keys.__getitem__)


def copies_of(atoms: Sequence[Atom]) -> list[int]:
    """How often each atom's name occurred in its residue before."""
    seen: Counter[tuple[tuple[str, str, str], str]] = Counter()
    copies = []
    for atom in atoms:
        copies.append(seen[atom.residue, atom.name])
        seen[atom.residue, atom.name] += 1
    return copies


def _is_atom(line: str) -> bool:
    return line.startswith(("ATOM  ", "HETATM")) and len(line) >= 54


def _atom(number: int, line: str) -> Atom:
    chain = line[20:22].strip() or line[72:76].strip()
    return Atom(number, chain, (chain, line[22:27], line[17:20]), line[12:17])


def _is_mixed(atoms: Sequence[Atom]) -> bool:
    """Whether most residues, or chains again and again, go on after others, or residues have their atoms twice.

    A residue or chain that comes once more from its beginning is another copy of a molecule, and nothing is mixed.
    """
    names: dict[tuple[str, str, str], set[str]] = {}
    chains: set[str] = set()
    residues_go_on = chains_go_on = 0
    doubled: set[tuple[str, str, str]] = set()
    before, piece = None, set[str]()
    for atom in atoms:
        if before is None or atom.residue != before.residue:
            known, piece = names.setdefault(atom.residue, set()), set()
            is_new = atom.name not in known
            residues_go_on += bool(known) and is_new
            chains_go_on += before is not None and atom.chain != before.chain and atom.chain in chains and is_new
        if atom.name in piece:
            doubled.add(atom.residue)
        piece.add(atom.name)
        names[atom.residue].add(atom.name)
        chains.add(atom.chain)
        before = atom
    return residues_go_on > len(names) or chains_go_on > PIECES * len(chains) or 2 * len(doubled) > len(names) > 1
