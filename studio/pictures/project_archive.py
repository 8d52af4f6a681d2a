"""A picture project as one zip file: saved, opened from anybody, and the zip that goes to a model server."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO

from backends.core.errors import BadInput, TooLarge, UserError
from backends.fewshot.data.image_collection import open_image_collection, unique_names
from backends.shared import images
from studio.jobs.uploads import copy_upload
from studio.pictures.files import ImportReport, OnProgress, ignore_progress, store_picture
from studio.pictures.project import MAX_PICTURES, Project
from studio.pictures.projects import Projects
from studio.pictures.schema import ImageClass, Picture, ProjectState, dump, parse
from studio.web import filenames

DESCRIPTION = "project.json"
MAX_DESCRIPTION_BYTES = 64 * 1024 * 1024
"""Bytes of `project.json` that no honest project reaches."""


def save(project: Project) -> Path:
    """The project as one zip in a temporary file, which the caller removes.

    The examples lie in a folder for each class and every picture has a name with an ending, so that the zip is of use
    without Fourfold too. What was removed and could be undone is not in it.
    """
    with tempfile.NamedTemporaryFile(prefix="fourfold-project-", suffix=".zip", delete=False) as file:
        # Pictures are compressed already; the description is not.
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as bundle:
            state = replace(project.state, removals=[])
            description = json.dumps(dump(state), ensure_ascii=False, indent=1)
            bundle.writestr(DESCRIPTION, description, zipfile.ZIP_DEFLATED)
            for sha, name in file_names(project).items():
                bundle.write(project.picture(sha), name)
        return Path(file.name)


def file_names(project: Project) -> dict[str, str]:
    """Where each picture lies in a saved project, by sha256: `pictures/cat/tom.jpg`, `questions/who.png`."""
    state = project.state
    places = {sha: f"pictures/{filenames.clean(each.name) or 'class'}" for each in state.classes for sha in each.shots}
    paths = []
    for sha in state.pictures:
        title = PurePosixPath(state.title(sha))
        stem = filenames.clean(title.stem if title.suffix[1:].lower() in images.ENDINGS else title.name)
        ending = images.usual_ending(project.picture(sha))
        paths.append(f"{places.get(sha, 'questions')}/{stem or 'picture'}{ending}")
    return dict(zip(state.pictures, unique_names(paths), strict=True))


def open_file(
    projects: Projects, source: IO[bytes], on_progress: OnProgress = ignore_progress, token: str = ""
) -> tuple[Project, ImportReport]:
    """A project from a zip that `save`, or anybody, wrote. Every picture is decoded and its sha256 worked out anew.

    Args:
        projects: where it goes.
        source: the zip.
        on_progress: told how many pictures were read.
        token: under which it lies there, "" for a new one.
    """
    with tempfile.TemporaryDirectory(prefix="fourfold-open-") as folder:
        path = Path(folder) / "project.zip"
        copy_upload(source, path)
        state = _description(path)
        wanted = {sha: state.pictures[sha] for sha in state.pictures}
        if len(wanted) > MAX_PICTURES:
            raise TooLarge(f"A project holds at most {MAX_PICTURES:,} pictures.")
        project = projects.create(ProjectState(name=state.name), token)
        report = ImportReport()
        there = _pictures(project, path, wanted, report, on_progress) if wanted else {}
        missing = len(wanted) - len(there)
        if missing:
            report.problems.append(f"{missing} of its pictures are not in the file and were left out.")
        state.pictures, state.removals = there, []
        for each in state.classes:
            each.shots = [sha for sha in each.shots if sha in there]
        state.questions = [sha for sha in state.questions if sha in there]
        with project.change():
            project.state = state
        report.added = len(there)
        return project, report


def _pictures(
    project: Project, path: Path, wanted: Mapping[str, Picture], report: ImportReport, on_progress: OnProgress
) -> dict[str, Picture]:
    """Those of the wanted pictures that are in the zip and can be read, by what their bytes are, not what they say."""
    there: dict[str, Picture] = {}
    with open_image_collection(path) as gallery:
        for index, item in enumerate(gallery.items):
            on_progress(index, len(gallery.items))
            if item.sha256 not in wanted:
                continue
            name = wanted[item.sha256].name
            try:
                project.check_capacity()
                sha, picture = store_picture(project, name, item.read(), report)
            except UserError as error:
                report.problems.append(f"“{name}”: {error.sentence}")
                continue
            there[sha] = picture
    return there


def _description(path: Path) -> ProjectState:
    """What `project.json` in the zip says; it is read only up to a size that no honest one reaches.

    Somebody may have unpacked a saved project and packed it again, which puts a folder around it.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            inside = [name for name in bundle.namelist() if "__MACOSX" not in name]
            found = [name for name in inside if PurePosixPath(name).name == DESCRIPTION]
            if not found:
                raise BadInput(_no_description(inside))
            with bundle.open(min(found, key=lambda name: name.count("/"))) as file:
                data = file.read(MAX_DESCRIPTION_BYTES + 1)
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise BadInput("This is not a saved picture project: choose a zip that Fourfold saved.") from error
    if len(data) > MAX_DESCRIPTION_BYTES:
        raise TooLarge("The description of this project is too large to be true.")
    try:
        return parse(json.loads(data.decode("utf-8")))
    except (ValueError, RecursionError) as error:
        raise BadInput("The description of this project is damaged.") from error


def _no_description(inside: Sequence[str]) -> str:
    if any("/" in name.strip("/") for name in inside):
        return (
            "This is not a saved picture project but a zip of folders: start a project and choose it under “Folders "
            "at once”."
        )
    return "This is not a saved picture project: choose a zip that Fourfold saved."


def bundled(project: Project, shas: Iterable[str], target: Path) -> None:
    """The pictures as a zip that a model server takes, each called after its sha256."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as bundle:
        for sha in shas:
            bundle.write(project.picture(sha), f"{sha}.img")


def folders(project: Project, classes: Iterable[ImageClass], target: Path) -> None:
    """The examples as a zip with one folder a class, as the command line takes it."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as bundle:
        for each in classes:
            for sha in each.shots:
                bundle.write(project.picture(sha), f"{sent_name(each.name)}/{sha}.img")


STAND_INS = {":": "꞉", "/": "∕", "\\": "⧵"}
"""Signs that mean something in a path or in a file of classes, with signs that look the same and mean nothing."""


def sent_name(name: str) -> str:
    """A class's name as it goes to the model server, where it is both a folder and the start of a line."""
    plain = "".join(STAND_INS.get(sign, sign) for sign in name)
    return {"#": "＃", ".": "․"}.get(plain[:1], plain[:1]) + plain[1:]
