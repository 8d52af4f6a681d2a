"""Which class each example belongs to: by its folder, by the parts of a data set, or by a table of labels."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from backends.core.errors import BadInput
from backends.fewshot.data.image_collection import ImageCollection, ImageFile

TRAINING_PARTS = frozenset({"train", "training"})
OTHER_PARTS = frozenset(
    {"valid", "validation", "val", "dev", "test", "testing", "tests", "eval", "evaluation", "holdout"}
)
LABEL_TITLES = frozenset({"label", "labels", "class", "classes", "category", "species", "breed", "target", "tag"})
MAX_TABLE_BYTES = 8 << 20
MIN_COVERAGE = 0.5
"""Fraction of the pictures that a table has to name before it is believed and not the folders."""


@dataclass(frozen=True)
class LabelledImages:
    """The images whose class is known, with its name as written, and sentences about what was understood."""

    labels: Mapping[ImageFile, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names in alphabetical order."""
        return tuple(sorted(set(self.labels.values()), key=str.casefold))


def label_images(collection: ImageCollection) -> LabelledImages:
    """The class of each image of a collection.

    A table of labels that names most of the images decides; then the parts of a data set, such as `train/cat/1.jpg`,
    of which only those to train with are examples; then the first folder.

    Raises:
        BadInput: the first folders are parts of a data set and hold no class folders.
    """
    for table in collection.tables:
        labels = _labels_from_table(table, collection.items)
        enough = len(labels) >= MIN_COVERAGE * len(collection.items) or not collection.folders
        if len(set(labels.values())) > 1 and enough:
            said = f"The class of each picture was read from “{table.name}”."
            unnamed = len(collection.items) - len(labels)
            return LabelledImages(labels, (said, *_left_out(unnamed, "not named in it")))
    if _are_parts(collection.folders):
        return _labels_from_parts(collection)
    labels = {item: item.folder for item in collection.items if item.folder}
    loose = len(collection.items) - len(labels)
    return LabelledImages(labels, _left_out(loose, "in no folder"))


def _left_out(count: int, where: str) -> tuple[str, ...]:
    if not count:
        return ()
    pictures = "1 picture" if count == 1 else f"{count} pictures"
    return (f"{pictures} {where}: left out, as nobody can tell of which class.",)


def _are_parts(folders: Sequence[str]) -> bool:
    """Whether all first folders are called like the parts of a data set, and not like classes."""
    return bool(folders) and all(name.casefold() in TRAINING_PARTS | OTHER_PARTS for name in folders)


def _labels_from_parts(collection: ImageCollection) -> LabelledImages:
    """The images below `train/`, each with the folder in it as its class."""
    parts = ", ".join(f"“{name}”" for name in collection.folders)
    wanted = [item for item in collection.items if item.folder.casefold() in TRAINING_PARTS]
    deep = {item: item.name.split("/")[1] for item in wanted if item.name.count("/") >= 2}
    if not deep:
        raise BadInput(
            f"The folders {parts} look like the parts of a data set and not like classes: give the folder of one "
            "part, with one folder of pictures a class in it."
        )
    others = sum(item.folder.casefold() in OTHER_PARTS for item in collection.items)
    said = f"{parts}: these are the parts of a data set, so the classes are the folders in “{wanted[0].folder}”."
    kept_back = f" The {others} pictures of the other parts were left out, to be asked about." if others else ""
    return LabelledImages(deep, (said + kept_back, *_left_out(len(wanted) - len(deep), "in no class folder")))


def _labels_from_table(table: ImageFile, items: Sequence[ImageFile]) -> dict[ImageFile, str]:
    """The labels that a table gives to images; empty where it is no such table."""
    rows = _rows(table)
    names = _names(items)
    width = max((len(row) for row in rows), default=0)
    if width < 2:
        return {}
    known = [sum(len(row) > place and row[place] in names for row in rows) for place in range(width)]
    file_column = known.index(max(known))
    label_column = _label_column(rows, file_column, width)
    if not known[file_column] or label_column is None:
        return {}
    return {
        names[row[file_column]]: row[label_column]
        for row in rows
        if len(row) > max(file_column, label_column) and row[file_column] in names and row[label_column]
    }


def _label_column(rows: Sequence[Sequence[str]], file_column: int, width: int) -> int | None:
    """The column that is called like labels, or the only other one."""
    titled = [place for place, title in enumerate(rows[0]) if title.casefold() in LABEL_TITLES]
    if titled and titled[0] != file_column:
        return titled[0]
    return 1 - file_column if width == 2 else None


def _rows(table: ImageFile) -> list[list[str]]:
    data = table.reader(MAX_TABLE_BYTES + 1)
    if len(data) > MAX_TABLE_BYTES:
        return []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=separator)]
    except csv.Error:
        return []
    return [[cell.replace("\\", "/").removeprefix("./") for cell in row] for row in rows if any(row)]


def _names(items: Iterable[ImageFile]) -> dict[str, ImageFile]:
    """Images by every way a table may name them: path, path without folders before it, each without its ending."""
    found: dict[str, ImageFile] = {}
    count: Counter[str] = Counter()
    for item in items:
        path = PurePosixPath(item.name)
        tails = {str(PurePosixPath(*path.parts[start:])) for start in range(len(path.parts))}
        for name in tails | {str(PurePosixPath(tail).with_suffix("")) for tail in tails}:
            count[name] += 1
            found[name] = item
    return {name: item for name, item in found.items() if count[name] == 1}
