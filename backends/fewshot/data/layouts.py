"""Which class each example belongs to: by folder, part of a data set, table, or a file beside each picture."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from backends.core.errors import BadInput
from backends.fewshot.data.annotations import read_annotations
from backends.fewshot.data.companions import CONTAINERS, companions, companions_notice
from backends.fewshot.data.image_collection import ImageCollection, ImageFile
from backends.fewshot.data.parts import OTHER_PART, TRAINING_PART, kept_back, left_out
from backends.fewshot.data.table_labels import labels_from_table

SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
MIN_COVERAGE = 0.5
"""Fraction of the pictures that a table has to name before it is believed and not the folders."""


@dataclass(frozen=True)
class LabelledImages:
    """The images whose class is known, with its name as written, and sentences about what was understood.

    `read` names the files that the classes were read from, none where they are those of the folders.
    """

    labels: Mapping[ImageFile, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    read: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names in alphabetical order."""
        return tuple(sorted(set(self.labels.values()), key=str.casefold))


def label_images(collection: ImageCollection) -> LabelledImages:
    """The class of each image of a collection.

    Masks and previews of other images are no examples. A table of labels that names most of the images decides, that of
    the examples to train with before others; then files beside the images that name what is in them; then the
    parts of a data set, such as `train/cat/1.jpg` or `cat/train/1.jpg`, of which only those to train with are
    examples; then the first folder.

    Raises:
        BadInput: the first folders are parts of a data set and hold no class folders.
    """
    beside = companions(collection.items)
    if beside:
        collection = replace(collection, items=tuple(item for item in collection.items if item not in beside))
    found = _labels_of(collection)
    return replace(found, notices=(*found.notices, *filter(None, [companions_notice(beside)])))


def _labels_of(collection: ImageCollection) -> LabelledImages:
    if found := _labels_from_tables(collection):
        return found
    if not _folders_name_classes(collection.items) and (found := _labels_from_annotations(collection)):
        return found
    if _are_parts(collection.folders):
        return _labels_from_parts(collection)
    if inner := _labels_with_inner_parts(collection):
        return inner
    labels = {item: name for item in collection.items if (name := _class_folder(item, collection.folders))}
    _refuse_other_tables(collection, set(labels.values()))
    _require_classes(set(labels.values()))
    loose = len(collection.items) - len(labels)
    return LabelledImages(labels, left_out(loose, "in no folder"))


def _folders_name_classes(items: Sequence[ImageFile]) -> bool:
    """Whether there are two folders that are neither parts of a data set nor only there to hold pictures."""
    names = set()
    for item in items:
        folders = item.name.split("/")[:-1]
        meaning = (name for name in folders if not _is_part(name) and name.casefold() not in CONTAINERS)
        names.add(next(meaning, ""))
    return len(names - {""}) > 1


def _is_part(name: str) -> bool:
    return TRAINING_PART.fullmatch(name) is not None or OTHER_PART.fullmatch(name) is not None


def _class_folder(item: ImageFile, folders: Sequence[str]) -> str:
    """The first folder that can be a class: not one that holds all the others and says nothing."""
    if len(folders) == 1 and folders[0].casefold() in CONTAINERS and item.name.count("/") > 1:
        return item.name.split("/")[1]
    return item.folder


def _labels_from_tables(collection: ImageCollection) -> LabelledImages | None:
    """The classes that the best table gives, None where there is none that names enough of the images."""
    training = [table for table in collection.tables if _is_training(table)]
    others = [table for table in collection.tables if _part_of(table) == OTHER_PART]
    for table in [*training, *[table for table in collection.tables if table not in training]]:
        found = labels_from_table(table, collection.items)
        known = len(found.labels) + found.kept_back
        enough = known >= MIN_COVERAGE * len(collection.items) or not collection.folders
        if len(set(found.labels.values())) > 1 and (enough or (table in training and others)):
            rest = len(collection.items) - known - found.doubtful
            sentences = (*found.sentences(table), *left_out(rest, "not named in it"))
            return LabelledImages(found.labels, sentences, (table.name,))
    return None


