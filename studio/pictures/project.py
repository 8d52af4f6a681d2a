"""A picture project: classes with their examples, and questions, as a folder under the studio's home.

`<home>/projects/<token>/` holds `project.json`, each picture as it came under `pictures/<sha256>`, and a small one
under `thumbs/`. Neither a browser nor a session ever holds the pictures: both know them by their sha256. Safe to use
from several threads, and from several studios that share a home: a change takes the project's lock file, reads what
another studio wrote meanwhile, and only then changes and writes the description.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from backends.core.errors import BadInput, TooLarge
from backends.fewshot.data.class_list import MAX_CLASSES
from studio import visitors
from studio.pictures import removals
from studio.pictures.schema import (
    MAX_NAME_LENGTH,
    MAX_SENTENCE_LENGTH,
    ImageClass,
    Picture,
    ProjectState,
    checked_text,
    dump,
    free_name,
    natural_key,
    normalise_name,
    parse,
    validate_sha,
)
from studio.web.responses import NotFound

MAX_PICTURES, MAX_BYTES = 20_000, 2_000_000_000
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,40}")
LOCK_SECONDS = 20
"""How long a change waits for another studio that is changing the same project."""

DELETED = ".deleted"
"""Folder beside the projects where deleted ones wait to be brought back."""

VISITOR = "visitor"
"""In the folder of a project: whose it is."""

MAX_COVERS = 5
"""Pictures of a project in the list of projects, one a class."""

KEEP_DELETED_SECONDS = 7 * 24 * 3600


class NoSuchProject(NotFound):
    """The address names no project that is here."""

    code = "unknown_project"

    def __init__(self) -> None:
        super().__init__("There is no such project here: it was deleted, or the address is not complete.")


class Project:
    """One project. `state` is read freely; whoever changes it does so inside `change()`, on the state that it gives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = folder.name
        self.revision = 0
        self.interruption = ""
        """What to say of an import that ended early, until somebody has read it."""
        self._lock = threading.RLock()
        self._file_lock = FileLock(folder / ".lock", timeout=LOCK_SECONDS)
        self._stamp = _stamp(folder)
        self.state = _read(folder)

    @contextmanager
    def change(self) -> Iterator[ProjectState]:
        """The newest state, to be changed; on a clean end it is kept and `revision` grows.

        Raises:
            NoSuchProject: it was deleted meanwhile.
            BadInput: another studio does not let go of it.
        """
        with self._lock, self._exclusive():
            self.refresh()
            yield self.state
            before = set(self.state.pictures)
            keep = set(self.state.shots) | set(self.state.questions)
            self.state.pictures = {sha: one for sha, one in self.state.pictures.items() if sha in keep}
            _write(self.folder, self.state)
            self._delete_files(before | removals.forget_old(self.state))
            self._stamp = _stamp(self.folder)
            self.revision += 1

    def refresh(self) -> None:
        """Read the description again if another studio has changed it."""
        with self._lock:
            stamp = _stamp(self.folder)
            if stamp != self._stamp:
                self.state = _read(self.folder)
                self._stamp = stamp
                self.revision += 1

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """No other studio changes this project meanwhile."""
        if not self.folder.is_dir():
            raise NoSuchProject
        try:
            self._file_lock.acquire()
        except Timeout as error:
            raise BadInput("Another studio is busy with this project: try again in a moment.") from error
        try:
            yield
        finally:
            self._file_lock.release()

    def _delete_files(self, candidates: Iterable[str]) -> None:
        """Delete the files of those pictures that are neither in use nor in a removal that can be undone."""
        needed = set(self.state.pictures) | removals.shas(self.state)
        for sha in set(candidates) - needed:
            self.picture(sha).unlink(missing_ok=True)
            self.thumb(sha).unlink(missing_ok=True)

    def picture(self, sha: str) -> Path:
        """Where the picture lies, as it came."""
        return self.folder / "pictures" / validate_sha(sha)

    def thumb(self, sha: str) -> Path:
        return self.folder / "thumbs" / f"{validate_sha(sha)}.webp"

    # -- classes ---------------------------------------------------------------------------------------------------

    def add_class(self, name: str, sentence: str = "") -> ImageClass:
        """Raises BadInput for a name that is empty or taken."""
        with self.change() as state:
            if len(state.classes) >= MAX_CLASSES:
                raise TooLarge(f"A project has at most {MAX_CLASSES} classes.")
            cleaned = checked_text(sentence, MAX_SENTENCE_LENGTH, "The sentence")
            made = ImageClass(secrets.token_hex(4), free_name(state, name), cleaned)
            state.classes.append(made)
            return made

    def class_called(self, name: str) -> ImageClass:
        """The class of that name, made where there is none yet. Raises TooLarge for a name that is too long."""
        wanted = normalise_name(checked_text(name, MAX_NAME_LENGTH, "The name"))
        self.refresh()
        found = next((each for each in self.state.classes if normalise_name(each.name) == wanted), None)
        return found or self.add_class(name)

    def get_class(self, class_id: str) -> ImageClass:
        found = next((each for each in self.state.classes if each.id == class_id), None)
        if found is None:
            raise BadInput("This class is not there any more: it was removed in another window.")
        return found

    def rename_class(self, class_id: str, name: str) -> None:
        """Give a class another name. Raises BadInput for one that is empty or taken, TooLarge."""
        with self.change() as state:
            mine = self.get_class(class_id)
            mine.name = free_name(state, name, but=class_id)

    def set_sentence(self, class_id: str, sentence: str) -> None:
        """Describe a class. Raises TooLarge."""
        cleaned = checked_text(sentence, MAX_SENTENCE_LENGTH, "The sentence")
        with self.change():
            self.get_class(class_id).sentence = cleaned

    def sort_classes(self) -> None:
        """Bring the classes into the order of their names, in which 2 comes before 10."""
        with self.change() as state:
            state.classes.sort(key=lambda each: natural_key(each.name))

    def remove_class(self, class_id: str) -> None:
        """Remove a class with its examples; `undo` brings them back."""
        with self.change() as state:
            removals.remove_class(state, self.get_class(class_id))

    # -- pictures --------------------------------------------------------------------------------------------------

    def add_examples(self, class_id: str, found: Mapping[str, Picture]) -> list[str]:
        """Pictures, whose files are in place, as examples; those that are examples already are named and left."""
        with self.change() as state:
            mine, already = self.get_class(class_id), []
            for sha, picture in found.items():
                other = state.class_of(sha)
                if other is not None:
                    already.append(f"“{picture.name}” is an example of “{other.name}” already.")
                    continue
                state.pictures.setdefault(sha, picture)
                mine.shots.append(sha)
            return already

    def add_questions(self, found: Mapping[str, Picture]) -> None:
        """Pictures, whose files are in place, as questions, the newest first."""
        with self.change() as state:
            new = [sha for sha in found if sha not in state.questions]
            for sha in new:
                state.pictures.setdefault(sha, found[sha])
            state.questions[:0] = new

    def move(self, shas: Iterable[str], class_id: str) -> None:
        """Examples or questions become examples of this class."""
        with self.change() as state:
            target = self.get_class(class_id)
            for sha in dict.fromkeys(shas):
                if sha not in state.pictures:
                    continue
                for each in state.classes:
                    if sha in each.shots and each is not target:
                        each.shots.remove(sha)
                if sha not in target.shots:
                    target.shots.append(sha)
                if sha in state.questions:
                    state.questions.remove(sha)
                state.dismissed_flags = [flag for flag in state.dismissed_flags if sha not in flag]

    def dismiss_flag(self, flag: str) -> None:
        """A flag was looked at, and what it is about is as it should be."""
        with self.change() as state:
            if flag not in state.dismissed_flags:
                state.dismissed_flags.append(flag)

    def remove(self, shas: Iterable[str], questions: bool = False) -> None:
        """Take pictures away from the examples, or from the questions; `undo` brings them back."""
        with self.change() as state:
            removals.remove_pictures(state, set(shas), questions)

    def undo(self, removal_id: str) -> None:
        """Bring back what was removed. Raises BadInput where that is final."""
        with self.change() as state:
            removals.undo(state, removal_id)

    def forget(self, removal_id: str) -> None:
        """Make a removal final: its files are deleted."""
        with self.change() as state:
            gone = removals.forget(state, removal_id)
        self._delete_files(gone)

    def check_capacity(self) -> None:
        """Raises TooLarge where there is no room for another picture."""
        pictures = self.state.pictures
        if len(pictures) >= MAX_PICTURES or sum(one.bytes for one in pictures.values()) >= MAX_BYTES:
            raise TooLarge(f"A project holds at most {MAX_PICTURES:,} pictures and {MAX_BYTES / 1e9:.0f} GB.")


