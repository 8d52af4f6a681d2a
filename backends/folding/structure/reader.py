"""Reads protein structure files. They are hostile: what they hold is decoded, bounded and checked first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import gemmi
import numpy as np

from backends.core.errors import BadInput, TooLarge
from backends.folding.alignment.file_text import read_data
from backends.folding.limits import MAX_STRUCTURE_RESIDUES
from backends.folding.structure.assemblies import Assembly, assemblies_of, build_assembly
from backends.folding.structure.atoms import ATOM37, CA
from backends.folding.structure.b_factors import AUTO, PLDDT, question, read_confidence, read_method
from backends.folding.structure.other_atoms import MODIFICATION, OtherAtoms
from backends.folding.structure.parsing import (
    STANDARD_NAMES,
    ParsedFile,
    ParsedOther,
    ParsedResidue,
    is_amino_acid,
    parse_text,
    sort_residues,
)
from backends.folding.structure.pdb_columns import IN_NANOMETRES, NANOMETRE, is_in_nanometres
from backends.folding.structure.structure import Crystal, Structure

MAX_BYTES = 96 << 20
MAX_MODELS = 40
"""Models of an ensemble that are read."""

MAX_STATED = 80
"""Letters of the method of an experiment that are kept."""
MAX_COORDINATE = 20_000.0  # Å; a PDB column holds less than 10,000


def read_structure(
    path: Path, chain: str = "", meaning: str = AUTO, most: int | None = None, assembly: str = ""
) -> Structure:
    """The structure of a PDB or mmCIF file, plain or gzipped, sentences apart by content.

    Of several models the first is taken, of alternative positions the fuller one. Residues without a Cα are left out.
    The B-factor is taken as pLDDT only where the file says, or the user, that it is.

    Args:
        path: of the file.
        chain: the only chain to keep, with what belongs to it; "" for all.
        meaning: of the B-factor column: "auto" (what the file states), "plddt", "displacement" or "other".
        most: residues at most; None for `MAX_STRUCTURE_RESIDUES`.
        assembly: the name of the biological assembly to build, whose chains `chain` is then one of; "" for none.

    Raises:
        BadInput: the file is of another kind, damaged, or holds no protein, or not this chain or assembly.
        TooLarge: over 96 MiB, or over `most` residues.
    """
    return parse_structure(_decoded(path), chain, meaning, most, assembly)


def parse_structure(
    text: str, chain: str = "", meaning: str = AUTO, most: int | None = None, assembly: str = ""
) -> Structure:
    """As `read_structure`, from the text of a file."""
    return _first_model(parse_text(text), chain, meaning, most, assembly)


def parse_contents(text: str, most: int) -> tuple[Structure, tuple[Assembly, ...]]:
    """The structure in the text of a file, of at most so many residues, and the assemblies that the file names.

    Raises BadInput, TooLarge as `read_structure`.
    """
    file = parse_text(text)
    return _first_model(file, "", AUTO, most, ""), assemblies_of(file)


def read_assemblies(path: Path) -> tuple[Assembly, ...]:
    """The biological assemblies that a file names. Raises BadInput, TooLarge as `read_structure`."""
    return assemblies_of(parse_text(_decoded(path)))


def _first_model(file: ParsedFile, chain: str, meaning: str, most: int | None, assembly: str) -> Structure:
    parsed = file.structure
    if not len(parsed):
        raise BadInput("This structure file holds no atoms.")
    model = next((place for place, model in enumerate(parsed) if model.count_atom_sites()), 0)
    if assembly:
        file, model = build_assembly(file, model, assembly, most), 0
    return _of_model(file, model, chain, meaning, most)


def read_models(path: Path, chain: str = "", most: int = MAX_MODELS) -> list[Structure]:
    """The models of a file, such as those of an NMR ensemble: the first, and of the others those of its residues.

    Raises BadInput, TooLarge as `read_structure`.
    """
    file = parse_text(_decoded(path))
    places = [place for place, model in enumerate(file.structure) if model.count_atom_sites()][:most]
    if not places:
        raise BadInput("This structure file holds no atoms.")
    models = [_of_model(file, place, chain, AUTO, None) for place in places]
    first = models[0]
    return [one for one in models if one.sequence == first.sequence and (one.numbers == first.numbers).all()]


def _of_model(file: ParsedFile, place: int, chain: str, meaning: str, most: int | None) -> Structure:
    """One model of a file. Raises BadInput, TooLarge."""
    parsed = file.structure
    residues, others = sort_residues(parsed[place], file.names)
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
    notes = [*file.notes, *_notes(parsed, whole, len(residues) - sum(CA in residue.atoms for residue in residues))]
    return _assembled(parsed, whole, others, Reading(file.header, meaning, tuple(notes)))


def _of_chain(
    residues: list[ParsedResidue], others: list[ParsedOther], chain: str
) -> tuple[list[ParsedResidue], list[ParsedOther]]:
    if not chain:
        return residues, others
    name = find_chain(list(dict.fromkeys(residue.chain for residue in residues)), chain)
    return [item for item in residues if item.chain == name], [item for item in others if item.chain == name]


def find_chain(names: Sequence[str], wanted: str) -> str:
    """The chain of this name, or else of this number from 1. Raises BadInput where there is none."""
    if wanted in names:
        return wanted
    if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
        return names[int(wanted) - 1]
    shown = ", ".join(names[:40]) + (" …" if len(names) > 40 else "")
    raise BadInput(f"There is no chain “{wanted[:20]}” in this structure; there is {shown}.")


def _decoded(path: Path) -> str:
    too_large = f"This structure file is over {MAX_BYTES >> 20} MiB; save only the chains you want to see."
    data = read_data(path, MAX_BYTES, too_large)
    if (text := data.rstrip(b"\0\x1a")).endswith(b"\n"):
        data = text  # padded at its end, as tape and old servers did
    if not data.strip():
        raise BadInput("This structure file is empty.")
    if b"\0" in data:
        raise BadInput("This is a binary file; a structure is opened from a PDB or mmCIF file, which is text.")
    return data.decode("utf-8", errors="replace")


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
    notes = list(reading.notes)
    if is_in_nanometres(atoms[:, CA]):
        atoms, beside = (
            atoms * np.float32(NANOMETRE),
            replace(beside, positions=beside.positions * np.float32(NANOMETRE)),
        )
        notes.append(IN_NANOMETRES)
    if not _possible(atoms) or not _possible(beside.positions):
        raise BadInput("This structure file is damaged: some of its coordinates are not possible numbers.")
    stated = re.sub(r"[^\w ,;()/-]", " ", _info(parsed, "_exptl.method"), flags=re.ASCII)[:MAX_STATED].strip()
    method = read_method(parsed, stated, reading.header)
    if reading.meaning == PLDDT:
        method = "prediction"
    confidence, scale = read_confidence(factors, mask, method, reading.header, reading.meaning)
    asked = question(factors, method, reading.header) if confidence is None and reading.meaning == AUTO else ""
    sentences = [*notes, beside.sentence(), _experiment(parsed, stated, method), asked]
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
        notes=tuple(note for note in sentences if note),
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


def _repeated(residue: gemmi.Residue) -> int:
    """How many atoms of a residue are called and placed like another one, as where residues have no numbers."""
    return len(residue) - len({(atom.name, atom.altloc) for atom in residue})


def _notes(parsed: gemmi.Structure, residues: list[ParsedResidue], without: int) -> Iterator[str]:
    if len(parsed) > 1:
        yield f"The file holds {len(parsed)} models; the first with atoms is shown."
    if without:
        yield f"{without} residue{'s' * (without > 1)} without a Cα atom {'are' if without > 1 else 'is'} left out."
    if unknown := sum(residue.letter == "X" for residue in residues):
        yield f"{unknown} of the residues are not among the twenty amino acids and are written as X."
    modified = Counter(item.component for item in residues if item.component not in STANDARD_NAMES)
    if modified:
        names = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in modified.most_common(8))
        yield f"Modified residues keep their names and atoms in the files: {names}."
    amino_acids = [residue for chain in parsed[0] for residue in chain if is_amino_acid(residue)]
    if hydrogens := sum(atom.is_hydrogen() for residue in amino_acids for atom in residue):
        yield f"{hydrogens:,} hydrogen atoms are left out."
    if repeated := sum(map(_repeated, amino_acids)):
        yield f"{repeated:,} atoms have the residue and name of another one: only the first of each is shown."
    positions = ({atom.altloc for atom in residue if atom.has_altloc()} for chain in parsed[0] for residue in chain)
    if several := sum(len(names) > 1 for names in positions):
        yield f"{several} residue{'s have' if several > 1 else ' has'} alternative positions; the fuller one is shown."
