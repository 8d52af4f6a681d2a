"""What lies outside the library of runs and is found again with them: projects of a task, studies, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, runtime_checkable


@dataclass(frozen=True)
class ShelfItem:
    """A project or study as what keeps it describes it to the catalogue.

    `trashed` says whether it can be brought back from there; None leaves the trash to the catalogue. `visitor` says
    whose it is, as in `studio.visitors`; "" for whoever enters it.
    """

    id: str
    title: str
    changed: float
    words: str = ""
    model: str = ""
    bytes: int = 0
    trashed: bool | None = False
    status: str = "done"
    visitor: str = ""


class Shelf(Protocol):
    """Where a task keeps projects outside the library of runs, and what can be done with any of them by its id."""

    def items(self) -> Sequence[ShelfItem]:
        """Every project, also deleted ones that can be brought back."""

    def rename(self, item_id: str, title: str) -> None:
        """Give a project another name."""

    def trash(self, item_id: str) -> None:
        """Delete a project so that it can be brought back."""

    def restore(self, item_id: str) -> None:
        """Bring a deleted project back."""

    def purge(self, item_id: str) -> None:
        """Delete a project for good."""

    def give(self, visitor: str) -> int:
        """Let every project that is nobody's be a visitor's; how many there were."""


@runtime_checkable
class PortableShelf(Shelf, Protocol):
    """A shelf whose projects go to another machine as one file each."""

    def has(self, item_id: str) -> bool:
        """Whether a project is here."""

    def pack(self, item_id: str) -> Path:
        """A project as one file, which the caller removes. Raises UserError where it is gone."""

    def unpack(self, item_id: str, file: IO[bytes]) -> None:
        """Take in a project that `pack`, or anybody, wrote. Raises UserError for a file that is none."""
