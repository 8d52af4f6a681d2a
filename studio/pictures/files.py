"""Pictures into a project: hostile files imported one by one and small pictures made."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from backends.core.errors import BadInput, UserError
from backends.fewshot.data.image_collection import ImageFile, open_image_collection, plain_name
from backends.fewshot.data.layouts import label_images
from backends.fewshot.data.remarks import remark
from backends.shared import images
from studio.pictures.project import Project
from studio.pictures.schema import Picture, clean_text, natural_key
from studio.ui import formatting

THUMB_SIDE = 192
MAX_FILE_NAME = 200
BATCH = 40
"""Pictures between two times that the project is written down while many come in."""
MAX_LISTED = 6

NamedFile = tuple[str, Callable[[], bytes]]
OnProgress = Callable[[int, int], object]


def ignore_progress(done: int, total: int) -> None:
    """For whoever need not be told how far it is."""


@dataclass
class ImportReport:
    """What became of files that came in: how many are new, and what is to be said of the others."""

    added: int = 0
    problems: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def merge(self, other: ImportReport) -> None:
        """Add what another import reported."""
        self.added += other.added
        self.problems += other.problems
        self.notices += other.notices


def import_files(
    project: Project, files: Iterable[NamedFile], class_id: str | None, on_progress: OnProgress = ignore_progress
) -> ImportReport:
    """Decode files and add them, as examples of a class, or as questions where `class_id` is None.

    One that cannot be read is named with the reason, and the others go on. If the import ends early, because the page
    was reloaded or a fault happened, what was read so far is added and `project.interruption` says what is missing.
    """
    report, listed = ImportReport(), list(files)
    done = False
    try:
        for start in range(0, len(listed), BATCH):
            tell = lambda index, start=start: on_progress(start + index, len(listed))  # noqa: E731
            _import_batch(project, listed[start : start + BATCH], class_id, report, tell)
        done = True
    finally:
        if not done and len(listed) > 1:
            project.interruption = (
                f"Not all pictures came in: {report.added} of {len(listed)} were added before the page was reloaded "
                "or closed. Choose the same files again: those that are here are not added twice."
            )
    return report


def _import_batch(
    project: Project,
    files: Sequence[NamedFile],
    class_id: str | None,
    report: ImportReport,
    on_progress: Callable[[int], object],
) -> None:
    """Import a few files and write the project down once; also if it ends early."""
    new: dict[str, Picture] = {}
    mine = next((set(each.shots) for each in project.state.classes if each.id == class_id), set())
    try:
        for index, (name, read) in enumerate(files):
            on_progress(index)
            try:
                project.check_capacity()
                sha, picture = store_picture(project, name, read(), report)
            except UserError as error:
                report.problems.append(f"“{_display_name(name)}”: {error.sentence}")
                continue
            if sha in new or sha in mine:
                report.notices.append(f"“{picture.name}” is here already and was not added twice.")
            else:
                new[sha] = picture
    finally:
        _enter(project, new, class_id, report)


def _enter(project: Project, new: dict[str, Picture], class_id: str | None, report: ImportReport) -> None:
    """Enter pictures whose files are in place; those of a class that is gone are named."""
    if not new:
        return
    try:
        already = [] if class_id is None else project.add_examples(class_id, new)
    except BadInput as error:
        names = ", ".join(f"“{picture.name}”" for picture in list(new.values())[:3])
        more = f" and {len(new) - 3} more" if len(new) > 3 else ""
        report.problems.append(f"{names}{more} could not be added. {error.sentence}")
        return
    if class_id is None:
        project.add_questions(new)
    report.notices += already
    report.added += len(new) - len(already)


def import_folders(project: Project, path: Path, on_progress: OnProgress = ignore_progress) -> ImportReport:
    """A zip or folder that says the class of each picture, by folders or by a table; classes are made as needed."""
    with open_image_collection(path) as collection:
        labelled = label_images(collection)
        if not labelled.labels:
            raise BadInput("There are no folders in this file: each class needs one, with its pictures in it.")
        report = ImportReport()
        for name in sorted(labelled.classes, key=natural_key):
            mine = [item for item, label in labelled.labels.items() if label == name]
            done = report.added
            try:
                class_id = project.class_called(name).id
            except UserError as error:
                report.problems.append(f"{formatting.count(len(mine), 'picture')} left out. {error.sentence}")
                continue
            report.merge(
                import_files(
                    project,
                    [(_name_in_class(item, name), item.read) for item in mine],
                    class_id,
                    lambda here, _, done=done: on_progress(done + here, len(labelled.labels)),  # type: ignore[misc]
                )
            )
        report.notices += labelled.notices
        report.notices += filter(None, [collection.notice(labelled.read)])
        return report


def import_zip(
    project: Project, path: Path, class_id: str | None, on_progress: OnProgress = ignore_progress
) -> ImportReport:
    """All pictures of a zip as examples of one class, or as questions.

    Raises:
        BadInput: it has several folders, which look like several classes.
    """
    with open_image_collection(path) as collection:
        if class_id is not None and len(collection.folders) > 1:
            folders = ", ".join(f"“{clean_text(name, 40)}”" for name in collection.folders[:3])
            more = f" and {len(collection.folders) - 3} more" if len(collection.folders) > 3 else ""
            raise BadInput(
                f"This zip holds several folders ({folders}{more}), and this is one class, so nothing was added. If "
                "each folder is a class, use “Folders at once”; otherwise pack the pictures without folders."
            )
        files = [(item.name, item.read) for item in collection.items]
        report = import_files(project, files, class_id, on_progress)
        report.notices += filter(None, [collection.notice()])
        return report


def _name_in_class(item: ImageFile, folder: str) -> str:
    """The path of an example below the folder of its class."""
    before, found, after = f"/{item.name}".partition(f"/{folder}/")
    return after if found else before.lstrip("/")


def store_picture(project: Project, name: str, data: bytes, report: ImportReport) -> tuple[str, Picture]:
    """Write the picture's file and its small one; returns its sha256 and what is known of it. Raises BadInput."""
    shown = _display_name(name)
    sha = hashlib.sha256(data).hexdigest()
    if not (project.thumb(sha).is_file() and project.picture(sha).is_file()):
        picture = images.read(data, THUMB_SIDE)
        if picture.moving:
            report.notices.append(f"“{shown}” moves: its first picture is taken.")
        if odd := remark(picture):
            report.notices.append(f"“{shown}” {odd}")
        write_whole(project.picture(sha), data)
        write_whole(project.thumb(sha), small(picture.rgb, THUMB_SIDE))
    return sha, Picture(shown, len(data))


def _display_name(name: str) -> str:
    """A file's name with the folders that it came in: the last part of it where it is very long."""
    return clean_text(plain_name(name)[-MAX_FILE_NAME:], MAX_FILE_NAME) or "picture"


def small(rgb: Any, side: int) -> bytes:
    """`(H, W, 3)` uint8 as a WebP whose longer side is at most `side`."""
    picture, file = Image.fromarray(rgb), io.BytesIO()
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    picture.save(file, "WEBP", quality=84, method=2)
    return file.getvalue()


def write_whole(path: Path, data: bytes) -> None:
    """Under its name the file is there as a whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.replace(path)


def first_few(sentences: list[str]) -> Iterator[str]:
    """The first few, and how many more there are."""
    yield from sentences[:MAX_LISTED]
    if len(sentences) > MAX_LISTED:
        yield f"And {len(sentences) - MAX_LISTED} more of this kind."
