"""Pictures that a run sorted, as data: answers, known labels, corrections by hand, and the pictures themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from backends.fewshot.data.image_collection import ImageFile, open_image_collection, unique_names
from backends.shared.spreadsheet import ENCODING, plain_cell
from evaluation.statistics.intervals import Interval, clopper_pearson
from studio import services
from studio.library.library import FileGone, Run
from studio.pictures.schema import normalise_name
from studio.web import filenames
from viz.fewshot.figures import NONE

FIXED = ("file", "class", "probability", "abstained")
NAMES = {"file": str, "class": str}
CORRECTIONS = "corrections"
"""Kind and name of the file that keeps what was put right by hand."""


def table(run: Run) -> pd.DataFrame | None:
    """The answers as the server wrote them; names stay names, also those that look like numbers."""
    try:
        found = pd.read_csv(
            services.library().only(run.id, "predictions"), keep_default_na=False, dtype=NAMES, encoding=ENCODING
        )
    except FileGone:
        return None
    found.columns = [plain_cell(name) for name in found.columns]
    for column in NAMES:
        found[column] = found[column].map(plain_cell)
    return found


@dataclass(frozen=True)
class SortedPicture:
    """One picture of a sorted run.

    Attributes:
        name: its path in the zip.
        answer: the class that the classifier named, or “none of these”.
        share: how probable its best class is.
        correction: what somebody says it is; "" where nobody did.
        truth: the class that its folder names; "" where that is none.
        taught: whether the same file is one of the examples.
    """

    name: str
    answer: str
    share: float
    correction: str = ""
    truth: str = ""
    taught: bool = False

    @property
    def label(self) -> str:
        """What it counts as now."""
        return self.correction or self.answer


def classes_of(found: pd.DataFrame) -> list[str]:
    """The classes in the order of the project."""
    return [name.removesuffix(" (class)") for name in found.columns if name not in FIXED]


def sorted_pictures(run: Run, found: pd.DataFrame) -> list[SortedPicture]:
    """Every picture of the run, in the order of the table."""
    classes, corrected, taught = classes_of(found), corrections(run), _names_of_examples(run)
    known = {normalise_name(name): name for name in classes}
    pictures = []
    for name, best, share, abstained in found[list(FIXED)].itertuples(index=False):
        folders = PurePosixPath(name).parts[:-1]
        truth = next((known[normalise_name(part)] for part in folders if normalise_name(part) in known), "")
        answer = NONE if abstained == "yes" else best
        pictures.append(SortedPicture(name, answer, float(share), corrected.get(name, ""), truth, name in taught))
    return pictures


def corrections(run: Run) -> dict[str, str]:
    """What was put right by hand: the class of a picture by its name."""
    try:
        return json.loads(services.library().only(run.id, CORRECTIONS).read_text("utf-8"))
    except FileGone:
        return {}


def correct(run: Run, names: Sequence[str], label: str, answers: Mapping[str, str]) -> None:
    """Say what pictures are; a label that the classifier gave anyway is no correction. "" takes one back."""
    known = corrections(run)
    for name in names:
        known.pop(name, None)
        if label and answers[name] != label:
            known[name] = label
    data = json.dumps(known, ensure_ascii=False).encode("utf-8")
    services.library().keep(run.id, CORRECTIONS, CORRECTIONS, data, file="corrections.json")


def _names_of_examples(run: Run) -> set[str]:
    """Names of pictures that are examples of the classifier, to the byte."""
    with suppress(FileGone), np.load(services.library().only(run.id, "features"), allow_pickle=False) as stored:
        if "support_sha256" in stored:
            examples = set(stored["support_sha256"].tolist())
            pairs = zip(stored["names"].tolist(), stored["sha256"].tolist(), strict=True)
            return {str(name) for name, sha in pairs if sha in examples}
    return set()


@contextmanager
def files_of(run: Run) -> Iterator[Mapping[str, ImageFile]]:
    """The picture files of the run by name, to be read while it is open. Raises FileGone, BadInput."""
    with open_image_collection(services.library().only(run.id, "input", "input")) as collection:
        yield {item.name: item for item in collection.items}


def folder_names(pictures: Sequence[SortedPicture]) -> list[str]:
    """Where each picture goes when they are fetched as folders: `leaf/walk/one.jpg`, without the folder of a label."""
    paths = []
    for picture in pictures:
        parts = list(PurePosixPath(picture.name).parts)
        if len(parts) > 1 and normalise_name(parts[0]) == normalise_name(picture.truth):
            parts = parts[1:]
        paths.append("/".join([filenames.clean(picture.label) or "class", *parts]))
    return unique_names(paths)


@dataclass(frozen=True)
class ClassResult:
    """How one class of a labelled test set fared."""

    name: str
    right: int
    count: int
    rate: Interval
    mistaken: tuple[tuple[str, int], ...]
    """What its pictures were taken for, the most frequent first."""


def measured(pictures: Sequence[SortedPicture], classes: Sequence[str]) -> list[ClassResult]:
    """The classes that have labelled pictures which are no examples; what was put right by hand does not count."""
    results = []
    for name in classes:
        mine = [one for one in pictures if one.truth == name and not one.taught]
        if not mine:
            continue
        right = sum(one.answer == name for one in mine)
        wrong = pd.Series([one.answer for one in mine if one.answer != name], dtype=str).value_counts()
        mistaken = tuple((str(answer), int(count)) for answer, count in wrong.items())
        results.append(ClassResult(name, right, len(mine), clopper_pearson(right, len(mine)), mistaken))
    return results
