"""Say what of a data set lies in a folder: what is there, what is missing, what is damaged."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from backends.core.errors import BadInput, UserError
from evaluation.datasets.base import Dataset, DatasetMissing
from evaluation.datasets.registry import ENTRIES, open_dataset

MAX_LISTED = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help=", ".join(ENTRIES))
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="where it lies")
    parser.add_argument(
        "--read", type=int, default=50, metavar="N", help="units of each split to read; 50 if not given"
    )


def run(chosen: argparse.Namespace) -> int:
    dataset = open_dataset(chosen.dataset, chosen.folder)
    there = False
    for kind, sentence in inspect(dataset, chosen.read):
        there |= kind == "there"
        sys.stdout.write(f"{kind:8} {sentence}\n")
    if not there:
        raise BadInput(f"There is nothing of {dataset.title} to measure here.")
    return 0


def inspect(dataset: Dataset, most: int) -> Iterator[tuple[str, str]]:
    """“there”, “missing” or “damaged”, with a sentence each.

    Args:
        dataset: opened.
        most: of each split so many units are read whole.
    """
    lacking: list[str] = []
    for split in dataset.splits:
        try:
            units = list(dataset.units(split))
        except DatasetMissing as error:
            lacking.append(str(error))
            continue
        except UserError as error:
            yield "damaged", error.sentence
            continue
        groups = len({unit.group for unit in units})
        within = f" in {groups} groups" if groups < len(units) else ""
        yield "there", f"{len(units)} units{within} in “{split}” ({dataset.licence})."
        for unit in islice(units, most):
            try:
                unit.load()
            except UserError as error:
                yield "damaged", f"{unit.id}: {error.sentence}"
            for note in unit.notes:
                yield "note", f"{unit.id}: {note}"
        if len(units) > most:
            yield "note", f"{len(units) - most} further units were not opened; --read {len(units)} opens all."
    whole = dataset.splits[0] == "all" and len(lacking) < len(dataset.splits)  # what has no parts lacks none
    yield from (("missing", sentence) for sentence in lacking if not whole)
    problems = getattr(dataset, "problems", None)
    if problems is not None:
        try:
            found = list(islice(problems(), MAX_LISTED + 1))
        except (DatasetMissing, UserError) as error:
            yield "missing", str(error)
            return
        yield from (("missing", sentence) for sentence in found[:MAX_LISTED])
        if len(found) > MAX_LISTED:
            yield "missing", "… and more of the same kind."
