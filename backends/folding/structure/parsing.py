"""Text of structure files taken apart: amino acids with their atoms, and every other residue, as they stand there."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

import gemmi

from backends.core.errors import BadInput
from backends.folding.residues import THREE_LETTER
from backends.folding.structure.atoms import INDEX
from backends.folding.structure.b_factors import header_of
from backends.folding.structure.mmcif_assemblies import plain_operators
from backends.folding.structure.mmcif_block import (
    coordinates_block,
    further_structures,
    separate_chains,
    software_lines,
)
from backends.folding.structure.mmcif_order import sort_atoms
from backends.folding.structure.other_atoms import ION, LIGAND, NUCLEIC, SUGAR, WATER
from backends.folding.structure.pdb_columns import in_columns
from backends.folding.structure.pdb_text import (
    AMINO_ACIDS,
    has_impossible_coordinates,
    separate_molecules,
    standard_name,
)

MAX_CHAIN_NAME = 40
MAX_COMPONENT_NAME = 8
ALIASES = {"OT1": "O", "OT2": "OXT", "O1": "O", "O2": "OXT"}  # older programs' last atoms
NAMED_OTHERWISE = {"MSE": {"SE": "SD"}, "ILE": {"CD": "CD1"}}
"""Atoms that stand in another's place: selenium in selenomethionine; CHARMM's last carbon of isoleucine."""
STANDARD_NAMES = frozenset(THREE_LETTER.values())
NUCLEOTIDES = frozenset({"A", "C", "G", "U", "DA", "DC", "DG", "DT"})


@dataclass(frozen=True)
class ParsedResidue:
    """One amino acid: its atoms by their place in atom37, and `further` ones that have no place there.

    `place` is where in the file it stands. `tokens`: how often programs of AlphaFold 3's kind count it.
    """

    chain: str
    seqid: gemmi.SeqId
    letter: str
    component: str
    atoms: dict[int, gemmi.Atom]
    further: tuple[gemmi.Atom, ...]
    place: int = 0

    @property
    def tokens(self) -> int:
        return 1 if self.component in STANDARD_NAMES else len(self.atoms) + len(self.further)


@dataclass(frozen=True)
class ParsedOther:
    """One residue that is no amino acid: a ligand, ion, water, sugar or nucleotide."""

    chain: str
    seqid: gemmi.SeqId
    component: str
    kind: str
    atoms: tuple[gemmi.Atom, ...]
    place: int = 0

    @property
    def tokens(self) -> int:
        if self.kind == WATER:
            return 0
        return 1 if self.component in NUCLEOTIDES else sum(not atom.is_hydrogen() for atom in self.atoms)


@dataclass(frozen=True)
class ParsedFile:
    """A file as gemmi reads it: names for chains that got other ids before, what to say of them, and the header."""

    structure: gemmi.Structure
    names: Mapping[str, str]
    notes: list[str]
    header: str


def parse_text(text: str) -> ParsedFile:
    start = text.lstrip("\ufeff \t\r\n")
    opening = start[:400].lower()
    if opening.startswith(("<!doctype", "<html", "<?xml", "<head")):
        raise BadInput("This is a web page, not a structure; use the page's download link for the PDB or mmCIF file.")
    if opening.startswith(("{", "[")):
        raise BadInput("This is a JSON file, not a structure; give it as the file of predicted errors (PAE) instead.")
    if opening.startswith(">"):
        raise BadInput("This is a sequence, not a structure; choose a way to fold it, or open a PDB or mmCIF file.")
    try:
        if re.search(r"^_atom_site\.", start, re.MULTILINE | re.I):
            block = coordinates_block(start)
            notes = [
                *filter(None, [further_structures(start)]),
                *sort_atoms(block, AMINO_ACIDS),
                *separate_chains(block),
            ]
            plain_operators(block)
            header = f"{software_lines(block)}\n{header_of(start)}"
            return ParsedFile(gemmi.make_structure_from_block(block), {}, notes, header)
        start, moved = in_columns(start)
        if re.search(r"^(ATOM  |HETATM)", start, re.MULTILINE):
            if has_impossible_coordinates(start):
                raise BadInput("This structure file is damaged: some of its coordinates are not possible numbers.")
            separated, names, notes = separate_molecules(start)
            return ParsedFile(gemmi.read_pdb_string(separated), names, [*moved, *notes], header_of(start))
    except (RuntimeError, ValueError, IndexError, StopIteration, OverflowError) as error:
        reason = _reason(str(error)) if str(error) else "it cannot be read"
        raise BadInput(f"This structure file is damaged: {reason}.") from error
    raise BadInput("This is not a structure file: it holds no atoms in the PDB or mmCIF format.")


def _reason(text: str) -> str:
    """What a parser says of a damaged file, without its own way to name the place."""
    first = re.sub(r"^string:(\d+):\d+\(\d+\): ", r"line \1: ", text.splitlines()[0])
    return first[:120].rstrip(" .:")


def sort_residues(model: gemmi.Model, names: Mapping[str, str]) -> tuple[list[ParsedResidue], list[ParsedOther]]:
    """The amino acids chain by chain, and everything else."""
    residues: list[ParsedResidue] = []
    others: list[ParsedOther] = []
    copies: Counter[str] = Counter()
    place = 0
    for chain in model:
        base = re.sub(r"[^\w.-]", "_", names.get(chain.name, chain.name), flags=re.ASCII)[:MAX_CHAIN_NAME] or "A"
        mine: list[ParsedResidue] = []
        for number, alike in groupby(chain, key=lambda residue: (residue.seqid.num, residue.seqid.icode)):
            group, place = list(alike), place + 1
            candidates = [replace(item, place=place) for residue in group if (item := _residue(base, residue))]
            if candidates:  # Two kinds of residue in one place: take the one that more of the crystal has.
                mine.append(max(candidates, key=lambda item: (sum(atom.occ for atom in item.atoms.values()), number)))
            beside = [_other(base, residue) for residue in group if not is_amino_acid(residue)]
            others += [replace(item, place=place) for item in beside]
        copies[base] += bool(mine)
        name = base if copies[base] < 2 else f"{base}{copies[base]}"
        residues += [replace(item, chain=name) for item in mine]
    return residues, others


def is_amino_acid(residue: gemmi.Residue) -> bool:
    info = gemmi.find_tabulated_residue(_component(residue))
    return info.is_amino_acid() if info.found() else {"N", "CA", "C", "O"} <= {atom.name for atom in residue}


def _component(residue: gemmi.Residue) -> str:
    """The residue's name, without what a force field makes of it; a phosphorus makes HIP another residue."""
    name = _clean(residue.name)
    return name if any(atom.name == "P" for atom in residue) else standard_name(name)


