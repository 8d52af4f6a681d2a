"""Reads protein structure files. They are hostile: what they hold is decoded, bounded and checked first."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import gemmi
import numpy as np

from backends.core.errors import BadInput, TooLarge
from backends.folding.alignment.file_text import read_data
from backends.folding.limits import MAX_STRUCTURE_RESIDUES
from backends.folding.residues import THREE_LETTER
from backends.folding.structure.atoms import ATOM37, CA, INDEX
from backends.folding.structure.b_factors import AUTO, PLDDT, header_of, question, read_confidence, read_method
from backends.folding.structure.mmcif_block import coordinates_block, separate_chains
from backends.folding.structure.other_atoms import ION, LIGAND, MODIFICATION, NUCLEIC, SUGAR, WATER, OtherAtoms
from backends.folding.structure.pdb_text import separate_molecules, standard_name
from backends.folding.structure.structure import Crystal, Structure

MAX_BYTES = 96 << 20
MAX_COORDINATE = 20_000.0  # Å; a PDB column holds less than 10,000
MAX_CHAIN_NAME = 40
ALIASES = {"OT1": "O", "OT2": "OXT", "O1": "O", "O2": "OXT"}  # older programs' last atoms
NAMED_OTHERWISE = {"MSE": {"SE": "SD"}, "ILE": {"CD": "CD1"}}
"""Atoms that stand in another's place: selenium in selenomethionine; CHARMM's last carbon of isoleucine."""
_STANDARD = frozenset(THREE_LETTER.values())
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
        return 1 if self.component in _STANDARD else len(self.atoms) + len(self.further)


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


def read_structure(path: Path, chain: str = "", meaning: str = AUTO, most: int | None = None) -> Structure:
    """The structure of a PDB or mmCIF file, plain or gzipped, told apart by content.

    Of several models the first is taken, of alternative positions the fuller one. Residues without a Cα are left out.
    The B-factor is taken as pLDDT only where the file says, or the user, that it is.

    Args:
        path: of the file.
        chain: the only chain to keep, with what belongs to it; "" for all.
        meaning: of the B-factor column: "auto" (what the file states), "plddt", "displacement" or "other".
        most: residues at most; None for `MAX_STRUCTURE_RESIDUES`.

    Raises:
        BadInput: the file is of another kind, damaged, or holds no protein, or not this chain.
        TooLarge: over 96 MiB, or over `most` residues.
    """
    return parse_structure(_decoded(path), chain, meaning, most)


def parse_structure(text: str, chain: str = "", meaning: str = AUTO, most: int | None = None) -> Structure:
    """As `read_structure`, from the text of a file."""
    parsed, names, notes = _parsed(text)
    if not len(parsed):
        raise BadInput("This structure file holds no atoms.")
    residues, others = _sorted_out(parsed[0], names)
    whole = [residue for residue in residues if CA in residue.atoms]
    if not whole:
        raise BadInput("There is no protein in this structure file: no residue of it has a Cα atom.")
    whole, others = _of_chain(whole, others, chain)
    limit = MAX_STRUCTURE_RESIDUES if most is None else most
    if len(whole) > limit:
        raise TooLarge(
            f"This structure has {len(whole):,} residues; at most {limit:,} can be opened. Choose one of its chains, "
            "or save those you want to see as a file of their own."
        )
    notes += _notes(parsed, whole, len(residues) - sum(CA in residue.atoms for residue in residues))
    return _assembled(parsed, whole, others, Reading(header_of(text), meaning, tuple(notes)))


def _of_chain(
    residues: list[ParsedResidue], others: list[ParsedOther], chain: str
) -> tuple[list[ParsedResidue], list[ParsedOther]]:
    if not chain:
        return residues, others
    names = list(dict.fromkeys(residue.chain for residue in residues))
    if chain not in names:
        shown = ", ".join(names[:40]) + (" …" if len(names) > 40 else "")
        raise BadInput(f"There is no chain “{chain[:20]}” in this structure; there is {shown}.")
    return [item for item in residues if item.chain == chain], [item for item in others if item.chain == chain]


def _decoded(path: Path) -> str:
    too_large = f"This structure file is over {MAX_BYTES >> 20} MiB; save only the chains you want to see."
    data = read_data(path, MAX_BYTES, too_large)
    if not data.strip():
        raise BadInput("This structure file is empty.")
    if b"\0" in data:
        raise BadInput("This is a binary file; a structure is opened from a PDB or mmCIF file, which is text.")
    return data.decode("utf-8", errors="replace")


def _parsed(text: str) -> tuple[gemmi.Structure, dict[str, str], list[str]]:
    """The file as gemmi reads it, names for chains that got ids of their own before, and what to say of them."""
    start = text.lstrip("\ufeff \t\r\n")
    opening = start[:400].lower()
    if opening.startswith(("<!doctype", "<html", "<?xml", "<head")):
        raise BadInput("This is a web page, not a structure; use the page's download link for the PDB or mmCIF file.")
    if opening.startswith(("{", "[")):
        raise BadInput("This is a JSON file, not a structure; give it as the file of predicted errors (PAE) instead.")
    if opening.startswith(">"):
        raise BadInput("This is a sequence, not a structure; choose a way to fold it, or open a PDB or mmCIF file.")
    try:
        if re.search(r"^data_", start, re.MULTILINE | re.I) and re.search(r"^_atom_site\.", start, re.MULTILINE | re.I):
            block = coordinates_block(start)
            notes = separate_chains(block)
            return gemmi.make_structure_from_block(block), {}, notes
        if re.search(r"^(ATOM  |HETATM)", start, re.MULTILINE):
            separated, names, notes = separate_molecules(start)
            return gemmi.read_pdb_string(separated), names, notes
    except (RuntimeError, ValueError, IndexError, StopIteration, OverflowError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else "it cannot be read"
        raise BadInput(f"This structure file is damaged: {reason}.") from error
    raise BadInput("This is not a structure file: it holds no atoms in the PDB or mmCIF format.")


def _sorted_out(model: gemmi.Model, names: Mapping[str, str]) -> tuple[list[ParsedResidue], list[ParsedOther]]:
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
            found = [replace(item, place=place) for residue in group if (item := _residue(base, residue))]
            if found:  # Two kinds of residue in one place: take the one that more of the crystal has.
                mine.append(max(found, key=lambda item: (sum(atom.occ for atom in item.atoms.values()), number)))
            beside = [_other(base, residue) for residue in group if not _is_amino_acid(residue)]
            others += [replace(item, place=place) for item in beside]
        copies[base] += bool(mine)
        name = base if copies[base] < 2 else f"{base}{copies[base]}"
        residues += [replace(item, chain=name) for item in mine]
    return residues, others


def _is_amino_acid(residue: gemmi.Residue) -> bool:
    info = gemmi.find_tabulated_residue(_component(residue))
    return info.is_amino_acid() if info.found() else {"N", "CA", "C", "O"} <= {atom.name for atom in residue}


def _component(residue: gemmi.Residue) -> str:
    """The residue's name, without what a force field makes of it; a phosphorus makes HIP another residue."""
    return residue.name if any(atom.name == "P" for atom in residue) else standard_name(residue.name)


