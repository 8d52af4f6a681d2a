"""Reading a `.fourfold` bundle: everything is checked before anything is kept, and what is here already stays.

A bundle comes from anybody. Names, sizes, checksums, descriptions and the beginnings of files are checked in a folder
of its own; only then do runs enter the library, each whole or not at all. After a cut the same bundle goes on.
"""

from __future__ import annotations

import json
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from backends.core.errors import BadInput, TooLarge
from studio import services, visitors
from studio.findings import shelves
from studio.findings.bundle_content import check_content
from studio.findings.bundle_format import FORMAT, NAME, VERSION, Contents, FindingEntry, RunEntry, StoryEntry
from studio.library import manifest
from studio.library.entries import enter, update_size
from studio.library.findings import Evidence, Finding, Step, Story
from studio.library.models import RUN_ID, ArtifactRow, RunRow

MAX_ENTRIES, MAX_BYTES, MAX_DESCRIPTION = 50_000, 8_000_000_000, 32_000_000
MAX_RATIO, RATIO_FROM = 300, 1_000_000
"""No honest file of more than a megabyte shrinks to less than one part in so many."""

BLOCK = 1 << 20
TASK = re.compile(r"[a-z][a-z0-9_-]{0,39}")
PROJECT = re.compile(r"[A-Za-z0-9_-]{16,40}\.zip")
NOT_ONE = "This is not a Fourfold bundle: choose a file that Fourfold saved, with the ending .fourfold."
OTHERS = (
    "Somebody else who uses this studio has results or findings of this bundle in their own library, and nothing is "
    "here twice: ask them for it as one HTML file, or open it in another studio."
)
DAMAGED = "This bundle is damaged: a file in it is not what its checksum says. Copy it again from where it came."


@dataclass(frozen=True)
class Imported:
    """What a bundle brought, and what was here already."""

    runs: int
    known_runs: int
    findings: int
    stories: int
    story: str = ""
    projects: int = 0


@dataclass(frozen=True)
class CheckedRun:
    """A run whose files lie checked in `folder`."""

    row: RunRow
    artifacts: list[ArtifactRow]
    labels: Mapping[str, object]
    folder: Path


def read_bundle(path: Path) -> Imported:
    """Take a bundle into the library.

    Raises:
        BadInput: it is no bundle, damaged, or not what it says.
        TooLarge: it holds more than any honest one.
    """
    with _open_zip(path) as bundle, tempfile.TemporaryDirectory(prefix="fourfold-bundle-") as folder:
        entries = _entries(bundle)
        contents = _contents(bundle, entries)
        runs = _run_ids(contents, entries)
        _check_whose(runs, contents)
        known = {run_id for run_id in runs if services.library().get(run_id) is not None}
        projects = _take_projects(bundle, contents, Path(folder))
        checked = [_checked(bundle, run_id, contents, Path(folder)) for run_id in runs if run_id not in known]
        for run in checked:
            _keep(run)
    shelves.forget_earlier_reasons()
    findings, stories = services.findings().put(
        [_finding(one) for one in contents.findings], [_story(one) for one in contents.stories]
    )
    first = contents.stories[0].id if contents.stories else ""
    return Imported(len(checked), len(known), findings, stories, first, projects)


@contextmanager
def _open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as bundle:
            yield bundle
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, OSError) as error:
        raise BadInput(NOT_ONE) from error


