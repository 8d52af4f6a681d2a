"""Reads protein structure files. They are hostile: what they hold is decoded, bounded and checked first."""

from __future__ import annotations

import gzip
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import gemmi
import numpy as np

from backends.core.errors import BadInput, TooLarge
from backends.folding.limits import MAX_STRUCTURE_RESIDUES
from backends.folding.residues import THREE_LETTER
from backends.folding.structure.atoms import ATOM37, CA, INDEX
from backends.folding.structure.structure import Structure

MAX_BYTES = 96 << 20
MAX_COORDINATE = 20_000.0  # Å; a PDB column holds less than 10,000
ALIASES = {"SE": "SD", "OT1": "O", "OT2": "OXT", "O1": "O", "O2": "OXT"}  # selenomethionine; older programs' last atoms
_PREDICTED = re.compile(
    r"alphafold|colabfold|esmfold|openfold|rosettafold|omegafold|boltz|chai-1|THEORETICAL MODEL|COMPUTATIONAL MODEL|"
    r"^PARENT |^_ma_qa_metric|B-factors are pLDDT",
    re.IGNORECASE | re.MULTILINE,
)


def read_structure(path: Path) -> Structure:
    """The protein of a PDB or mmCIF file, plain or gzipped, told apart by content.

    Of several models the first is taken, of alternative positions the fuller one. Residues without a Cα are left out.
    The B-factor is taken as pLDDT only where the file says, or its values show, that it is a prediction.

    Raises:
        BadInput: the file is of another kind, damaged, or holds no protein.
        TooLarge: over 96 MiB, or over `MAX_STRUCTURE_RESIDUES` residues.
    """
    return parse_structure(_decoded(path))


def parse_structure(text: str) -> Structure:
    """As `read_structure`, from the text of a file."""
    parsed = _parsed(text)
    if not len(parsed):
        raise BadInput("This structure file holds no atoms.")
    residues = list(_residues(parsed[0]))
    whole = [residue for residue in residues if CA in residue[3]]
    if not whole:
        raise BadInput("There is no protein in this structure file: no residue of it has a Cα atom.")
    if len(whole) > MAX_STRUCTURE_RESIDUES:
        raise TooLarge(
            f"This structure has {len(whole):,} residues; at most {MAX_STRUCTURE_RESIDUES:,} can be opened. Save the "
            "chains you want to see as a file of their own."
        )
    return _assembled(parsed, whole, len(residues) - len(whole), text)


