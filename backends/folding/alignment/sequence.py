"""Read what people paste or choose: sequences, FASTA, alignments, structure files; say in words what is odd."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from backends.core.errors import BadInput, TooLarge
from backends.folding.alignment.alignment_formats import complex_header, is_bare_rows, is_clustal
from backends.folding.alignment.block_formats import is_blocks
from backends.folding.alignment.file_text import COMPRESSED, read_data
from backends.folding.alignment.job_file import IS_YAML_JOB, OF_JOB, fasta_of_job, without_other_molecules
from backends.folding.alignment.nucleic_acids import is_nucleic_acid, left_out, looks_like_nucleotides
from backends.folding.alignment.records import fasta, read_records
from backends.folding.limits import MAX_FOLDED_RESIDUES, MAX_LISTED_RESIDUES, MAX_STRUCTURE_RESIDUES
from backends.folding.residues import AMINO_ACIDS, SUBSTITUTED_NAMES, SUBSTITUTES
from backends.folding.structure.pdb_columns import has_atoms

if TYPE_CHECKING:
    from backends.folding.alignment.alignment import Alignment

MIN_RESIDUES = 5
MAX_BYTES = 256_000_000
MAX_CHAINS = 20
MAX_LETTERS = 1_000_000
"""Of text that is no alignment: room for all chains of a job with their names and line ends."""

KIND_NAMES = {"sequence": "a sequence", "alignment": "an alignment", "structure": "a structure file"}


@dataclass(frozen=True)
class Chain:
    """One chain: its name, and its residues as one-letter codes with X where one is not known."""

    name: str
    sequence: str


@dataclass(frozen=True)
class Query:
    """What to fold. `kind` is "sequence", "alignment" or "structure"; `alignment` is there for the second.

    `beside` names further files of the job by input; `notices` say what was tidied up on reading.
    """

    kind: str
    chains: tuple[Chain, ...]
    path: Path
    alignment: Alignment | None = None
    notices: tuple[str, ...] = ()
    extra_inputs: Mapping[str, Path] = field(default_factory=dict)

    @property
    def sequence(self) -> str:
        """All chains, one after the other."""
        return "".join(chain.sequence for chain in self.chains)

    @property
    def length(self) -> int:
        return sum(len(chain.sequence) for chain in self.chains)

    @property
    def kind_name(self) -> str:
        return KIND_NAMES[self.kind]

    def select_chain(self, wanted: str) -> Query:
        """This query with one chain, by name or by number from 1; "" where there is but one. Raises BadInput."""
        names = [chain.name for chain in self.chains]
        if not wanted and len(names) == 1:
            return self
        shown = ", ".join(name[:20] for name in names[:6]) + (" …" if len(names) > 6 else "")
        if not wanted:
            raise BadInput(
                f"There are {len(names)} chains in this file ({shown}), and this model folds one at a time: choose one."
            )
        index = names.index(wanted) if wanted in names else int(wanted) - 1 if wanted.isdecimal() else -1
        if not 0 <= index < len(names):
            raise BadInput(f"There is no chain “{wanted[:20]}”; there is {shown}.")
        alignment = self.alignment
        if alignment is not None and alignment.lengths:
            alignment = alignment.columns(alignment.chain_columns()[index])
        return replace(self, chains=(self.chains[index],), alignment=alignment)


def read_input(path: Path, chain: str = "") -> Query:
    """Read a query by its content, whatever its name, plain or gzipped.

    Of a structure file every chain is listed, even where the whole is too large to be opened.

    Args:
        path: of the file.
        chain: of a structure file, the only one that is needed; "" for all.

    Raises:
        BadInput: empty, damaged, of another kind, or with letters that are no residues; one sentence.
        TooLarge: over MAX_BYTES, or a chain of over MAX_FOLDED_RESIDUES.
    """
    too_large = f"This file is over {MAX_BYTES // 1_000_000} MB, which no sequence or structure needs."
    data = read_data(path, MAX_BYTES, too_large)
    job, said = fasta_of_job(data)
    if job:
        query = parse_text(job, path)
        return replace(query, notices=(*query.notices, said))
    _require_text(data)
    text = data.decode("utf-8", "replace")
    if _is_structure(text):
        return _structure(text, path, chain)
    text, others = without_other_molecules(text)
    if others:
        query = parse_text(text, path)
        return replace(query, notices=(*query.notices, OF_JOB))
    _require_no_null(data)
    if text.lstrip().startswith("# STOCKHOLM") or _is_alignment(text, data):
        return _alignment(data, path)
    _require_short(text)
    return parse_text(text, path)


def _require_short(text: str) -> None:
    """Raises TooLarge for a text that no job could be made of, before much time goes into it."""
    if len(text) <= MAX_LETTERS:
        return
    count = text.count("\n>") + text.startswith(">")
    what = (
        f"There are {count:,} sequences in this file" if count > MAX_CHAINS else f"This text has {len(text):,} letters"
    )
    raise TooLarge(
        f"{what}; up to {MAX_CHAINS} sequences of {MAX_FOLDED_RESIDUES:,} residues can be taken. Bring the "
        "proteins one by one."
    )


def parse_text(text: str, path: Path = Path()) -> Query:
    """A query from pasted text: a bare sequence, FASTA with one or several chains, a GenPept or UniProt record.

    Chains without names are called A, B, C …; a colon between residues parts chains, as ColabFold has it.
    """
    records = read_records(text)
    notices = [record.notice for record in records if record.notice]
    parts = [(record.name, part, record.heading) for record in records for part in _chains_of(record.letters)]
    if len(parts) > MAX_CHAINS:
        raise TooLarge(
            f"There are {len(parts):,} sequences in this file; up to {MAX_CHAINS} can be chains of one job. Bring the "
            "proteins one by one."
        )
    chains: list[Chain] = []
    proteins = [not is_nucleic_acid(raw, heading) for _, raw, heading in parts]
    if parts and not any(proteins):
        proteins = [True] * len(parts)  # which are refused for what they are
        if not is_nucleic_acid(parts[0][1]):
            raise BadInput("By its heading this is DNA or RNA, not a protein: translate it into amino acids first.")
    others = []
    for index, (name, raw, _) in enumerate(parts):
        label = name or _letter(index)
        if proteins[index]:
            sequence, notes = clean(raw, label if len(parts) > 1 else "")
            notices += notes
            chains.append(Chain(_unused(label, chains), sequence))
        else:
            others.append(label)
    notices += [left_out(others)] if others else []
    if not chains:
        raise BadInput("There is no sequence here: paste the one-letter codes of a protein, or choose a file.")
    return Query("sequence", tuple(chains), path, notices=tuple(dict.fromkeys(notices)))


def clean(raw: str, name: str = "") -> tuple[str, list[str]]:
    """The residues of pasted text in upper case, and what was tidied up, in sentences that name the chain if given.

    Raises BadInput for DNA and RNA, letters that are no residues, nothing at all; TooLarge for MAX_FOLDED_RESIDUES.
    """
    whose = f" of “{name[:40]}”" if name else ""
    notices = []
    text = re.sub(r"\s", "", raw)
    if re.search(r"\d", text):
        notices.append(f"The numbers between the residues{whose} were left out.")
        text = re.sub(r"\d", "", text)
    if re.search(r"[-.~]", text):
        notices.append(f"The gaps in the sequence{whose} were left out.")
        text = re.sub(r"[-.~]", "", text)
    if text.endswith("*"):
        notices.append(f"The stop sign at the end{whose} was left out.")
        text = text.rstrip("*")
    if text != text.upper():
        notices.append(f"Small letters{whose} were read as capitals.")
        text = text.upper()
    _require_residues(text, whose)
    for letter, stand_in in SUBSTITUTES.items():
        if count := text.count(letter):
            times = "once" if count == 1 else f"{count} times"
            notices.append(f"{letter} ({SUBSTITUTED_NAMES[letter]}) occurs {times}{whose} and is folded as {stand_in}.")
            text = text.replace(letter, stand_in)
    if looks_like_nucleotides(text):  # polyalanine, polyglycine and silk are proteins
        notices.append(f"The sequence{whose} could be DNA or RNA by its letters; it is taken as a protein.")
    if count := text.count("X"):
        which = "residue is" if count == 1 else "residues are"
        notices.append(f"{count} {which} unknown (X){whose}: they get a backbone without a side chain.")
    return text, notices


def _looks_like_structure(text: str) -> bool:
    """Whether these are helices, strands and coils: few letters, each many times in a row."""
    runs = 1 + sum(one != other for one, other in pairwise(text))
    return len(text) >= 20 and {"H", "E"} < set(text) <= set("HECTSGBI") and len(text) > 2.5 * runs


def _require_residues(text: str, whose: str) -> None:
    if not text:
        raise BadInput(f"The sequence{whose} is empty: paste the one-letter codes of a protein.")
    if "*" in text:
        raise BadInput(
            f"The sequence{whose} has a stop sign (*) at residue {text.index('*') + 1}: a protein ends there, so check "
            "the reading frame of its translation."
        )
    odd = re.search(f"[^{AMINO_ACIDS}X{''.join(SUBSTITUTES)}]", text)
    if odd:
        shown = f"“{odd[0]}”" if odd[0].isprintable() else "a sign that cannot be shown"
        place = f"residue {odd.start() + 1}"
        if odd[0].isprintable() and not odd[0].isascii():  # which may look just like a letter of ours
            place += f" ({unicodedata.name(odd[0], 'a letter of another alphabet').lower()})"
        raise BadInput(f"The sequence{whose} has {shown} at {place}, which is no amino acid.")
    if is_nucleic_acid(text):
        kind = "RNA" if "U" in text and "T" not in text else "DNA"
        raise BadInput(f"The sequence{whose} looks like {kind}, not a protein: translate it into amino acids first.")
    if _looks_like_structure(text):
        raise BadInput(f"The sequence{whose} looks like secondary structure (H, E, C …): bring the amino acids.")
    if len(text) < MIN_RESIDUES:
        count = f"{len(text)} residue{'s' * (len(text) > 1)}"
        raise BadInput(f"The sequence{whose} has {count}, too few to fold: {MIN_RESIDUES} are the least.")
    if set(text) == {"X"}:
        raise BadInput(f"Every residue of the sequence{whose} is unknown (X), so there is nothing to fold.")
    if len(text) > MAX_FOLDED_RESIDUES:
        raise TooLarge(
            f"The sequence{whose} has {len(text):,} residues; up to {MAX_FOLDED_RESIDUES:,} can be taken. "
            "Fold its domains one by one."
        )


def _require_text(data: bytes) -> None:
    head = data[:4096].lstrip().lower()
    if not data.strip():
        raise BadInput("This file is empty: bring a sequence, an alignment or a structure.")
    if data.startswith(COMPRESSED):
        raise BadInput("This file is compressed: unpack it first, then choose what was inside.")
    if b"pdbx" in head and head.startswith(b"<?xml"):
        raise BadInput("This is a structure as XML (PDBML), which is not read: bring it as PDB or mmCIF.")
    if (b"_atom_site" in data and b"\0" in data) or b"mmtfversion" in data[:4096].lower():
        raise BadInput("This is a structure as BinaryCIF or MMTF, which is not read: bring it as PDB or mmCIF.")
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")) or b"<html" in head:
        is_xml = head.startswith(b"<?xml") and b"<html" not in head
        what = "an XML file, which is not read" if is_xml else "a web page, not a sequence"
        raise BadInput(f"This is {what}: copy only the letters, or download the file itself.")
    if head.startswith((b"{\\rtf", b"%pdf")):
        raise BadInput("This is a formatted document: copy the letters out of it, or save it as plain text.")
    if head.startswith((b"hhsearch", b"hmmer")):
        raise BadInput("This is a profile (HMM), which is not read: bring the alignment it was made from.")
    if head.startswith(b"@<tripos>") or b"\nm  end" in head or b" v2000" in head or b" v3000" in head:
        raise BadInput("This is a small molecule (MOL2 or SDF), not a protein: bring its structure as PDB or mmCIF.")
    if re.match(rb"query\s+\S[^\n]*\nmatch_columns", head):
        raise BadInput("This is a list of hits (HHsearch), which is not read: bring the alignment itself.")
    if IS_YAML_JOB.search(data):
        raise BadInput("This job for another program holds no protein that could be read: paste its sequence.")
    if re.match(rb"@[^\n]+\n[a-z.]+\r?\n\+", head):
        raise BadInput("This is a FASTQ file of DNA reads, not a protein: translate it into amino acids first.")
    if head.startswith((b"{", b"[")):
        raise BadInput(
            "This is a JSON file: bring the structure as PDB or mmCIF, and a JSON of confidence beside it as “pae”."
        )


def _require_no_null(data: bytes) -> None:
    if b"\0" in data:
        raise BadInput(
            "This file holds null bytes, so it is damaged or no text: save the sequence again as plain text."
        )
    if re.search(rb"[\x01-\x08\x0e-\x19\x1b-\x1f]", data[:4096]):
        raise BadInput("This is a file of another program and no text: save the sequence or structure as text.")


_ATOM_LINE = re.compile(r"^(ATOM  |HETATM)(?:[ \d]{5} |.{24} *-?\d+\.\d+ *-?\d+\.\d+ *-?\d+\.\d+)", re.MULTILINE)
"""Serial numbers may have letters or stars in large structures, so the coordinates count as well."""


def _is_structure(text: str) -> bool:
    return "_atom_site." in text.lower() or _ATOM_LINE.search(text) is not None or has_atoms(text)


def _is_alignment(text: str, data: bytes) -> bool:
    """Whether records are rows of one alignment, not chains: gaps, or small letters or many rows that fit together."""
    if is_clustal(data) or is_bare_rows(data) or complex_header(data)[0] or is_blocks(data):
        return True
    rows = [re.sub(r"\s", "", row.letters) for row in fasta(text)] if text.lstrip().startswith((">", "#")) else []
    if len(rows) < 2:
        return False
    if any("-" in row for row in rows):
        return True
    insertions = any(re.search("[a-z]", row) and re.search("[A-Z]", row) for row in rows)
    columns = {len(re.sub("[a-z.]", "", row)) for row in rows}
    return (insertions or len(rows) > MAX_CHAINS) and len(columns) == 1


def _structure(text: str, path: Path, chain: str) -> Query:
    from backends.folding.structure.reader import parse_structure

    structure = parse_structure(text, most=MAX_LISTED_RESIDUES)
    names = [name for name, _ in structure.chain_slices()]
    chains = tuple(Chain(name, structure.sequence[part]) for name, part in structure.chain_slices())
    length = len(structure)
    if length > MAX_STRUCTURE_RESIDUES and chain not in names and not chain.isdecimal():
        notice = (
            f"The file holds {length:,} residues in {len(names)} chains, more than the {MAX_STRUCTURE_RESIDUES:,} that "
            "can be opened at once: choose a chain."
        )
        return Query("structure", chains, path, notices=(notice,))
    return Query("structure", chains, path)


def _alignment(data: bytes, path: Path) -> Query:
    from backends.folding.alignment.alignment import parse_alignment

    alignment = parse_alignment(data)
    sequence, notices = clean(alignment.query)
    if (count := len(re.findall(rb"^# STOCKHOLM", data, re.MULTILINE))) > 1:
        notices.append(f"The file holds {count:,} alignments; the first is read.")
    if not alignment.lengths:
        name = alignment.names[0].split()[0] if alignment.names[0].strip() else "A"
        return Query("alignment", (Chain(name, sequence),), path, alignment, tuple(notices))
    spans = alignment.chain_columns()
    if len(spans) > MAX_CHAINS:
        raise TooLarge(f"This alignment is of {len(spans)} chains; up to {MAX_CHAINS} can be folded together.")
    chains = tuple(Chain(_letter(index), sequence[span]) for index, span in enumerate(spans))
    notices.append(f"The alignment is of a complex of {len(chains)} chains, as its first line says.")
    return Query("alignment", chains, path, alignment, tuple(notices))


def _chains_of(raw: str) -> list[str]:
    return [part for part in raw.split(":") if part.strip()] or [raw]


def _letter(index: int) -> str:
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[index % 26]


def _unused(name: str, chains: list[Chain]) -> str:
    taken = {chain.name for chain in chains}
    return next(tried for tried in (name, *(f"{name}-{n}" for n in range(2, 99))) if tried not in taken)