def _entries(bundle: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The entries by name, none of which can do harm."""
    infos = bundle.infolist()
    if len(infos) > MAX_ENTRIES or sum(info.file_size for info in infos) > MAX_BYTES:
        raise TooLarge(f"A bundle holds at most {MAX_ENTRIES:,} files and {MAX_BYTES / 1e9:.0f} GB.")
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if info.flag_bits & 1:
            raise BadInput("This bundle is locked with a password: save it without one.")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise BadInput("This bundle holds a link to another place, which no bundle of Fourfold's does.")
        if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(1, info.compress_size):
            raise TooLarge("A file in this bundle blows up to a size that no honest one has.")
        if not _harmless(info.filename):
            raise BadInput("This bundle holds a file with a name that would lead out of its folder.")
        if info.filename in entries:
            raise BadInput("This bundle holds two files of one name, so nobody could say which is meant.")
        entries[info.filename] = info
    return entries


def _harmless(name: str) -> bool:
    """Whether a name is one that a bundle has: `bundle.json`, or a file of a run."""
    parts = name.split("/")
    if name == NAME:
        return True
    if len(parts) != 3:
        return False
    if parts[0] == "projects":
        return bool(TASK.fullmatch(parts[1])) and bool(PROJECT.fullmatch(parts[2]))
    return parts[0] == "runs" and bool(RUN_ID.fullmatch(parts[1])) and _library_name(parts[2])


def _library_name(name: str) -> bool:
    return name == manifest.FILE or bool(manifest.SAFE_FILE.fullmatch(name))


def _contents(bundle: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> Contents:
    if NAME not in entries:
        raise BadInput(NOT_ONE)
    if entries[NAME].file_size > MAX_DESCRIPTION:
        raise TooLarge("The description of this bundle is too large to be true.")
    try:
        told = json.loads(bundle.read(NAME))
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise BadInput(NOT_ONE)
        if isinstance(told.get("version"), int) and told["version"] > VERSION:
            raise BadInput("This bundle was saved by a newer Fourfold: update this one to open it.")
        contents = Contents.model_validate(told)
    except (ValueError, RecursionError) as error:  # ValidationError is a ValueError
        raise BadInput("The description of this bundle is damaged, or was changed by hand.") from error
    if set(contents.files) != set(entries) - {NAME}:
        raise BadInput("This bundle does not hold the files that it lists: it was cut short, or changed by hand.")
    if any(entries[name].file_size != file.bytes for name, file in contents.files.items()):
        raise BadInput(DAMAGED)
    return contents


def _run_ids(contents: Contents, entries: Mapping[str, zipfile.ZipInfo]) -> list[str]:
    runs = list(dict.fromkeys(name.split("/")[1] for name in contents.files if name.startswith("runs/")))
    if any(f"runs/{run_id}/{manifest.FILE}" not in entries for run_id in runs):
        raise BadInput("A run in this bundle has no description.")
    return runs


def _check_whose(runs: list[str], contents: Contents) -> None:
    """Raises BadInput where anything of a bundle is here already, and another visitor's."""
    mine = _here(runs, contents)
    with visitors.acting(visitors.EVERYBODY):
        if _here(runs, contents) != mine:
            raise BadInput(OTHERS)


def _here(runs: list[str], contents: Contents) -> int:
    """How much of a bundle is here."""
    library, findings = services.library(), services.findings()
    there: list[object] = [library.get(run_id) for run_id in runs]
    there += [findings.get(one.id) for one in contents.findings]
    there += [findings.story(one.id) for one in contents.stories]
    return sum(one is not None for one in there)


def _take_projects(bundle: zipfile.ZipFile, contents: Contents, folder: Path) -> int:
    """Take in the projects that are not here; how many there were. They are read like any file that somebody brings."""
    taken = 0
    for name, file in contents.files.items():
        if not name.startswith("projects/"):
            continue
        _, task, ending = name.split("/")
        shelf, project = shelves.portable(task), ending.removesuffix(".zip")
        if shelf is None or shelf.has(project):
            continue
        place = folder / f"{project}.zip"
        _unpack(bundle, name, file.sha256, place)
        with place.open("rb") as packed:
            shelf.unpack(project, packed)
        taken += 1
    return taken


def _checked(bundle: zipfile.ZipFile, run_id: str, contents: Contents, folder: Path) -> CheckedRun:
    """Unpack one run and check every file of it."""
    place = folder / run_id
    place.mkdir()
    names = [name for name in contents.files if name.startswith(f"runs/{run_id}/")]
    for name in names:
        _unpack(bundle, name, contents.files[name].sha256, place / name.split("/")[2])
    text = (place / manifest.FILE).read_bytes()
    try:
        told = json.loads(text)
        RunEntry.model_validate(told)
        row, artifacts = manifest.load(text, run_id)
        labels = manifest.load_labels(text)
    except (ValidationError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput("The description of a run in this bundle is damaged, or was changed by hand.") from error
    files = [artifact.file for artifact in artifacts]
    if len(files) != len(set(files)) or set(files) != {name.split("/")[2] for name in names} - {manifest.FILE}:
        raise BadInput("A run in this bundle does not hold the files that it lists.")
    for artifact in artifacts:
        artifact.bytes = (place / artifact.file).stat().st_size
        check_content(place / artifact.file)
    return CheckedRun(row, artifacts, labels, place)


def _unpack(bundle: zipfile.ZipFile, name: str, digest: str, target: Path) -> None:
    """Copy one file in blocks, never more of it than it said it is."""
    made, left = sha256(), bundle.getinfo(name).file_size
    try:
        with bundle.open(name) as source, target.open("wb") as file:
            while block := source.read(BLOCK):
                left -= len(block)
                if left < 0:
                    raise BadInput(DAMAGED)
                made.update(block)
                file.write(block)
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise BadInput(DAMAGED) from error
    if made.hexdigest() != digest:
        raise BadInput(DAMAGED)


def _keep(run: CheckedRun) -> None:
    """Move the files of one run into the storage, then enter it: its rows appear together and last."""
    library, run_id = services.library(), run.row.id
    for artifact in run.artifacts:
        library.storage.write(run_id, artifact.file, run.folder / artifact.file, move=True)
    with library.database.session(write=True) as session:
        session.add(run.row)
        session.flush()
        session.add_all(run.artifacts)
        session.flush()
        enter(session, run.row, {**run.labels, "trashed": None})
        session.flush()
        update_size(session, run_id)
        record = run.row.record()
    library.explain(record)


def _finding(entry: FindingEntry) -> Finding:
    evidence = tuple(Evidence(**one.model_dump()) for one in entry.evidence)
    return Finding(**{**entry.model_dump(exclude={"evidence"}), "evidence": evidence})


def _story(entry: StoryEntry) -> Story:
    steps = tuple(Step(**one.model_dump()) for one in entry.steps)
    return Story(**{**entry.model_dump(exclude={"steps"}), "steps": steps})
