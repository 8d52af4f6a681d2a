"""Which class each example belongs to: by its folder, by the parts of a data set, or by a table of labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from backends.core.errors import BadInput
from backends.fewshot.data.image_collection import ImageCollection, ImageFile
from backends.fewshot.data.label_tables import read_rows

TRAINING_PART = re.compile(r"train(ing)?[-_ ]?(set|images|\d*)", re.IGNORECASE)
OTHER_PART = re.compile(
    r"(valid(ation)?|val|dev|test(ing|s)?|eval(uation)?|holdout|fold)[-_ ]?(set|images|\d*)", re.IGNORECASE
)
"""What the parts of data sets are called, as in train/ and val/, or train2017/."""

CONTAINERS = frozenset({"images", "image", "imgs", "img", "pictures", "photos", "jpegimages", "data", "labels"})
"""What a folder is called that says nothing of what its pictures show."""

TRUE_CELLS, FALSE_CELLS = frozenset({"1", "1.0", "true", "yes", "x"}), frozenset({"0", "0.0", "false", "no", ""})
MIN_ONE_HOT_COLUMNS = 2
PART_TITLES = frozenset({"split", "set", "subset", "partition", "part", "fold", "usage"})
LABEL_TITLES = frozenset({"label", "labels", "class", "classes", "category", "species", "breed", "target", "tag"})
MIN_COVERAGE = 0.5
"""Fraction of the pictures that a table has to name before it is believed and not the folders."""


@dataclass(frozen=True)
class LabelledImages:
    """The images whose class is known, with its name as written, and sentences about what was understood.

    `table` is the name of the file that the classes were read from, "" where they are those of the folders.
    """

    labels: Mapping[ImageFile, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    table: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names in alphabetical order."""
        return tuple(sorted(set(self.labels.values()), key=str.casefold))


def label_images(collection: ImageCollection) -> LabelledImages:
    """The class of each image of a collection.

    A table of labels that names most of the images decides, that of the examples to train with before others; then the
    parts of a data set, such as `train/cat/1.jpg` or `cat/train/1.jpg`, of which only those to train with are
    examples; then the first folder.

    Raises:
        BadInput: the first folders are parts of a data set and hold no class folders.
    """
    training = [table for table in collection.tables if _is_training(table)]
    others = [table for table in collection.tables if _part_of(table) == OTHER_PART]
    for table in [*training, *[table for table in collection.tables if table not in training]]:
        found = _labels_from_table(table, collection.items)
        known = len(found.labels) + found.kept_back
        enough = known >= MIN_COVERAGE * len(collection.items) or not collection.folders
        if len(set(found.labels.values())) > 1 and (enough or (table in training and others)):
            rest = len(collection.items) - known - found.doubtful
            return LabelledImages(
                found.labels, (*found.sentences(table), *_left_out(rest, "not named in it")), table.name
            )
    if _are_parts(collection.folders):
        return _labels_from_parts(collection)
    if inner := _labels_with_inner_parts(collection):
        return inner
    labels = {item: item.folder for item in collection.items if item.folder}
    _require_classes(set(labels.values()))
    loose = len(collection.items) - len(labels)
    return LabelledImages(labels, _left_out(loose, "in no folder"))


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
    if not wanted or not all(TRAINING_PART.fullmatch(part) or OTHER_PART.fullmatch(part) for part in inner.values()):
        return None
    return LabelledImages(wanted, tuple(filter(None, [_kept_back(len(inner) - len(wanted))])))


def _kept_back(count: int) -> str:
    pictures = "1 picture of the other parts was" if count == 1 else f"{count} pictures of the other parts were"
    return f"The {pictures} left out, to be asked about." if count else ""


def _require_classes(names: Collection[str]) -> None:
    """Raises BadInput where the only folder is there to hold the pictures, and names no class."""
    if len(names) == 1 and (name := next(iter(names))).casefold() in CONTAINERS:
        raise BadInput(
            f"All pictures lie in one folder called “{name}”, which names no class: put those of each class into a "
            "folder of its own, or bring a table (CSV) that names the class of each."
        )


def _left_out(count: int, where: str) -> tuple[str, ...]:
    if not count:
        return ()
    pictures = "1 picture" if count == 1 else f"{count} pictures"
    return (f"{pictures} {where}: left out, as nobody can tell of which class.",)


def _are_parts(folders: Sequence[str]) -> bool:
    """Whether all first folders are called like the parts of a data set, and not like classes."""
    return bool(folders) and all(TRAINING_PART.fullmatch(name) or OTHER_PART.fullmatch(name) for name in folders)


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
    sentence = " ".join(filter(None, (said, _kept_back(others))))
    return LabelledImages(deep, (sentence, *_left_out(len(wanted) - len(deep), "in no class folder")))


@dataclass(frozen=True)
class TableLabels:
    """What a table says: the class of images, how many have none or several, and how many are not to train with."""

    labels: Mapping[ImageFile, str] = field(default_factory=dict)
    doubtful: int = 0
    kept_back: int = 0

    def sentences(self, table: ImageFile) -> tuple[str, ...]:
        said = f"The class of each picture was read from “{table.name}”."
        unclear = _left_out(self.doubtful, "of no class or several in it")
        return (said, *filter(None, [_kept_back(self.kept_back)]), *unclear)