def _residue(chain: str, residue: gemmi.Residue) -> ParsedResidue | None:
    if not _is_amino_acid(residue):
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
    atoms = list({atom.name: atom for atom in reversed(list(_one_conformer(residue)))}.values())[::-1]
    kind = LIGAND
    if residue.is_water():
        kind = WATER
    elif info.is_nucleic_acid():
        kind = NUCLEIC
    elif info.kind in (gemmi.ResidueKind.PYR, gemmi.ResidueKind.KET):
        kind = SUGAR
    elif len(atoms) == 1 and (atoms[0].element.is_metal or atoms[0].element.name in ("F", "Cl", "Br", "I")):
        kind = ION
    return ParsedOther(chain, residue.seqid, residue.name, kind, tuple(atoms))


def _one_conformer(residue: gemmi.Residue) -> Iterable[gemmi.Atom]:
    """The atoms of one alternative position, the same for the whole residue so that its geometry stays sound."""
    occupied: defaultdict[str, float] = defaultdict(float)
    for atom in residue:
        if atom.has_altloc():
            occupied[atom.altloc] += atom.occ
    best = max(sorted(occupied), key=occupied.__getitem__) if occupied else ""
    yield from (atom for atom in residue if not atom.has_altloc() or atom.altloc == best)
    yield from (atom for atom in residue if atom.has_altloc() and atom.altloc != best)  # fills what it lacks


@dataclass(frozen=True)
class Reading:
    """What is known beside the atoms: the file's header, what the user says of its B-factors, and notes so far."""

    header: str
    meaning: str
    notes: tuple[str, ...]


def _assembled(
    parsed: gemmi.Structure, residues: list[ParsedResidue], others: list[ParsedOther], reading: Reading
) -> Structure:
    length = len(residues)
    atoms = np.zeros((length, len(ATOM37), 3), dtype=np.float32)
    mask = np.zeros((length, len(ATOM37)), dtype=bool)
    factors = np.full((length, len(ATOM37)), np.nan, dtype=np.float32)
    occupancies = factors.copy()
    for row, residue in enumerate(residues):
        for place, atom in residue.atoms.items():
            atoms[row, place] = atom.pos.tolist()
            mask[row, place], factors[row, place], occupancies[row, place] = True, atom.b_iso, atom.occ
    beside = _beside(residues, others)
    if not _possible(atoms) or not _possible(beside.positions):
        raise BadInput("This structure file is damaged: some of its coordinates are not possible numbers.")
    stated = _info(parsed, "_exptl.method")
    method = read_method(parsed, stated, reading.header)
    if reading.meaning == PLDDT:
        method = "prediction"
    confidence, scale = read_confidence(factors, mask, method, reading.header, reading.meaning)
    asked = question(factors, method, reading.header) if confidence is None and reading.meaning == AUTO else ""
    told = [*reading.notes, beside.sentence(), _experiment(parsed, stated, method), asked]
    return Structure.build(
        atoms,
        mask,
        "".join(residue.letter for residue in residues),
        chains=[residue.chain for residue in residues],
        numbers=[residue.seqid.num or 0 for residue in residues],
        insertions=np.array([residue.seqid.icode.strip() for residue in residues], dtype=str),
        confidence=confidence,
        title=" ".join(_info(parsed, "_struct.title").split())[:200],
        method=method,
        notes=tuple(note for note in told if note),
        components=np.array([residue.component for residue in residues], dtype=str),
        factors=factors * np.float32(scale),
        occupancies=occupancies,
        others=replace(beside, factors=beside.factors * np.float32(scale)),
        experiment=stated if method == "experiment" else "",
        resolution=float(parsed.resolution) if method == "experiment" else 0.0,
        crystal=_crystal(parsed),
        tokens=_tokens(residues, others),
    )