class Projects:
    """The projects of this studio; each is opened once and shared by all pages that show it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open: dict[str, Project] = {}
        self._lock = threading.Lock()

    def create(self, state: ProjectState | None = None, token: str = "") -> Project:
        """A new project, under the token that it had elsewhere if given. Raises NoSuchProject for a false one."""
        if token and (not TOKEN.fullmatch(token) or (self.root / token).exists()):
            raise NoSuchProject
        folder = self.root / (token or secrets.token_hex(16))
        self._purge_old()
        for name in ("pictures", "thumbs", "features"):
            (folder / name).mkdir(parents=True)
        if visitor := visitors.current():
            (folder / VISITOR).write_text(visitor, "utf-8")
        made = state or ProjectState()
        made.created = made.created or time.time()
        _write(folder, made)
        return self.open(folder.name)

    def open(self, token: str) -> Project:
        """The project as it is on the disk now. Raises NoSuchProject."""
        if not TOKEN.fullmatch(token) or not (self.root / token / "project.json").is_file():
            raise NoSuchProject
        if not is_seen(self.root / token):
            raise NoSuchProject
        with self._lock:
            if token not in self._open:
                self._open[token] = Project(self.root / token)
            project = self._open[token]
        project.refresh()
        return project

    def delete(self, token: str) -> None:
        """Put a project aside; for a week `restore` brings it back."""
        project = self.open(token)
        with self._lock:
            self._open.pop(token, None)
        self._purge_old()
        target = self.root / DELETED / token
        target.parent.mkdir(exist_ok=True)
        project.folder.rename(target)
        (target / "about.json").touch()

    def deleted(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The deleted projects that can be brought back, as `recent` lists projects, the last deleted first."""
        found = [about for about in (self.root / DELETED).glob("*/about.json") if is_seen(about.parent)]
        found.sort(key=lambda about: -about.stat().st_mtime)
        return [(about.parent.name, json.loads(about.read_text("utf-8"))) for about in found]

    def restore(self, token: str) -> Project:
        """Bring a deleted project back. Raises NoSuchProject."""
        place = self.root / DELETED / token
        if not TOKEN.fullmatch(token) or not place.is_dir() or not is_seen(place):
            raise NoSuchProject
        place.rename(self.root / token)
        return self.open(token)

    def purge(self, token: str) -> None:
        """Delete a deleted project and its pictures for good."""
        if TOKEN.fullmatch(token) and is_seen(self.root / DELETED / token):
            shutil.rmtree(self.root / DELETED / token, ignore_errors=True)

    def visitor_of(self, token: str) -> str:
        """Whose a project is, or was until it was deleted."""
        return visitor_of(self.root / token) or visitor_of(self.root / DELETED / token)

    def give(self, visitor: str) -> int:
        """Let every project that is nobody's be a visitor's; how many there were."""
        folders = [file.parent for place in (self.root, self.root / DELETED) for file in place.glob("*/project.json")]
        unowned = [folder for folder in folders if not visitor_of(folder)]
        for folder in unowned:
            (folder / VISITOR).write_text(visitor, "utf-8")
        return len(unowned)

    def _purge_old(self) -> None:
        for about in (self.root / DELETED).glob("*/about.json"):
            if time.time() - about.stat().st_mtime > KEEP_DELETED_SECONDS:
                shutil.rmtree(about.parent, ignore_errors=True)

    def recent(self, most: int = 12) -> list[tuple[str, Mapping[str, Any]]]:
        """Tokens with what to say of each (`name`, `classes`, `pictures`, `changed`), the last changed first.

        `shown` are pictures to show it by; projects that were written down long ago have none.
        """
        found = []
        for about in self.root.glob("*/about.json"):
            if not is_seen(about.parent):
                continue
            with suppress(FileNotFoundError):  # deleted in another window just now
                found.append((about.parent.name, json.loads(about.read_text("utf-8"))))
        return sorted(found, key=lambda one: -one[1]["changed"])[:most]


def visitor_of(folder: Path) -> str:
    """Whose the project in a folder is (`studio.visitors`); "" for one of a studio without a log-in."""
    file = folder / VISITOR
    return file.read_text("utf-8") if file.is_file() else ""


def is_seen(folder: Path) -> bool:
    """Whether the project in a folder is one that whoever asks may see."""
    return visitors.may_see(visitor_of(folder))


def _stamp(folder: Path) -> tuple[int, int, int]:
    """What tells one written description from the next. Raises NoSuchProject where there is none any more."""
    try:
        facts = (folder / "project.json").stat()
    except FileNotFoundError as error:
        raise NoSuchProject from error
    return facts.st_mtime_ns, facts.st_ino, facts.st_size


def _read(folder: Path) -> ProjectState:
    try:
        return parse(json.loads((folder / "project.json").read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise BadInput("The description of this project is damaged or cannot be read.") from error


def _write(folder: Path, state: ProjectState) -> None:
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
