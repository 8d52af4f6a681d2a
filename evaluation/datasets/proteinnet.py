"""ProteinNet (AlQuraishi 2019) as text and as TFRecord: sequences, profiles, backbones in picometres, masks.

A text record has `[ID] [PRIMARY] [EVOLUTIONARY] [SECONDARY] [TERTIARY] [MASK]`, of which SECONDARY may miss, and ends
with an empty line. EVOLUTIONARY has 20 rows, and one more of information content in the text files. TERTIARY holds
three rows x, y, z of N, Cα, C for each residue; where MASK is `-` they are zero and nobody saw them. In the TFRecord
files numbers stand for letters. An id names its class: `90#1ABC_1_A` of a validation set says below which sequence
identity to all training chains it lies, `TBM#T0366` of a test set how hard CASP held it to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from backends.core.errors import BadInput
from backends.folding.structure.structure import Structure
from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split, existing
from evaluation.datasets.tfrecord import read_example, read_records, write_example, write_record

ALPHABET = "ACDEFGHIKLMNPQRSTVWY"
PICOMETRES = 100.0
"""In an ångström."""

SPLITS = ("testing", "validation", *(f"training_{thinning}" for thinning in (30, 50, 70, 90, 95, 100)))


@dataclass(frozen=True)
class Record:
    """One chain of L residues.

    profile `(20 or 21, L)` float32, backbone `(L, 3, 3)` float32 Å of N, Cα, C with NaN where nobody saw it, and seen
    `(L,)` bool. `secondary` is in the letters of DSSP, empty where the record has none.
    """

    id: str
    sequence: str
    profile: np.ndarray
    backbone: np.ndarray
    seen: np.ndarray
    secondary: str = ""

    @property
    def kind(self) -> str:
        """The class before the `#` of the id; empty where it has none."""
        return self.id.split("#")[0] if "#" in self.id else ""

    def structure(self) -> Structure:
        """What was seen of the chain."""
        atoms = np.full((len(self.sequence), 5, 3), np.nan, np.float32)
        atoms[:, :3] = self.backbone
        letters = "".join(letter for letter, seen in zip(self.sequence, self.seen, strict=True) if seen)
        return Structure.from_backbone(atoms[self.seen], letters)


class ProteinNet:
    """A folder of ProteinNet's files, or one of them. A unit is a chain, its group the class of its id.

    The input is its `sequence`; the reference a Structure of the residues that were seen.
    """

    id, title, task, licence = "proteinnet", "ProteinNet", "folding", "MIT; structures of the PDB: CC0"
    splits = ("all", *SPLITS)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def files(self, split: str) -> list[Path]:
        place = existing(self.folder, "file or folder of ProteinNet")
        if place.is_file():
            return [place]
        found = sorted(path for path in place.rglob("*") if path.is_file() and not path.name.startswith("."))
        return [path for path in found if split == "all" or _is_of(path.relative_to(place), split)]

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        found = False
        for path in self.files(split):
            for record in read_file(path):
                if record.seen.sum() >= 5:
                    found = True
                    yield Unit(record.id, record.id, partial(_sample, record))
        if not found:
            raise DatasetMissing(f"There are no chains for “{split}” in {self.folder}.")


def _is_of(path: Path, split: str) -> bool:
    """Whether a file belongs to a split by its name or its folders: `training_30`, or `training/30/1`.

    >>> _is_of(Path("casp7/training_30"), "training_30"), _is_of(Path("casp7/training/30/1"), "training_30")
    (True, True)
    """
    folders = path.parts[:-1]
    return split in (path.stem, *folders) or folders[-2:] == tuple(split.split("_"))


def _sample(record: Record) -> Sample:
    return Sample({"sequence": record.sequence, "profile": record.profile}, record.structure())


def read_file(path: Path) -> Iterator[Record]:
    """The records of a file of either kind. Raises BadInput where it is neither, or damaged."""
    with path.open("rb") as file:
        text = file.read(4) == b"[ID]"
        file.seek(0)
        yield from (
            read_text(file, path.name) if text else (record_of(*read_example(data)) for data in read_records(file))
        )


def read_text(file: IO[bytes], name: str = "The file") -> Iterator[Record]:
    """The records of a text file."""
    block: dict[str, list[str]] = {}
    section = ""
    for number, raw in enumerate(file, 1):
        try:
            line = raw.decode("ascii").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise BadInput(f"{name} is no text of ProteinNet (line {number}).") from error
        if line.startswith("["):
            section = line.strip("[] \t")
            if section == "ID" and block:
                yield _text_record(block, name)
                block = {}
            block[section] = []
        elif line.strip() and section:
            block[section].append(line)
    if block:
        yield _text_record(block, name)


def _text_record(block: dict[str, list[str]], name: str) -> Record:
    id = (block.get("ID") or ["?"])[0].strip()
    try:
        sequence, mask = block["PRIMARY"][0].strip(), block["MASK"][0].strip()
        profile = np.array([line.split() for line in block["EVOLUTIONARY"]], np.float32)
        tertiary = np.array([line.split() for line in block["TERTIARY"]], np.float32)  # (3, 3L)
        secondary = (block.get("SECONDARY") or [""])[0].strip()
        seen = np.array([sign == "+" for sign in mask])
        return _record(id, sequence, profile, tertiary, seen=seen, secondary=secondary)
    except (KeyError, IndexError, ValueError) as error:
        raise BadInput(f"{name}: the record {id} is not whole, or its parts differ in length.") from error


def record_of(context: dict, lists: dict) -> Record:
    """The record in a SequenceExample. Raises BadInput."""
    id = context.get("id", [b"?"])[0].decode()
    try:
        sequence = "".join(ALPHABET[int(code[0])] for code in lists["primary"])
        profile = np.stack(lists["evolutionary"], axis=1)
        tertiary, mask = np.stack(lists["tertiary"], axis=1), np.concatenate(lists["mask"]) > 0
        return _record(id, sequence, profile, tertiary, seen=mask, secondary="")
    except (KeyError, IndexError, ValueError) as error:
        raise BadInput(f"The record {id} of the TFRecord file is not whole.") from error


def _record(
    id: str, sequence: str, profile: np.ndarray, tertiary: np.ndarray, *, seen: np.ndarray, secondary: str
) -> Record:
    length = len(sequence)
    if profile.shape not in ((20, length), (21, length)) or tertiary.shape != (3, 3 * length) or len(seen) != length:
        raise ValueError("the parts of a record differ in length")
    backbone = (tertiary.T / PICOMETRES).reshape(length, 3, 3).astype(np.float32)
    backbone[~seen] = np.nan
    return Record(id, sequence, profile, backbone, seen, secondary)


def write_text(file: IO[str], record: Record) -> None:
    """One record as text, with as many rows of its profile as it has."""
    rows = "\n".join("\t".join(f"{value:g}" for value in row) for row in record.profile)
    places = np.nan_to_num(record.backbone.reshape(-1, 3).T * PICOMETRES)
    atoms = "\n".join("\t".join(f"{value:.1f}" for value in row) for row in places)
    mask = "".join("+" if seen else "-" for seen in record.seen)
    file.write(f"[ID]\n{record.id}\n[PRIMARY]\n{record.sequence}\n[EVOLUTIONARY]\n{rows}\n")
    if record.secondary:
        file.write(f"[SECONDARY]\n{record.secondary}\n")
    file.write(f"[TERTIARY]\n{atoms}\n[MASK]\n{mask}\n\n")


def write_tfrecord(file: IO[bytes], record: Record) -> None:
    """One record as ProteinNet's TFRecord files have it, with 20 numbers a residue in its profile."""
    places = np.nan_to_num(record.backbone.reshape(-1, 3) * PICOMETRES).astype(np.float32)
    lists = {
        "primary": [np.array([ALPHABET.index(letter)]) for letter in record.sequence],
        "evolutionary": list(record.profile[:20].T.astype(np.float32)),
        "tertiary": list(places),
        "mask": [np.array([float(seen)], np.float32) for seen in record.seen],
    }
    write_record(file, write_example({"id": [record.id.encode()]}, lists))
