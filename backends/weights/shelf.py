"""Where weights lie on this machine, and whether what lies there is what was published."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from filelock import FileLock

from backends.core.errors import WeightsBroken, WeightsMissing
from backends.core.model_card import ModelCard, WeightFile
from backends.weights.digests import READ_ONLY, Digests, Steps, matches
from backends.weights.download import discard, size_text
from backends.weights.locations import STARTERS

State = Literal["builtin", "present", "partial", "broken", "absent"]
"""Of a card: nothing to fetch; all files verified; some bytes here; a file is here but not the published one; none."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


class Shelf:
    """The weights on this machine: `root/CARD/FILE`, and nothing that was not checked under that name.

    The folder can be moved or copied elsewhere as a whole, and several processes may share it. A file is hashed when
    it arrives, and again only when its size or time of change is another than then.

    Starters are the exception: their files ship with the project in `STARTERS`, are checked there, and never fetched,
    imported or removed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._digests, self._shipped = Digests(), Digests(notes=False)

    def path(self, card: ModelCard, file: WeightFile) -> Path:
        """Where `file` lies once it is here. Names come from cards, which are code; they are held to one folder."""
        folders = (file.path,) if card.tier == "starter" and file.path else ()
        for name in (card.id, file.name, *folders):
            if not _PLAIN_NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot name weights")
        return STARTERS / file.path / file.name if card.tier == "starter" else self.root / card.id / file.name

    def state(self, card: ModelCard) -> State:
        """Where `card` stands. Cheap, except just after a file appeared or changed: then that file is hashed once."""
        if not card.files:
            return "builtin"
        found = [self._condition(card, file) for file in card.files]
        if "broken" in found:
            return "broken"
        if set(found) == {"present"}:
            return "present"
        return "absent" if set(found) == {"absent"} else "partial"

    def paths(self, card: ModelCard) -> tuple[Path, ...]:
        """The verified files of `card`, in its own order.

        Raises:
            WeightsMissing: with a sentence that says how to get them.
            WeightsBroken: a file is there but is not the published one, or a starter's is not as it ships.
        """
        for file in card.files:
            if card.tier == "starter" and not self._here(card, file):
                raise WeightsBroken(not_as_shipped(card))
            if self._condition(card, file) == "broken":
                raise WeightsBroken(
                    f"The file {file.name} of “{card.title}” is damaged, unreadable or not the published one; "
                    f"fetch it again with the page's download button or `python -m backends fetch {card.id}`."
                )
        if missing := self.missing(card):
            names = " and ".join(file.name for file in missing)
            raise WeightsMissing(
                f"The weights of “{card.title}” are not on this machine yet: use the page's download button or "
                f"`python -m backends fetch {card.id}`{_size_note(missing)}, or import {names} if you have it."
            )
        return tuple(self.path(card, file) for file in card.files)

    def missing(self, card: ModelCard) -> tuple[WeightFile, ...]:
        """The files of `card` that are still to be fetched, whole or in part."""
        return tuple(file for file in card.files if self._condition(card, file) != "present")

    def _condition(self, card: ModelCard, file: WeightFile) -> State:
        """Of one file, never "builtin"."""
        path = self.path(card, file)
        if not path.is_file():
            return "partial" if part_of(path).exists() else "absent"
        if file.bytes and path.stat().st_size != file.bytes:
            return "broken"
        try:
            digests = self._shipped if card.tier == "starter" else self._digests
            return "present" if matches(digests.of(path), file) else "broken"
        except PermissionError:
            return "broken"

    def _here(self, card: ModelCard, file: WeightFile) -> bool:
        return self._condition(card, file) == "present"

    def _store(self, card: ModelCard, file: WeightFile, make: Callable[[WeightFile, Path], Steps]) -> Steps:
        """Put into place what `make` writes for `file`, unless it is not as published."""
        path = self.path(card, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            digest = yield from make(file, part_of(path))
            if not matches(digest, file):
                raise WeightsBroken(f"“{file.name}” is not as it was published, so it was not taken.")
            self._digests.settle(part_of(path), path, digest)
        finally:
            discard(part_of(path))
        return digest

    def _lock(self, card: ModelCard, file: WeightFile) -> FileLock:
        return self._lock_named(f"{card.id}--{file.name}")

    def _lock_named(self, name: str) -> FileLock:
        folder = self.root / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        # A generator may be resumed by another thread each time, so the lock must not belong to one.
        return FileLock(folder / f"{name}.lock", thread_local=False)

    def _disk_sentence(self, error: OSError) -> str:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return f"The disk of {self.root} is full; make room, or set FOURFOLD_WEIGHTS to a folder on another disk."
        if error.errno in READ_ONLY:
            return f"Fourfold may not write into {self.root}; set FOURFOLD_WEIGHTS to a folder where it may."
        return f"The folder {self.root} cannot be used ({error.strerror or error}); set FOURFOLD_WEIGHTS to another."


def not_as_shipped(card: ModelCard) -> str:
    return f"The files of “{card.title}” are not as they ship with Fourfold; put backends/starters back as it was."


def _size_note(files: Iterable[WeightFile]) -> str:
    size = sum(file.bytes for file in files)
    return f" ({size_text(size)})" if size else ""


def part_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")
