"""Read what people paste or choose: sequences, FASTA, alignments, structure files; say in words what is odd."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from backends.core.errors import BadInput, TooLarge
from backends.folding.alignment.alignment_formats import complex_header, is_bare_rows, is_clustal
from backends.folding.alignment.block_formats import is_blocks
from backends.folding.alignment.file_text import read_data
from backends.folding.alignment.job_file import OF_JOB, fasta_of_job, without_other_molecules
from backends.folding.alignment.nucleic_acids import is_nucleic_acid, left_out
from backends.folding.alignment.other_kinds import require_no_null, require_text
from backends.folding.alignment.records import fasta, read_records
from backends.folding.alignment.residue_letters import clean
from backends.folding.limits import MAX_FOLDED_RESIDUES, MAX_LISTED_RESIDUES, MAX_STRUCTURE_RESIDUES
from backends.folding.structure.pdb_columns import has_atoms

if TYPE_CHECKING:
    from backends.folding.alignment.alignment import Alignment
    from backends.folding.structure.assemblies import Assembly

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

    `extra_inputs` names further files of the job by input; `notices` say what was tidied up on reading. `assemblies`
    are those that a structure file names.
    """

    kind: str
    chains: tuple[Chain, ...]
    path: Path
    alignment: Alignment | None = None
    notices: tuple[str, ...] = ()
    extra_inputs: Mapping[str, Path] = field(default_factory=dict)
    assemblies: tuple[Assembly, ...] = ()

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
    require_text(data)
    text = data.decode("utf-8", "replace")
    if _is_structure(text):
        return _structure(text, path, chain)
    text, others = without_other_molecules(text)
    if others:
        query = parse_text(text, path)
        return replace(query, notices=(*query.notices, OF_JOB))
    require_no_null(data)
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
    from backends.folding.structure.reader import parse_contents

    structure, assemblies = parse_contents(text, MAX_LISTED_RESIDUES)
    names = [name for name, _ in structure.chain_slices()]
    chains = tuple(Chain(name, structure.sequence[part]) for name, part in structure.chain_slices())
    length = len(structure)
    if length > MAX_STRUCTURE_RESIDUES and chain not in names and not chain.isdecimal():
        notice = (
            f"The file holds {length:,} residues in {len(names)} chains, more than the {MAX_STRUCTURE_RESIDUES:,} that "
            "can be opened at once: choose a chain."
        )
        return Query("structure", chains, path, notices=(notice,), assemblies=assemblies)
    return Query("structure", chains, path, assemblies=assemblies)


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
