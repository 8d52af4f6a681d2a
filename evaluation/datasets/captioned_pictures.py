"""Small pictures with what they are called, from the archive `pictures.zip` that the CLIP starter is trained on.

Some classes of Caltech-101 are held out: pictures of them are never trained on, though the words may have been met.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split, existing

RENAMED = {
    "water lilly": "water lily",
    "binocular": "binoculars",
    "cougar body": "cougar",
    "cougar face": "cougar",
    "crocodile head": "crocodile",
    "flamingo head": "flamingo",
    "a face of a person": "face of a person",
    "bass": "sea bass",
    "rhino": "rhinoceros",
    **{"tshirts": "t-shirt", "shirts": "shirt", "tops": "top", "skirts": "skirt", "dresses": "dress", "socks": "sock"},
    **{
        "sandals": "sandal",
        "backpacks": "backpack",
        "rucksacks": "backpack",
        "watches": "watch",
        "umbrellas": "umbrella",
    },
}
"""Names in the collections that mean a class of another name, or are misspelt."""


@dataclass(frozen=True)
class Entry:
    """One picture: its `file` in the archive, the class it is of, and what the archive says of it."""

    file: str
    label: str
    caption: str
    alt: str

    @property
    def origin(self) -> str:
        """The collection it is from: the first folder of `file`."""
        return self.file.split("/", maxsplit=1)[0]


class CaptionedPictures:
    """The archive. A unit is a picture, its group the class.

    The input `picture` is the encoded file, as bytes; the reference is the name of the class.
    """

    id, title, task, licence = "captioned-pictures", "Caltech, new classes", "fewshot", "Caltech-101: CC BY 4.0"
    splits = ("held-out",)

    def __init__(self, archive: Path) -> None:
        self.archive = archive

    def units(self, split: str = "held-out") -> Iterator[Unit]:
        check_split(self, split)
        entries = read_entries(existing(self.archive, "archive of pictures"))
        classes = set(held_out(entries))
        if not classes:
            raise DatasetMissing(f"No class in {self.archive} is held out.")
        for entry in entries:
            if entry.label in classes:
                yield Unit(entry.file, entry.label, partial(_read, self.archive, entry))


def read_entries(archive: Path) -> list[Entry]:
    """The rows of `captions.csv` (file, caption, alt) in the archive, in their order."""
    with zipfile.ZipFile(archive) as source:
        rows = csv.DictReader(io.StringIO(source.read("captions.csv").decode("utf-8")))
        return [Entry(row["file"], _label(**row), row["caption"], row["alt"]) for row in rows]


def held_out(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The Caltech classes that are never trained on: of those that Tiny ImageNet lacks, every fifth by name."""
    entries = list(entries)
    known = {entry.label for entry in entries if entry.origin == "tiny_imagenet"}
    names = sorted({entry.label for entry in entries if entry.origin == "caltech101"} - known)
    return tuple(names[4::5])


def _label(file: str, caption: str, alt: str) -> str:
    """The class: its caption, but of a catalogue's product the last word of what it is (“women's grey sweaters”)."""
    if file.startswith("catalogue/"):
        name = alt.partition(" ")[2].rsplit(maxsplit=1)[-1]
    else:
        name = caption.removeprefix("children's ") if file.startswith("garments_cc0/") else caption
    return RENAMED.get(name, name)


def _read(archive: Path, entry: Entry) -> Sample:
    with zipfile.ZipFile(archive) as source:
        return Sample({"picture": source.read(entry.file)}, entry.label)
