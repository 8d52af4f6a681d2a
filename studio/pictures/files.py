"""Pictures into a project: hostile files taken in one by one and small pictures made."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from backends.core.errors import BadInput, UserError
from backends.fewshot.data.image_collection import ImageCollection, open_image_collection
from backends.shared import images
from studio.pictures.project import Project
from studio.pictures.schema import Picture, clean_text
from studio.ui import formatting

TYPES = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "avif")
THUMB_SIDE = 192
BATCH = 40
"""Pictures between two times that the project is written down while many come in."""
MAX_LISTED = 6

Named = tuple[str, Callable[[], bytes]]
Tell = Callable[[int, int], object]


def quietly(done: int, total: int) -> None:
    """For whoever need not be told how far it is."""


@dataclass
class Taken:
    """What became of files that came in: how many are new, and what is to be said of the others."""

    added: int = 0
    problems: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def take(project: Project, files: Iterable[Named], class_id: str | None, tell: Tell = quietly) -> Taken:
    """Decode, keep and enter files, as examples of a class, or as questions where `class_id` is None.

    One that cannot be read is named with the reason, and the others go on.
    """
    taken, listed = Taken(), list(files)
    for start in range(0, len(listed), BATCH):
        found: dict[str, Picture] = {}
        for index, (name, read) in enumerate(listed[start : start + BATCH], start):
            tell(index, len(listed))
            try:
                project.room()
                sha, picture = keep(project, name, read(), taken)
            except UserError as error:
                taken.problems.append(f"“{clean_text(name, 80)}”: {error.sentence}")
                continue
            if sha in found or (class_id is not None and sha in project.get_class(class_id).shots):
                taken.notices.append(f"“{picture.name}” is here already and was not added twice.")
            else:
                found[sha] = picture
        if class_id is None:
            project.ask(found)
            taken.added += len(found)
        else:
            already = project.put(class_id, found)
            taken.notices += already
            taken.added += len(found) - len(already)
    return taken


def take_zip(project: Project, path: Path, tell: Tell = quietly) -> Taken:
    """A zip or folder of folders: each folder is a class, made where there is none of its name."""
    with open_image_collection(path) as gallery:
        if not gallery.folders:
            raise BadInput("There are no folders in this file: each class needs one, with its pictures in it.")
        return _take_folders(project, gallery, tell)


def _take_folders(project: Project, gallery: ImageCollection, tell: Tell) -> Taken:
    total, taken = len(gallery.items), Taken()
    loose = sum(not item.folder for item in gallery.items)
    for folder in gallery.folders:
        mine = [item for item in gallery.items if item.folder == folder]
        done = taken.added
        part = take(
            project,
            [(Path(item.name).name, item.read) for item in mine],
            project.class_called(folder).id,
            lambda here, _, done=done: tell(done + here, total),  # type: ignore[misc]
        )
        taken.added += part.added
        taken.problems += part.problems
        taken.notices += part.notices
    if loose:
        taken.notices.append(
            f"{formatting.count(loose, 'picture')} in no folder: left out, as their class is not known."
        )
    taken.notices += [gallery.notice()] if gallery.skipped else []
    return taken


def keep(project: Project, name: str, data: bytes, taken: Taken) -> tuple[str, Picture]:
    """The picture's file and its small one in their places, with its sha256 and what is known of it."""
    cleaned = clean_text(Path(name).name, 200) or "picture"
    sha = hashlib.sha256(data).hexdigest()
    if not (project.thumb(sha).is_file() and project.picture(sha).is_file()):
        read = images.read(data, THUMB_SIDE)
        if read.moving:
            taken.notices.append(f"“{cleaned}” moves: its first picture is taken.")
        write_whole(project.picture(sha), data)
        write_whole(project.thumb(sha), small(read.rgb, THUMB_SIDE))
    return sha, Picture(cleaned, len(data))


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


def told(sentences: list[str]) -> Iterator[str]:
    """The first few, and how many more there are."""
    yield from sentences[:MAX_LISTED]
    if len(sentences) > MAX_LISTED:
        yield f"And {len(sentences) - MAX_LISTED} more of this kind."
