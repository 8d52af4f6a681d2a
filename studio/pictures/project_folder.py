"""The folder of a picture project: its description on the disk, and whose it is."""

from __future__ import annotations

import json
import time
from pathlib import Path

from backends.core.errors import BadInput
from studio import visitors
from studio.pictures.schema import ProjectState, dump, parse
from studio.web.responses import NotFound

VISITOR = "visitor"
"""In the folder of a project: whose it is."""

MAX_COVERS = 5
"""Pictures of a project in the list of projects, one a class."""


class NoSuchProject(NotFound):
    """The address names no project that is here."""

    code = "unknown_project"

    def __init__(self) -> None:
        super().__init__("There is no such project here: it was deleted, or the address is not complete.")


def visitor_of(folder: Path) -> str:
    """Whose the project in a folder is (`studio.visitors`); "" for one of a studio without a log-in."""
    file = folder / VISITOR
    return file.read_text("utf-8") if file.is_file() else ""


def is_seen(folder: Path) -> bool:
    """Whether the project in a folder is one that whoever asks may see."""
    return visitors.may_see(visitor_of(folder))


def stamp(folder: Path) -> tuple[int, int, int]:
    """What tells one written description from the next. Raises NoSuchProject where there is none any more."""
    try:
        facts = (folder / "project.json").stat()
    except FileNotFoundError as error:
        raise NoSuchProject from error
    return facts.st_mtime_ns, facts.st_ino, facts.st_size


def read(folder: Path) -> ProjectState:
    """The description as it is written. Raises BadInput where it is damaged."""
    try:
        return parse(json.loads((folder / "project.json").read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise BadInput("The description of this project is damaged or cannot be read.") from error


def write(folder: Path, state: ProjectState) -> None:
    """The description, and what a list of projects says; a studio that is killed meanwhile leaves the ones before."""
    shots, classes = len(state.shots), len(state.classes)
    size = sum(one.bytes for one in state.pictures.values())
    about = {
        "name": state.name,
        "classes": classes,
        "pictures": shots,
        "changed": time.time(),
        "bytes": size,
        "shown": [each.shots[0] for each in state.classes if each.shots][:MAX_COVERS],
    }
    for name, values in (("project.json", dump(state)), ("about.json", about)):
        part = folder / f".{name}.part"
        part.write_text(json.dumps(values, ensure_ascii=False), "utf-8")
        part.replace(folder / name)