def _clean(name: str) -> str:
    """A residue's name without what no such name has: it is shown, and written into files."""
    return re.sub(r"[^\w+-]", "_", name, flags=re.ASCII)[:MAX_COMPONENT_NAME] or "UNL"


def _residue(chain: str, residue: gemmi.Residue) -> ParsedResidue | None:
    if not is_amino_acid(residue):
        return None
    component = _component(residue)
    info = gemmi.find_tabulated_residue(component)
    letter = info.one_letter_code.upper() if info.found() else "X"
    letter = letter if letter in THREE_LETTER else "X"
    aliases = {**ALIASES, **NAMED_OTHERWISE.get(component, {})}
    standard = THREE_LETTER[letter] == component and letter != "X"
    atoms: dict[int, gemmi.Atom] = {}
    further: list[gemmi.Atom] = []
    for atom in _one_conformer(residue):
        place = INDEX.get(aliases.get(atom.name, atom.name))
        if place is not None and atom.element.name != "Ca":
            atoms.setdefault(place, atom)
        elif not standard and not atom.is_hydrogen():
            further.append(atom)
    return ParsedResidue(chain, residue.seqid, letter, component, atoms, tuple(further))


def _other(chain: str, residue: gemmi.Residue) -> ParsedOther:
    info = gemmi.find_tabulated_residue(residue.name)
    atoms: list[gemmi.Atom] = []
    for atom in _one_conformer(residue):  # other positions only fill what is missing
        if not atom.has_altloc() or all(atom.name != other.name for other in atoms):
            atoms.append(atom)
    kind = LIGAND
    if residue.is_water():
        kind = WATER
    elif info.is_nucleic_acid():
        kind = NUCLEIC
    elif info.kind in (gemmi.ResidueKind.PYR, gemmi.ResidueKind.KET):
        kind = SUGAR
    elif len(atoms) == 1 and (atoms[0].element.is_metal or atoms[0].element.name in ("F", "Cl", "Br", "I")):
        kind = ION
    return ParsedOther(chain, residue.seqid, _clean(residue.name), kind, tuple(atoms))


def _one_conformer(residue: gemmi.Residue) -> Iterable[gemmi.Atom]:
    """The atoms of one alternative position, the same for the whole residue so that its geometry stays sound."""
    occupied: defaultdict[str, float] = defaultdict(float)
    for atom in residue:
        if atom.has_altloc():
            occupied[atom.altloc] += atom.occ
    best = max(sorted(occupied), key=occupied.__getitem__) if occupied else ""
    yield from (atom for atom in residue if not atom.has_altloc() or atom.altloc == best)
    yield from (atom for atom in residue if atom.has_altloc() and atom.altloc != best)  # fills what it lacks
