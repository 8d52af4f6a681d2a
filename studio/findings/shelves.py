"""What the list of everything made shows beside runs: projects of tasks, studies, and reasons.

A reason is an answer of the page Inside, kept with the run that was asked about. It is entered when it is made; reasons
that came another way, in a bundle or from before there was a list, are entered once a process.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakSet

from sqlalchemy import select

from backends.core.errors import BadInput, UserError
from evaluation.studies.store import StudyFolder
from studio import services, tasks, visitors
from studio.evidence import studies
from studio.library.catalogue import Entry
from studio.library.library import Library
from studio.library.models import ArtifactRow, StoredArtifact
from studio.library.shelf import PortableShelf, Shelf, ShelfItem

REASON = "inside"
"""The kind of artifact that keeps a reason."""

TITLE = "title.txt"
"""In the folder of a study: the title that it was given here."""


def sync() -> None:
    """Bring the entries of all that is no run up to date."""
    catalogue = services.catalogue()
    known = studies.known()
    for name, task in tasks.registered().items():
        if task.shelf is not None:
            catalogue.sync_shelf(name, task.shelf())
        with visitors.acting(visitors.EVERYBODY):
            catalogue.sync_shelf(name, StudyShelf(name, known), "study")
    if services.library() not in _looked_through:
        with visitors.acting(visitors.EVERYBODY):
            _enter_earlier_reasons()


def of(entry: Entry) -> Shelf:
    """Where a project or study lies. Raises BadInput for what lies on no shelf."""
    task = tasks.find(entry.task)
    if entry.kind == "study":
        return StudyShelf(entry.task, studies.known())
    if entry.kind == "project" and task is not None and task.shelf is not None:
        return task.shelf()
    raise BadInput("A reason is called as it was asked, and what this Fourfold does not show cannot be changed.")


def portable(task: str) -> PortableShelf | None:
    """Where a task keeps projects that go into a bundle; None where it has none."""
    found = tasks.find(task)
    shelf = found.shelf() if found is not None and found.shelf is not None else None
    return shelf if isinstance(shelf, PortableShelf) else None


class StudyShelf:
    """The studies of one task in this studio; the catalogue keeps their trash. See `studio.library.shelf.Shelf`."""

    def __init__(self, task: str, known: Mapping[str, StudyFolder]) -> None:
        self.task, self.known = task, known

    def items(self) -> Sequence[ShelfItem]:
        """Every study of the task that has been begun."""
        return [self._item(name, store, about["study"]) for name, store, about in self._mine()]

    def _mine(self) -> list[tuple[str, StudyFolder, Mapping[str, Any]]]:
        found: list[tuple[str, StudyFolder, Mapping[str, Any]]] = []
        for name, store in self.known.items():
            try:
                about = store.about() or {}
            except UserError:  # a damaged one says so on its own page
                continue
            if about.get("study", {}).get("task") == self.task:
                found.append((name, store, about))
        return found

    def _item(self, name: str, store: StudyFolder, study: Mapping[str, Any]) -> ShelfItem:
        progress = store.progress()
        title = store.path / TITLE
        state = "running" if studies.running(progress) else "done" if progress.get("state") == "done" else "interrupted"
        changed = studies.stamp(name)[0] + (title.stat().st_mtime if title.exists() else 0) + (state == "done")
        return ShelfItem(
            studies.entry_id(name),
            title.read_text("utf-8") if title.exists() else str(study.get("title") or name),
            changed,
            words=f"{name} study {study.get('question', '')} {study.get('cards', '')} {study.get('metrics', '')}",
            model="Study",
            bytes=sum(path.stat().st_size for path in store.path.rglob("*") if path.is_file()),
            trashed=None,
            status=state,
            visitor=visitors.SHARED,
        )

    def _folder(self, item_id: str) -> StudyFolder:
        for name, store in self.known.items():
            if studies.entry_id(name) == item_id:
                return store
        raise BadInput("This study is no longer here.")

    def rename(self, item_id: str, title: str) -> None:
        """Call a study something else here; its file keeps its own title, by which it can go on."""
        (self._folder(item_id).path / TITLE).write_text(title.strip(), "utf-8")

    def trash(self, item_id: str) -> None:
        """Put a study into the trash of the catalogue."""
        services.catalogue().trash([item_id])

    def restore(self, item_id: str) -> None:
        """Take it out again."""
        services.catalogue().restore([item_id])

    def give(self, visitor: str) -> int:
        """None: studies are everybody's."""
        return 0

    def purge(self, item_id: str) -> None:
        """Delete the folder of a study. Raises BadInput while it runs."""
        store = self._folder(item_id)
        if studies.running(store.progress()):
            raise BadInput("A study that runs cannot be deleted: stop it first.")
        shutil.rmtree(store.path)


# -- reasons -----------------------------------------------------------------------------------------------------------


def enter_reason(stored: StoredArtifact) -> None:
    """Enter an answer of the page Inside into the catalogue."""
    run = services.library().get(stored.run_id)
    if run is None:
        return
    options = " ".join(str(value) for value in dict(stored.meta.get("options", {})).values())
    asked = float(stored.meta.get("asked") or run.created.timestamp())
    services.catalogue().enter(
        run.task,
        ShelfItem(
            stored.name,
            f"{stored.meta.get('title') or 'Why?'} {run.title}",
            asked,
            words=f"{run.id} reason why {run.title} {options}",
            model=str(run.card.get("title") or run.weights),
            bytes=0,  # it is counted with the files of its run
            trashed=None,
            visitor=services.library().visitor_of(run.id),
        ),
        "reason",
    )


_looked_through: WeakSet[Library] = WeakSet()
"""Libraries whose reasons are all entered."""


def _enter_earlier_reasons() -> None:
    library = services.library()
    _looked_through.add(library)
    with library.database.session() as session:
        rows = session.scalars(select(ArtifactRow).where(ArtifactRow.kind == REASON)).all()
        found = [row.record() for row in rows]
    for stored in found:
        if services.catalogue().get(stored.name) is None:
            enter_reason(stored)


def forget_earlier_reasons() -> None:
    """Look for reasons once more: a bundle brought some."""
    _looked_through.clear()


def reason(entry: Entry) -> StoredArtifact | None:
    """The file of a reason; None where it is gone."""
    kept = services.library().artifacts(entry.origin, REASON)
    return next((stored for stored in kept if stored.name == entry.id), None)


def purge_reason(entry: Entry) -> None:
    """Delete a reason for good."""
    services.library().drop(entry.origin, REASON, entry.id)
    services.catalogue().remove(entry.id)
