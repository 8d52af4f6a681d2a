"""Proteins of known structure with alignments of related sequences: `structures/NAME.cif` and `alignments/NAME/`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gemmi
import numpy as np

from backends.folding.alignment.alignment import Alignment, read_alignment
from backends.folding.structure.reader import read_structure
from backends.folding.structure.structure import Structure
from evaluation.datasets.base import Sample, Unit, check_split, existing

NAMES = ("3u8v", "4zey", "2crb", "3zee")
"""The proteins that the coevolution engine's few settings were chosen on, so figures for them are no blind test."""


@dataclass(frozen=True)
class TrueProtein:
    """What an experiment saw: the first chain, and by number of the query's residue `(L, 3)` Cα and Cβ in Å.

    Of glycine Cβ is Cα; a residue that the experiment did not see is NaN.
    """

    structure: Structure
    ca: np.ndarray
    cb: np.ndarray


class AlignedProteins:
    """The folder. A unit is a protein.

    The input `alignment` joins all alignments of the query that are there; the reference is a TrueProtein.
    """

    id, title, task, licence = "aligned-proteins", "proteins of known structure", "folding", "PDB: CC0"
    splits = ("all",)

    def __init__(self, folder: Path, names: Sequence[str] = NAMES) -> None:
        self.folder, self.names = folder, names

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        for name in self.names:
            structure = existing(self.folder / "structures" / f"{name}.cif", "structure")
            alignments = existing(self.folder / "alignments" / name, "folder of alignments")
            yield Unit(name, name, partial(_read, structure, alignments))


class StructureFiles:
    """Structure files of a folder. A unit is the first chain of a file; the input is its `sequence`."""

    id, title, task, licence = "structure-files", "structures", "folding", "PDB: CC0"
    splits = ("all",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        for path in sorted(existing(self.folder, "folder of structures").glob("*.*")):
            yield Unit(path.stem, path.stem, partial(_chain, path))


def first_chain(structure: Structure) -> Structure:
    _, rows = next(structure.chain_slices())
    return structure.select(np.arange(rows.start, rows.stop))


def _chain(path: Path) -> Sample:
    structure = first_chain(read_structure(path))
    return Sample({"sequence": structure.sequence}, structure)


def _read(structure: Path, alignments: Path) -> Sample:
    joined = _joined(alignments)
    ca, cb = _traces(structure, joined.length)
    return Sample({"alignment": joined}, TrueProtein(first_chain(read_structure(structure)), ca, cb))


def _joined(folder: Path) -> Alignment:
    first, *rest = (read_alignment(path) for path in sorted(folder.iterdir()))
    for other in rest:
        first = first.merged(other)
    return first


def _traces(path: Path, length: int) -> tuple[np.ndarray, np.ndarray]:
    """(L, 3) Cα and Cβ of the first chain."""
    model = gemmi.read_structure(str(path))
    model.setup_entities()
    ca, cb = np.full((length, 3), np.nan), np.full((length, 3), np.nan)
    for residue in model[0][0].get_polymer():
        alpha, number = residue.find_atom("CA", "*"), residue.label_seq
        if alpha and number is not None and number <= length:
            beta = residue.find_atom("CB", "*") or alpha
            ca[number - 1], cb[number - 1] = alpha.pos.tolist(), beta.pos.tolist()
    return ca, cb
