"""Targets with their structures, as CASP and CAMEO hand them out, and anybody's folder of FASTA or A3M with structures.

Sequences are FASTA (`.fasta .fa .faa .seq .txt`, one record or many) or alignments (`.a3m`), structures `.pdb .cif
.ent`, anywhere below the folder. They belong together by name: `T1024-D1.pdb`, a domain as CASP cuts it, to `T1024`;
CAMEO's `2021.03.20/7ABC_A/target.pdb` to the sequence in its own folder. A structure without a sequence file is
predicted from its own residues.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from backends.core.errors import BadInput, UserError
from backends.folding.alignment.alignment import read_alignment
from backends.folding.alignment.records import fasta
from backends.folding.structure.reader import read_structure
from evaluation.datasets.aligned_proteins import first_chain
from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split, existing

SEQUENCES = {".fasta", ".fa", ".faa", ".seq", ".txt"}
STRUCTURES = {".pdb", ".cif", ".ent"}
DOMAIN = re.compile(r"-D\d+$")
MAX_TEXT = 50_000_000
PLAIN_NAMES = ("target", "sequence", "structure", "native", "query")
"""Files that are named after what they are take the name of their folder."""


@dataclass(frozen=True)
class Target:
    """One structure: its name, the target it is of, its file, and what its sequence and alignment are, where known."""

    name: str
    target: str
    structure: Path
    sequence: str = ""
    alignment: Path | None = None


class Targets:
    """The folder. A unit is a structure, its group the target: the domains of one target are not independent.

    Inputs are the `sequence` of the whole target, and its `alignment` where there is one; the reference is the first
    chain of the structure, so that a domain is scored by its own residues alone.
    """

    id, title, task, licence = "targets", "Targets with structures (CASP, CAMEO)", "folding", "structures: CC0"
    splits = ("all",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _files(self) -> list[Path]:
        found = existing(self.folder, "folder of targets").rglob("*")
        return sorted(path for path in found if path.is_file() and not path.name.startswith("."))

    @cached_property
    def sequences(self) -> dict[str, str]:
        """By name in lower case. Raises BadInput where a file is no FASTA."""
        found: dict[str, str] = {}
        for path in self._files:
            if path.suffix.lower() not in SEQUENCES or path.stat().st_size > MAX_TEXT:
                continue
            try:
                text = path.read_text("utf-8")
            except UnicodeDecodeError as error:
                raise BadInput(f"{path.name} is no text, where a sequence was expected.") from error
            if not text.lstrip().startswith(">"):
                continue
            records = [(_first_word(record.name), _letters(record.letters)) for record in fasta(text)]
            for name, letters in records:
                found.setdefault(name, letters)
            if len(records) == 1:
                found[name_of(path).lower()] = records[0][1]
        return found

    @cached_property
    def targets(self) -> list[Target]:
        alignments = {name_of(path).lower(): path for path in self._files if path.suffix.lower() == ".a3m"}
        found = []
        for path in self._files:
            if path.suffix.lower() in STRUCTURES:
                name = name_of(path)
                whole = DOMAIN.sub("", name)
                keys = (name.lower(), whole.lower())
                sequence = next((self.sequences[key] for key in keys if key in self.sequences), "")
                alignment = next((alignments[key] for key in keys if key in alignments), None)
                found.append(Target(name, whole, path, sequence, alignment))
        return found

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        if not self.targets:
            raise DatasetMissing(f"There is no structure (.pdb, .cif) in {self.folder}.")
        for target in self.targets:
            yield Unit(target.name, target.target, partial(_read, target))

    def problems(self) -> Iterator[str]:
        for target in self.targets:
            if not target.sequence and target.alignment is None:
                yield f"{target.name} has no sequence file: its own residues are taken, without those nobody saw."
        known = {target.target.lower() for target in self.targets} | {each.name.lower() for each in self.targets}
        for path in self._files:
            if path.suffix.lower() == ".a3m" and name_of(path).lower() not in known:
                yield f"{path.name} has no structure of that name."


def name_of(path: Path) -> str:
    """The name that a file is known by."""
    return path.parent.name if path.stem.lower() in PLAIN_NAMES else path.stem


def _first_word(name: str) -> str:
    return (name.split() or [""])[0].lower()


def _letters(text: str) -> str:
    return "".join(letter for letter in text.upper() if letter.isalpha())


def _read(target: Target) -> Sample:
    reference = first_chain(read_structure(target.structure))
    inputs: dict[str, object] = {"sequence": target.sequence or reference.sequence}
    if target.alignment is not None:
        try:
            alignment = read_alignment(target.alignment)
        except UserError as error:
            raise BadInput(f"{target.alignment.name}: {error.sentence}") from error
        inputs["alignment"] = alignment
        if not target.sequence:
            inputs["sequence"] = alignment.query
    return Sample(inputs, reference)
