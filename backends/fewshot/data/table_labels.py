"""The class of each picture as a table gives it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from backends.fewshot.data.image_collection import ImageFile
from backends.fewshot.data.label_tables import read_rows
from backends.fewshot.data.parts import OTHER_PART, TRAINING_PART, kept_back, left_out

TRUE_CELLS, FALSE_CELLS = frozenset({"1", "1.0", "true", "yes", "x"}), frozenset({"0", "0.0", "false", "no", ""})
MIN_ONE_HOT_COLUMNS = 2
PART_TITLES = frozenset({"split", "set", "subset", "partition", "part", "fold", "usage"})
_ENDING = re.compile(r"\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|avif|hei[cf])$")
LABEL_TITLES = frozenset(
    {"label", "choice", "labels", "class", "classes", "category", "species", "breed", "target", "tag"}
)


@dataclass(frozen=True)
class TableLabels:
    """What a table says: the class of images, how many have none or several, and how many are not to train with."""

    labels: Mapping[ImageFile, str] = field(default_factory=dict)
    doubtful: int = 0
    kept_back: int = 0

    def sentences(self, table: ImageFile) -> tuple[str, ...]:
        said = f"The class of each picture was read from “{table.name}”."
        unclear = left_out(self.doubtful, "of no class or several in it")
        return (said, *filter(None, [kept_back(self.kept_back)]), *unclear)


def labels_from_table(table: ImageFile, items: Sequence[ImageFile]) -> TableLabels:
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
    tails = ["/".join(parts[start:]) for start in range(len(parts))]
    without = [_ENDING.sub("", tail) for tail in tails]  # pictures may have been converted since
    return next((names[tail] for tail in (*tails, *without) if tail in names), None)


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
