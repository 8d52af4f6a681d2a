"""The picture projects of a studio: made, opened, deleted, brought back."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from studio import visitors
from studio.pictures.project import Project
from studio.pictures.project_folder import VISITOR, NoSuchProject, is_seen, visitor_of, write
from studio.pictures.schema import ProjectState

TOKEN = re.compile(r"[A-Za-z0-9_-]{16,40}")

DELETED = ".deleted"
"""Folder beside the projects where deleted ones wait to be brought back."""

KEEP_DELETED_SECONDS = 7 * 24 * 3600


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
        write(folder, made)
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