def _labels_from_table(table: ImageFile, items: Sequence[ImageFile]) -> TableLabels:
    """The labels that a table gives to images; none where it is no such table."""
    rows = read_rows(table)
    folder = PurePosixPath(table.name).parent.name
    names = _names([item for item in items if folder and item.folder == folder] or items)
    width = max((len(row) for row in rows), default=0)
    if width < 2:
        return TableLabels()
    files = [[_named(cell, names) for cell in row] for row in rows]
    known = [sum(len(row) > place and row[place] is not None for row in files) for place in range(width)]
    file_column = known.index(max(known))
    label_of = _label_reader(rows, file_column, width)
    if not known[file_column] or label_of is None:
        return TableLabels()
    wanted = _is_wanted(rows)
    labels: dict[ImageFile, set[str]] = {}
    others: set[ImageFile] = set()
    for row, found in zip(rows, files, strict=True):
        if len(row) > file_column and (item := found[file_column]) is not None:
            if wanted(row):
                labels.setdefault(item, set()).update(label for label in label_of(row) if not _is_blank(label))
            else:
                others.add(item)
    single = _without_lists({item: next(iter(given)) for item, given in labels.items() if len(given) == 1})
    return TableLabels(single, len(labels) - len(single), len(others - set(labels)))


def _is_blank(label: str) -> bool:
    """Whether a cell says that there is no label, as the tables of some programs have it."""
    return label.casefold() in ("", "nan", "null", "n/a", "#n/a")


def _without_lists(labels: Mapping[ImageFile, str]) -> dict[ImageFile, str]:
    """Without images whose label is a list of labels that others have alone."""
    alone = set(labels.values())

    def is_list(label: str) -> bool:
        parts = [part.strip() for part in re.split(r"[,;|/&+]|\s+", label) if part.strip()]
        return len(parts) > 1 and alone.issuperset(parts)

    return {item: label for item, label in labels.items() if not is_list(label)}


def _is_wanted(rows: Sequence[Sequence[str]]) -> Callable[[Sequence[str]], bool]:
    """Whether the picture of a row is one to train with, where a column tells the parts of a data set."""
    for place, title in enumerate(rows[0]):
        cells = [row[place] for row in rows[1:] if len(row) > place]
        parts = [TRAINING_PART.fullmatch(cell) or OTHER_PART.fullmatch(cell) for cell in cells]
        if title.casefold() in PART_TITLES and parts and all(parts) and any(map(TRAINING_PART.fullmatch, cells)):
            return lambda row: len(row) > place and TRAINING_PART.fullmatch(row[place]) is not None
    return lambda row: True


def _named(cell: str, names: Mapping[str, ImageFile]) -> ImageFile | None:
    """The image that a cell names, with folders of the machine that wrote the table before it or without."""
    parts = cell.casefold().split("/")
    return next((names[tail] for start in range(len(parts)) if (tail := "/".join(parts[start:])) in names), None)


def _label_reader(
    rows: Sequence[Sequence[str]], file_column: int, width: int
) -> Callable[[Sequence[str]], list[str]] | None:
    """Reads the labels of a row: from the column of labels, or from one column a class with a 1 where it applies."""
    column = _label_column(rows, file_column, width)
    if column is not None:
        return lambda row: [row[column]] if len(row) > column and row[column] else []
    places = [place for place in range(width) if place != file_column and _is_one_hot(rows[1:], place)]
    titles = list(rows[0])
    if len(places) < MIN_ONE_HOT_COLUMNS or len(titles) < width or not all(titles[place] for place in places):
        return None
    return lambda row: [titles[place] for place in places if len(row) > place and row[place].casefold() in TRUE_CELLS]


def _is_one_hot(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether a column says yes or no in each row, and yes somewhere."""
    cells = {row[place].casefold() if len(row) > place else "" for row in rows}
    return cells <= TRUE_CELLS | FALSE_CELLS and bool(cells & TRUE_CELLS)


def _label_column(rows: Sequence[Sequence[str]], file_column: int, width: int) -> int | None:
    """The column that is called like labels, or the only other one."""
    titled = [place for place, title in enumerate(rows[0]) if title.casefold() in LABEL_TITLES]
    if titled and titled[0] != file_column:
        return titled[0]
    return 1 - file_column if width == 2 else None


def _names(items: Iterable[ImageFile]) -> dict[str, ImageFile]:
    """Images by every way a table may name them: path, path without folders before it, each without its ending."""
    found: dict[str, ImageFile] = {}
    count: Counter[str] = Counter()
    for item in items:
        path = PurePosixPath(item.name.casefold())
        tails = {str(PurePosixPath(*path.parts[start:])) for start in range(len(path.parts))}
        for name in tails | {str(PurePosixPath(tail).with_suffix("")) for tail in tails}:
            count[name] += 1
            found[name] = item
    return {name: item for name, item in found.items() if count[name] == 1}
