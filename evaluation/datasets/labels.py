"""What units are like, besides the group that they belong to: the genre of a song, its voice, the year of a target.

A data set may know some itself (`labels()`); anybody adds more as `labels.csv` in its folder: a column `unit`, and one
for each kind of label. Labels sort units and make none dependent on another: intervals still resample whole groups.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from backends.core.errors import BadInput
from evaluation.datasets.base import Dataset

FILE, UNIT = "labels.csv", "unit"
MAX_BYTES, MAX_KINDS = 20_000_000, 40

Labels = Mapping[str, Mapping[str, str]]
"""By kind, such as “genre”, the label of each unit that has one."""


def labels_of(dataset: Dataset, folder: Path | None, units: Iterable[str]) -> Labels:
    """The labels of these units. Raises BadInput where `labels.csv` is damaged."""
    known: dict[str, Mapping[str, str]] = dict(getattr(dataset, "labels", dict)())
    if folder is not None and (folder / FILE).is_file():
        known |= read(folder / FILE)
    wanted = set(units)
    found = {kind: {unit: label for unit, label in of.items() if unit in wanted} for kind, of in known.items()}
    return {kind: of for kind, of in found.items() if of}


def read(path: Path) -> Labels:
    """The labels in a table. Raises BadInput."""
    if path.stat().st_size > MAX_BYTES:
        raise BadInput(f"{path.name} is too large for a table of labels.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path.name} cannot be read as a table.") from error
    kinds = [kind for kind in (rows[0] if rows else {}) if kind]
    if UNIT not in kinds or not 2 <= len(kinds) <= MAX_KINDS:
        raise BadInput(f"{path.name} needs a column “{UNIT}” and one or more columns of labels, such as “genre”.")
    kinds.remove(UNIT)
    return {kind: {row[UNIT]: row[kind].strip() for row in rows if (row[kind] or "").strip()} for kind in kinds}
