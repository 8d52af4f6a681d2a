"""A picture project: classes with their examples, and questions, as a folder under the studio's home.

`<home>/projects/<token>/` holds `project.json`, each picture as it came under `pictures/<sha256>`, and a small one
under `thumbs/`. Neither a browser nor a session ever holds the pictures: both know them by their sha256. Safe to use
from several threads, and from several studios that share a home: a change takes the project's lock file, reads what
another studio wrote meanwhile, and only then changes and writes the description.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from backends.core.errors import BadInput, TooLarge
from backends.fewshot.data.class_list import MAX_CLASSES
from studio.pictures import project_folder, removals
from studio.pictures.project_folder import NoSuchProject
from studio.pictures.schema import (
    MAX_NAME_LENGTH,
    MAX_SENTENCE_LENGTH,
    ImageClass,
    Picture,
    ProjectState,
    checked_text,
    free_name,
    natural_key,
    normalise_name,
    validate_sha,
)

MAX_PICTURES, MAX_BYTES = 20_000, 2_000_000_000
LOCK_SECONDS = 20
"""How long a change waits for another studio that is changing the same project."""


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
        self._stamp = project_folder.stamp(folder)
        self.state = project_folder.read(folder)

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
            project_folder.write(self.folder, self.state)
            self._delete_files(before | removals.forget_old(self.state))
            self._stamp = project_folder.stamp(self.folder)
            self.revision += 1

    def refresh(self) -> None:
        """Read the description again if another studio has changed it."""
        with self._lock:
            stamp = project_folder.stamp(self.folder)
            if stamp != self._stamp:
                self.state = project_folder.read(self.folder)
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