def _decoded(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(2)
    try:
        with gzip.open(path, "rb") if head == b"\x1f\x8b" else path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput("This file is compressed and damaged; unpack it, or fetch it again.") from error
    if len(data) > MAX_BYTES:
        raise TooLarge(f"This structure file is over {MAX_BYTES >> 20} MiB; save only the chains you want to see.")
    if not data.strip():
        raise BadInput("This structure file is empty.")
    if b"\0" in data:
        raise BadInput("This is a binary file; a structure is opened from a PDB or mmCIF file, which is text.")
    return data.decode("utf-8", errors="replace")


def _parsed(text: str) -> gemmi.Structure:
    start = text.lstrip("\ufeff \t\r\n")
    opening = start[:400].lower()
    if opening.startswith(("<!doctype", "<html", "<?xml", "<head")):
        raise BadInput("This is a web page, not a structure; use the page's download link for the PDB or mmCIF file.")
    if opening.startswith(("{", "[")):
        raise BadInput("This is a JSON file, not a structure; give it as the file of predicted errors (PAE) instead.")
    if opening.startswith(">"):
        raise BadInput("This is a sequence, not a structure; choose a way to fold it, or open a PDB or mmCIF file.")
    try:
        if re.search(r"^data_", start, re.MULTILINE) and re.search(r"^_atom_site\.", start, re.MULTILINE):
            document = gemmi.cif.read_string(start)
            return gemmi.make_structure_from_block(next(b for b in document if b.find_values("_atom_site.id")))
        if re.search(r"^(ATOM  |HETATM)", start, re.MULTILINE):
            return gemmi.read_pdb_string(start)
    except (RuntimeError, ValueError, IndexError, StopIteration, OverflowError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else "it cannot be read"
        raise BadInput(f"This structure file is damaged: {reason}.") from error
    raise BadInput("This is not a structure file: it holds no atoms in the PDB or mmCIF format.")


ParsedResidue = tuple[str, gemmi.SeqId, str, dict[int, gemmi.Atom]]
"""Chain id, residue number, one-letter code, atoms by their place in atom37."""


def _residues(model: gemmi.Model) -> Iterator[ParsedResidue]:
    names: Counter[str] = Counter()
    for chain in model:
        name = re.sub(r"[^\w.-]", "_", chain.name, flags=re.ASCII)[:8] or "A"
        names[name] += 1
        name = name if names[name] == 1 else f"{name}{names[name]}"
        for number, alike in groupby(chain, key=lambda residue: (residue.seqid.num, residue.seqid.icode)):
            found = [item for residue in alike if (item := _residue(name, residue))]
            if found:  # Two kinds of residue in one place: take the one that more of the crystal has.
                yield max(found, key=lambda item: (sum(atom.occ for atom in item[3].values()), number))


def _residue(chain: str, residue: gemmi.Residue) -> ParsedResidue | None:
    info = gemmi.find_tabulated_residue(residue.name)
    known = info.is_amino_acid() if info.found() else _looks_like_protein(residue)
    if not known:
        return None
    letter = info.one_letter_code.upper() if info.found() else "X"
    letter = letter if letter in THREE_LETTER else "X"
    atoms: dict[int, gemmi.Atom] = {}
    for atom in _one_conformer(residue):
        place = INDEX.get(ALIASES.get(atom.name, atom.name))
        if place is not None and atom.element.name != "Ca":
            atoms.setdefault(place, atom)
    return chain, residue.seqid, letter, atoms


def _looks_like_protein(residue: gemmi.Residue) -> bool:
    names = {atom.name for atom in residue}
    return {"N", "CA", "C", "O"} <= names


def _one_conformer(residue: gemmi.Residue) -> Iterable[gemmi.Atom]:
    """The atoms of one alternative position, the same for the whole residue so that its geometry stays sound."""
    occupied: defaultdict[str, float] = defaultdict(float)
    for atom in residue:
        if atom.has_altloc():
            occupied[atom.altloc] += atom.occ
    best = max(sorted(occupied), key=occupied.__getitem__) if occupied else ""
    yield from (atom for atom in residue if not atom.has_altloc() or atom.altloc == best)
    yield from (atom for atom in residue if atom.has_altloc() and atom.altloc != best)  # fills what it lacks


def _assembled(parsed: gemmi.Structure, residues: list[ParsedResidue], without: int, text: str) -> Structure:
    length = len(residues)
    atoms = np.zeros((length, len(ATOM37), 3), dtype=np.float32)
    mask = np.zeros((length, len(ATOM37)), dtype=bool)
    factors = np.full((length, len(ATOM37)), np.nan, dtype=np.float32)
    for row, (_, _, _, found) in enumerate(residues):
        for place, atom in found.items():
            atoms[row, place] = atom.pos.tolist()
            mask[row, place], factors[row, place] = True, atom.b_iso
    if not np.isfinite(atoms).all() or np.abs(atoms).max() > MAX_COORDINATE:
        raise BadInput("This structure file is damaged: some of its coordinates are not possible numbers.")
    method = _method(parsed, text, factors)
    letters = "".join(letter for _, _, letter, _ in residues)
    return Structure.build(
        atoms,
        mask,
        letters,
        chains=[chain for chain, *_ in residues],
        numbers=[seqid.num or 0 for _, seqid, *_ in residues],
        insertions=np.array([seqid.icode.strip() for _, seqid, *_ in residues], dtype=str),
        confidence=_confidence(factors, mask) if method == "prediction" else None,
        title=" ".join(_info(parsed, "_struct.title").split())[:200],
        method=method,
        notes=tuple(_notes(parsed, letters, without)),
    )


def _info(parsed: gemmi.Structure, key: str) -> str:
    return parsed.info[key] if key in parsed.info else ""  # noqa: SIM401 - an InfoMap has no get


def _method(parsed: gemmi.Structure, text: str, factors: np.ndarray) -> str:
    """ "experiment", "prediction" or "": what the file says, else what its B-factors look like.

    Prediction programs write one value for all atoms of a residue, between 0 and 100; refinement does not.
    """
    stated = _info(parsed, "_exptl.method").upper()
    head = "\n".join(line for line in text.splitlines() if not line.startswith(("ATOM", "HETATM")))[:200_000]
    if "MODEL" in stated or _PREDICTED.search(head):
        return "prediction"
    if stated or parsed.resolution or parsed.spacegroup_hm not in ("", "P 1"):
        return "experiment"
    values = factors[np.isfinite(factors)]
    even = np.nanmax(factors, axis=1) - np.nanmin(factors, axis=1) < 1e-3
    several = np.isfinite(factors).sum(axis=1) > 1
    plausible = values.min() >= 0 and 0 < values.max() <= 100 and np.ptp(values) > 0
    return "prediction" if plausible and several.mean() > 0.5 and even[several].all() else ""


def _confidence(factors: np.ndarray, mask: np.ndarray) -> np.ndarray | None:
    """pLDDT of each Cα, 0 to 100, or None where the column is empty or holds something else."""
    from backends.folding.structure.confidence import normalise_plddt

    values = np.where(mask[:, CA], factors[:, CA], np.nan)
    if not np.isfinite(values).all() or values.max() <= 0:
        return None
    try:
        return normalise_plddt(values)
    except BadInput:  # B-factors of another meaning in a modelled structure
        return None


def _notes(parsed: gemmi.Structure, letters: str, without: int) -> Iterator[str]:
    if len(parsed) > 1:
        yield f"The file holds {len(parsed)} models; the first is shown."
    if without:
        yield f"{without} residue{'s' * (without > 1)} without a Cα atom {'are' if without > 1 else 'is'} left out."
    if "X" in letters:
        yield f"{letters.count('X')} of the residues are not among the twenty amino acids and are written as X."
    others = {residue.name for chain in parsed[0] for residue in chain if not residue.is_water()}
    others = {name for name in others if not gemmi.find_tabulated_residue(name).is_amino_acid()}
    if others & {"DA", "DC", "DG", "DT", "A", "C", "G", "U"}:
        yield "The DNA or RNA in the file is not shown."
