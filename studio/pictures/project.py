"""A picture project: classes with their examples, and questions, as a folder under the studio's home.

`<home>/projects/<token>/` holds `project.json`, each picture as it came under `pictures/<sha256>`, and a small one
under `thumbs/`. Neither a browser nor a session ever holds the pictures: both know them by their sha256. Safe to use
from several threads of one studio.
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

from backends.core.errors import BadInput, TooLarge
from backends.fewshot.data.class_list import MAX_CLASSES
from studio.pictures.schema import (
    MAX_NAME_LENGTH,
    MAX_SENTENCE_LENGTH,
    ImageClass,
    Picture,
    ProjectState,
    clean_text,
    dump,
    free_name,
    normalise_name,
    parse,
    validate_sha,
)
from studio.web.responses import NotFound

MAX_PICTURES, MAX_BYTES = 20_000, 2_000_000_000
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,40}")


class NoSuchProject(NotFound):
    """The address names no project that is here."""

    code = "unknown_project"

    def __init__(self) -> None:
        super().__init__("There is no such project here: it was deleted, or the address is not complete.")


class Project:
    """One project. `state` is read freely; whoever changes it does so inside `change()`, which writes it down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = folder.name
        self.revision = 0
        self._lock = threading.RLock()
        self.state = _read(folder)

    @contextmanager
    def change(self) -> Iterator[ProjectState]:
        """The state, to be changed; on a clean end it is kept and `revision` grows."""
        with self._lock:
            yield self.state
            keep = set(self.state.shots) | set(self.state.questions)
            for sha in [sha for sha in self.state.pictures if sha not in keep]:
                del self.state.pictures[sha]
                self.picture(sha).unlink(missing_ok=True)
                self.thumb(sha).unlink(missing_ok=True)
            _write(self.folder, self.state)
            self.revision += 1

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
            made = ImageClass(secrets.token_hex(4), free_name(state, name), clean_text(sentence, MAX_SENTENCE_LENGTH))
            state.classes.append(made)
            return made

    def class_called(self, name: str) -> ImageClass:
        """The class of that name, made where there is none yet."""
        wanted = normalise_name(clean_text(name, MAX_NAME_LENGTH))
        found = next((each for each in self.state.classes if normalise_name(each.name) == wanted), None)
        return found or self.add_class(name)

    def get_class(self, class_id: str) -> ImageClass:
        found = next((each for each in self.state.classes if each.id == class_id), None)
        if found is None:
            raise BadInput("This class is not there any more: it was removed in another window.")
        return found

    def describe(self, class_id: str, name: str, sentence: str) -> None:
        """Give a class another name or sentence."""
        with self.change() as state:
            mine = self.get_class(class_id)
            mine.name = free_name(state, name, but=class_id)
            mine.sentence = clean_text(sentence, MAX_SENTENCE_LENGTH)

    def remove_class(self, class_id: str) -> None:
        with self.change() as state:
            state.classes.remove(self.get_class(class_id))

    # -- pictures --------------------------------------------------------------------------------------------------

    def put(self, class_id: str, found: Mapping[str, Picture]) -> list[str]:
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

    def ask(self, found: Mapping[str, Picture]) -> None:
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

    def accept(self, flag: str) -> None:
        """A flag was looked at, and what it is about is as it should be."""
        with self.change() as state:
            if flag not in state.dismissed_flags:
                state.dismissed_flags.append(flag)

    def remove(self, shas: Iterable[str], questions: bool = False) -> None:
        """Take pictures away from the examples, or from the questions."""
        gone = set(shas)
        with self.change() as state:
            if questions:
                state.questions = [sha for sha in state.questions if sha not in gone]
                return
            for each in state.classes:
                each.shots = [sha for sha in each.shots if sha not in gone]

    def room(self) -> int:
        """How many more pictures may come. Raises TooLarge where there is no room for one."""
        pictures = self.state.pictures
        if len(pictures) >= MAX_PICTURES or sum(one.bytes for one in pictures.values()) >= MAX_BYTES:
            raise TooLarge(f"A project holds at most {MAX_PICTURES:,} pictures and {MAX_BYTES / 1e9:.0f} GB.")
        return MAX_PICTURES - len(pictures)


class Projects:
    """The projects of this studio; each is opened once and shared by all pages that show it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open: dict[str, Project] = {}
        self._lock = threading.Lock()

    def create(self, state: ProjectState | None = None) -> Project:
        folder = self.root / secrets.token_hex(16)
        for name in ("pictures", "thumbs", "features"):
            (folder / name).mkdir(parents=True)
        made = state or ProjectState()
        made.created = made.created or time.time()
        _write(folder, made)
        return self.open(folder.name)

    def open(self, token: str) -> Project:
        """Raises NoSuchProject."""
        if not TOKEN.fullmatch(token) or not (self.root / token / "project.json").is_file():
            raise NoSuchProject
        with self._lock:
            if token not in self._open:
                self._open[token] = Project(self.root / token)
            return self._open[token]

    def delete(self, token: str) -> None:
        project = self.open(token)
        with self._lock:
            self._open.pop(token, None)
        shutil.rmtree(project.folder)

    def recent(self, most: int = 12) -> list[tuple[str, Mapping[str, Any]]]:
        """Tokens with what to say of each (`name`, `classes`, `pictures`, `changed`), the last changed first."""
        found = []
        for about in self.root.glob("*/about.json"):
            with suppress(FileNotFoundError):  # deleted in another window just now
                found.append((about.parent.name, json.loads(about.read_text("utf-8"))))
        return sorted(found, key=lambda one: -one[1]["changed"])[:most]


def _read(folder: Path) -> ProjectState:
    try:
        return parse(json.loads((folder / "project.json").read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise BadInput("The description of this project is damaged or cannot be read.") from error


def _write(folder: Path, state: ProjectState) -> None:
    shots, classes = len(state.shots), len(state.classes)
    about = {"name": state.name, "classes": classes, "pictures": shots, "changed": time.time()}
    for name, told in (("project.json", dump(state)), ("about.json", about)):
        part = folder / f".{name}.part"
        part.write_text(json.dumps(told, ensure_ascii=False), "utf-8")
        part.replace(folder / name)