def _tokens(residues: list[ParsedResidue], others: list[ParsedOther]) -> np.ndarray:
    """The residue of each token, −1 for those beside the protein, in the order of the file."""
    counted = [(item.place, row, item.tokens) for row, item in enumerate(residues)]
    counted += [(item.place, -1, item.tokens) for item in others]
    counted.sort(key=lambda item: item[0])
    return np.repeat([row for _, row, _ in counted], [count for *_, count in counted]).astype(int)


def _possible(positions: np.ndarray) -> bool:
    return bool(np.isfinite(positions).all() and (not positions.size or np.abs(positions).max() <= MAX_COORDINATE))


def _beside(residues: list[ParsedResidue], others: list[ParsedOther]) -> OtherAtoms:
    """What a modified residue has besides, then all ligands, ions, waters, sugars and nucleotides."""
    rows = [
        (atom, residue.component, residue.chain, residue.seqid, MODIFICATION, row)
        for row, residue in enumerate(residues)
        for atom in residue.further
    ]
    rows += [(atom, item.component, item.chain, item.seqid, item.kind, -1) for item in others for atom in item.atoms]
    if not rows:
        return OtherAtoms()
    atoms, components, chains, seqids, kinds, of_rows = zip(*rows, strict=True)
    return OtherAtoms(
        positions=np.array([atom.pos.tolist() for atom in atoms], dtype=np.float32).reshape(-1, 3),
        names=np.array([atom.name for atom in atoms], dtype=str),
        elements=np.array([atom.element.name for atom in atoms], dtype=str),
        components=np.array(components, dtype=str),
        chains=np.array(chains, dtype=str),
        numbers=np.array([seqid.num or 0 for seqid in seqids], dtype=int),
        insertions=np.array([seqid.icode.strip() for seqid in seqids], dtype=str),
        factors=np.array([atom.b_iso for atom in atoms], dtype=np.float32),
        occupancies=np.array([atom.occ for atom in atoms], dtype=np.float32),
        kinds=np.array(kinds, dtype=str),
        rows=np.array(of_rows, dtype=int),
    )


def _crystal(parsed: gemmi.Structure) -> Crystal | None:
    cell = parsed.cell
    if not cell.is_crystal():
        return None
    return Crystal((cell.a, cell.b, cell.c, cell.alpha, cell.beta, cell.gamma), parsed.spacegroup_hm)


def _experiment(parsed: gemmi.Structure, stated: str, method: str) -> str:
    """How the structure was measured, as the file states it."""
    if method != "experiment" or not stated:
        return ""
    fine = f", {parsed.resolution:.2f} Å resolution" if parsed.resolution else ""
    return f"This is an experiment: {stated.lower().replace('x-ray', 'X-ray').replace('nmr', 'NMR')}{fine}."


def _info(parsed: gemmi.Structure, key: str) -> str:
    return parsed.info[key] if key in parsed.info else ""  # noqa: SIM401 - an InfoMap has no get


def _notes(parsed: gemmi.Structure, residues: list[ParsedResidue], without: int) -> Iterator[str]:
    if len(parsed) > 1:
        yield f"The file holds {len(parsed)} models; the first is shown."
    if without:
        yield f"{without} residue{'s' * (without > 1)} without a Cα atom {'are' if without > 1 else 'is'} left out."
    if unknown := sum(residue.letter == "X" for residue in residues):
        yield f"{unknown} of the residues are not among the twenty amino acids and are written as X."
    modified = Counter(item.component for item in residues if item.component not in _STANDARD)
    if modified:
        names = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in modified.most_common(8))
        yield f"Modified residues keep their names and atoms in the files: {names}."
    amino_acids = [residue for chain in parsed[0] for residue in chain if _is_amino_acid(residue)]
    if hydrogens := sum(atom.is_hydrogen() for residue in amino_acids for atom in residue):
        yield f"{hydrogens:,} hydrogen atoms are left out."
    if several := sum(any(atom.has_altloc() for atom in residue) for chain in parsed[0] for residue in chain):
        yield f"{several} residue{'s have' if several > 1 else ' has'} alternative positions; the fuller one is shown."