def _labels_from_annotations(collection: ImageCollection) -> LabelledImages | None:
    """The classes of the things that files beside the images name, None where these name too few of them."""
    wanted = [item for item in collection.items if TRAINING_PART.fullmatch(item.folder)] or list(collection.items)
    found = read_annotations(collection.notes, wanted)
    labels = {item: next(iter(names)) for item, names in found.labels.items() if len(names) == 1}
    if len(found.labels) < MIN_COVERAGE * len(wanted) or len(set(labels.values())) < 2:
        return None
    said = f"The class of each picture was read from the file beside it ({found.kind}), which names what is in it."
    unclear = left_out(len(wanted) - len(labels), "with things of no class or several")
    others = kept_back(len(collection.items) - len(wanted))
    return LabelledImages(labels, (said, *filter(None, [others]), *unclear), found.read)


def _refuse_other_tables(collection: ImageCollection, names: Collection[str]) -> None:
    """Raises BadInput where the classes can only stand in a table, and that could not be read."""
    if names and not (len(names) == 1 and next(iter(names)).casefold() in CONTAINERS):
        return
    if sheet := next((name for name in collection.skipped if name.lower().endswith(SPREADSHEETS)), ""):
        raise BadInput(
            f"“{sheet}” is a spreadsheet, which is not read: save it as CSV in the program that made it, and pack "
            "that with the pictures."
        )
    tables = [table.name for table in collection.tables if not table.name.lower().endswith(".txt")]  # a read-me
    if tables:
        raise BadInput(
            f"“{tables[0]}” does not tell the classes of these pictures in a way that is understood "
            "here: bring a table (CSV) with the columns “file” and “label”, or folders, one a class."
        )


def _part_of(table: ImageFile) -> re.Pattern[str] | None:
    """Which part of a data set a table is of, by its name or that of its folder."""
    path = PurePosixPath(table.name)
    for name in (path.stem, path.parent.name):
        for part in (TRAINING_PART, OTHER_PART):
            if part.fullmatch(re.sub(r"[-_ ]?(labels?|annotations?|classes|data)$", "", name, flags=re.IGNORECASE)):
                return part
    return None


def _is_training(table: ImageFile) -> bool:
    return _part_of(table) == TRAINING_PART


def _labels_with_inner_parts(collection: ImageCollection) -> LabelledImages | None:
    """The images of `cat/train/`, where every class folder holds the parts of the data set."""
    inner = {item: item.name.split("/")[1] if item.name.count("/") > 1 else "" for item in collection.items}
    wanted = {item: item.folder for item, part in inner.items() if TRAINING_PART.fullmatch(part)}
    if not wanted or not all(map(_is_part, inner.values())):
        return None
    return LabelledImages(wanted, tuple(filter(None, [kept_back(len(inner) - len(wanted))])))


def _require_classes(names: Collection[str]) -> None:
    """Raises BadInput where the only folder is there to hold the pictures, and names no class."""
    if len(names) == 1 and (name := next(iter(names))).casefold() in CONTAINERS:
        raise BadInput(
            f"All pictures lie in one folder called “{name}”, which names no class: put those of each class into a "
            "folder of its own, or bring a table (CSV) that names the class of each."
        )


def _are_parts(folders: Sequence[str]) -> bool:
    """Whether all first folders are called like the parts of a data set, and not like classes."""
    return bool(folders) and all(map(_is_part, folders))


def _labels_from_parts(collection: ImageCollection) -> LabelledImages:
    """The images below `train/`, each with the folder in it as its class."""
    parts = ", ".join(f"“{name}”" for name in collection.folders)
    wanted = [item for item in collection.items if TRAINING_PART.fullmatch(item.folder)]
    deep = {item: item.name.split("/")[1] for item in wanted if item.name.count("/") >= 2}
    if not deep:
        raise BadInput(
            f"The folders {parts} look like the parts of a data set and not like classes: give the folder of one "
            "part, with one folder of pictures a class in it."
        )
    _require_classes(set(deep.values()))
    others = sum(OTHER_PART.fullmatch(item.folder) is not None for item in collection.items)
    said = f"{parts}: these are the parts of a data set, so the classes are the folders in “{wanted[0].folder}”."
    sentence = " ".join(filter(None, (said, kept_back(others))))
    return LabelledImages(deep, (sentence, *left_out(len(wanted) - len(deep), "in no class folder")))
