"""Folders of sample inputs that the project makes itself, once, in the user's data folder."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from studio.library.library import home

VERSION = 1
"""Raise it when a sample changes, so that an older copy is not taken for it."""


@dataclass(frozen=True)
class SampleFolder:
    """The folder of a sample, which `write` makes and fills the first time.

    `quick` samples are made in the studio's own process; the others, which keep a processor busy for many seconds, in
    one of their own.
    """

    name: str
    write: Callable[[Path], object]
    quick: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def path(self) -> Path:
        return home() / "samples" / f"{self.name}-{VERSION}"

    def exists(self) -> bool:
        return self.path.exists()

    def make(self) -> Path:
        """The folder, filled; made the first time, found again later."""
        folder = self.path
        folder.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, FileLock(folder.with_suffix(".lock")):  # the other maker is a process of its own
            if not folder.exists():
                # Written beside and renamed: a start that is cut short leaves no half sample behind.
                with tempfile.TemporaryDirectory(dir=folder.parent) as parent:
                    unfinished = Path(parent) / self.name
                    self.write(unfinished)
                    unfinished.rename(folder)
        return folder


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
