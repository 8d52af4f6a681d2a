"""Picture projects as the catalogue of everything made lists them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from studio.library.shelf import ShelfItem
from studio.pictures import project_archive
from studio.pictures.projects import Projects

MOST = 20_000


class ProjectShelf:
    """The projects of this studio; see `studio.library.shelf.Shelf`."""

    def __init__(self, projects: Projects) -> None:
        self.projects = projects

    def items(self) -> Sequence[ShelfItem]:
        """Every project, also the deleted ones that can be brought back."""
        here = [(token, about, False) for token, about in self.projects.recent(MOST)]
        deleted = [(token, about, True) for token, about in self.projects.deleted()]
        return [
            ShelfItem(
                token,
                about["name"] or "Unnamed",
                float(about["changed"]),
                words=f"project {about['classes']} classes {about['pictures']} examples",
                model="Picture project",
                bytes=int(about.get("bytes", 0)),
                trashed=trashed,
                visitor=self.projects.visitor_of(token),
            )
            for token, about, trashed in [*here, *deleted]
        ]

    def rename(self, item_id: str, title: str) -> None:
        """Give a project another name. Raises NoSuchProject."""
        with self.projects.open(item_id).change() as state:
            state.name = title.strip() or state.name

    def trash(self, item_id: str) -> None:
        """Put a project aside for a week. Raises NoSuchProject."""
        self.projects.delete(item_id)

    def restore(self, item_id: str) -> None:
        """Bring a deleted project back. Raises NoSuchProject."""
        self.projects.restore(item_id)

    def purge(self, item_id: str) -> None:
        """Delete a deleted project for good."""
        self.projects.purge(item_id)

    def give(self, visitor: str) -> int:
        """Let every project that is nobody's be a visitor's; how many there were."""
        return self.projects.give(visitor)

    def has(self, item_id: str) -> bool:
        """Whether a project is here, also among the deleted ones."""
        return any(item.id == item_id for item in self.items())

    def pack(self, item_id: str) -> Path:
        """A project with its pictures as one zip in a temporary file. Raises NoSuchProject."""
        return project_archive.save(self.projects.open(item_id))

    def unpack(self, item_id: str, file: IO[bytes]) -> None:
        """Take in a project under its own token; every picture is decoded. Raises BadInput, TooLarge, NoSuchProject."""
        project_archive.open_file(self.projects, file, token=item_id)
