"""The library: every run with its options, numbers and files, in a database and a storage folder.

Runs live in SQLite through SQLAlchemy, their files under `<storage>/<run id>/` through fsspec. Both lie in the user's
data folder (`FOURFOLD_HOME`, else `$XDG_DATA_HOME/fourfold`, else `~/.local/share/fourfold`) unless
`FOURFOLD_DATABASE_URL` and `FOURFOLD_STORAGE` name a shared place. A file is complete before its row exists, and
readers only ever see rows, so nobody meets half a file. Safe to use from several threads and processes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from backends.core.errors import BadInput
from studio.library import manifest, models
from studio.library.catalogue_tables import EntryRow
from studio.library.database import Database, make_folder
from studio.library.entries import enter, labels_of, update_size
from studio.library.models import (
    FINISHED,
    ArtifactRow,
    FileGone,
    LibraryError,
    Run,
    RunRow,
    Status,
    StoredArtifact,
    UnknownRun,
    check_run_id,
    jsonable,
)
from studio.library.storage import Storage

__all__ = ["Library", "LibraryError", "Run", "Status", "StoredArtifact", "UnknownRun", "Usage", "home"]

TITLE_LENGTH = 200


@dataclass(frozen=True)
class Usage:
    """Bytes kept, for each run and together, and bytes still free (None where the storage cannot tell)."""

    runs: Mapping[str, int]
    total: int
    free: int | None


def home() -> Path:
    """The data folder of this user."""
    if chosen := os.environ.get("FOURFOLD_HOME"):
        return Path(chosen).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "fourfold"


class Library:
    """The runs of one database and storage folder. Where those fail, each method raises LibraryError."""

    def __init__(self, database_url: str | None = None, storage: str | None = None) -> None:
        url = database_url or os.environ.get("FOURFOLD_DATABASE_URL")
        place = storage or os.environ.get("FOURFOLD_STORAGE")
        if not (url and place):
            make_folder(home())  # before what goes into it, so that it is private
        url, place = url or f"sqlite:///{home() / 'library.sqlite'}", place or str(home() / "runs")
        self.storage = Storage(place, cache=home() / "cache")
        self.database = Database(url)

    # -- runs ------------------------------------------------------------------------------------------------------

    def begin(
        self,
        *,
        run_id: str | None = None,
        task: str,
        title: str,
        engine: str,
        weights: str = "",
        card: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        inputs: Sequence[Mapping[str, Any]] = (),
        versions: Mapping[str, str] | None = None,
    ) -> Run:
        """Enter a run that starts now, with status "running". `inputs` hold `name`, `sha256` and `bytes` each."""
        row = RunRow(
            id=check_run_id(run_id) if run_id else models.new_run_id(),
            task=task,
            title=_title(title) or task,
            engine=engine,
            weights=weights,
            status="running",
            owner=models.owner(),
            created=models.now(),
            touched=models.now(),
            error="",
            card=jsonable(card or {}),
            options=jsonable(options or {}),
            inputs=jsonable(inputs),
            versions=jsonable(versions or {}),
            metrics={},
            notices=[],
            facts={},
        )
        with self.database.session(write=True) as session:
            session.add(row)
            session.flush()
            enter(session, row)
            return row.record()

    def note(
        self,
        run_id: str,
        *,
        metrics: Mapping[str, Any] | None = None,
        notices: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
        versions: Mapping[str, str] | None = None,
    ) -> Run:
        """Merge numbers, sentences, task-specific facts (`samplerate`, `stems`, …) or versions into a run."""
        with self.database.session(write=True) as session:
            row = self._row(session, run_id)
            row.touched = models.now()
            row.metrics = {**row.metrics, **jsonable(metrics or {})}
            row.facts = {**row.facts, **jsonable(facts or {})}
            row.versions = {**row.versions, **jsonable(versions or {})}
            row.notices = list(dict.fromkeys([*row.notices, *notices]))
            enter(session, row)
            run = row.record()
        return self.explain(run)

    def finish(self, run_id: str, status: Status, seconds: float | None = None, error: str | None = None) -> Run:
        """Close a run. The first ending stands: closing it again changes nothing."""
        if status not in FINISHED:
            raise ValueError(f"a run cannot finish as {status!r}")
        with self.database.session(write=True) as session:
            row = self._row(session, run_id)
            if row.status == "running":
                row.status, row.seconds, row.error = status, seconds, error or ""
                row.touched = models.now()
                enter(session, row)
            run = row.record()
        return self.explain(run)

    def get(self, run_id: str) -> Run | None:
        with self.database.session() as session:
            row = session.get(RunRow, run_id)
            return row.record() if row and row.status != "deleting" else None

    def visitor_of(self, run_id: str) -> str:
        """Whose a run is (`studio.visitors`); "" where there is none, or of a studio without a log-in."""
        with self.database.session() as session:
            return session.scalar(select(RunRow.visitor).where(RunRow.id == run_id)) or ""

    def list(
        self, task: str | None = None, status: Status | None = None, limit: int = 50, offset: int = 0
    ) -> tuple[Run, ...]:
        """Runs, newest first, without those in the trash."""
        wanted = _filtered(select(RunRow), task, status).order_by(RunRow.created.desc(), RunRow.id)
        with self.database.session() as session:
            return tuple(row.record() for row in session.scalars(wanted.limit(limit).offset(offset)))

    def total(self, task: str | None = None, status: Status | None = None) -> int:
        """How many runs `list` would go through."""
        with self.database.session() as session:
            return session.scalar(_filtered(select(func.count()).select_from(RunRow), task, status)) or 0

    def rename(self, run_id: str, title: str) -> Run:
        """Give a run another title. Raises BadInput for an empty one."""
        cleaned = _title(title)
        if not cleaned:
            raise BadInput("Type a title first: it cannot be empty.")
        with self.database.session(write=True) as session:
            row = self._row(session, run_id)
            row.title = cleaned
            enter(session, row)
            run = row.record()
        return self.explain(run)

    def delete(self, run_id: str) -> None:
        """Remove a run and its files. Raises BadInput while it is still running."""
        with self.database.session(write=True) as session:
            row = self._row(session, run_id)
            if row.status == "running":
                raise BadInput("This run is still going: cancel it first, then delete it.")
            row.status = "deleting"  # should the next lines be cut short, `maintenance.repair` completes them
            enter(session, row)
        self.erase(run_id)

    # -- files -----------------------------------------------------------------------------------------------------

    def keep(
        self,
        run_id: str,
        kind: str,
        name: str,
        source: Path | bytes,
        *,
        file: str | None = None,
        meta: Mapping[str, Any] | None = None,
        move: bool = False,
    ) -> StoredArtifact:
        """Store one file of a run; `meta["index"]` numbers those of one kind and name; the same again replaces it.

        Nothing of `file`, `name` or `source` reaches a path but harmless letters and a plain suffix. With `move`, a
        local `source` is taken, not copied. Raises UnknownRun.
        """
        hint = Path(file or (source.name if isinstance(source, Path) else name))
        stored = models.safe_file(hint.stem if file else f"{kind}-{name}", hint.suffix)
        details = jsonable(meta or {})
        index = int(details.get("index", 0))
        row = ArtifactRow(run_id=run_id, kind=kind, name=name, index=index, file=stored, meta=details)
        with self.database.session() as session:
            self._row(session, run_id)
        row.bytes = self.storage.write(run_id, stored, source, move)
        try:
            run, kept, replaced = self._enter(row)
        except UnknownRun:  # deleted while its file was being written
            self.storage.erase(run_id)
            raise
        except LibraryError:
            self.storage.remove(run_id, stored)
            raise
        if replaced:
            self.storage.remove(run_id, replaced)
        self.explain(run)
        return kept

    def _enter(self, row: ArtifactRow) -> tuple[Run, StoredArtifact, str | None]:
        """Add the row of a stored file to its run, and name the file of the row whose place it took."""
        same = (ArtifactRow.name == row.name, ArtifactRow.index == row.index)
        with self.database.session(write=True) as session:
            run = self._row(session, row.run_id)
            run.touched = models.now()
            old = session.scalar(_artifacts(row.run_id, row.kind).where(*same))
            replaced = old.file if old else None
            if old:
                session.delete(old)
                session.flush()
            session.add(row)
            session.flush()
            update_size(session, row.run_id)
            return run.record(), row.record(), replaced

    def artifacts(self, run_id: str, kind: str | None = None) -> tuple[StoredArtifact, ...]:
        """The files of a run, ordered by kind, name and index."""
        wanted = _artifacts(run_id, kind).order_by(ArtifactRow.kind, ArtifactRow.name, ArtifactRow.index)
        with self.database.session() as session:
            return tuple(row.record() for row in session.scalars(wanted))

    def count(self, run_id: str, kind: str | None = None) -> int:
        """How many files `artifacts` would give; cheap enough to ask twice a second."""
        with self.database.session() as session:
            return session.scalar(select(func.count()).select_from(_artifacts(run_id, kind).subquery())) or 0

    def find(self, run_id: str, file: str) -> StoredArtifact | None:
        """The file of this run that is called `file` in the storage."""
        with self.database.session() as session:
            row = session.scalar(_artifacts(run_id).where(ArtifactRow.file == file))
            return row.record() if row else None

    def only(self, run_id: str, kind: str, name: str = "") -> Path:
        """The file of that kind as a file on this machine: the one called `name`, else the one called after its kind.

        Raises FileGone where the run has none.
        """
        stored = {item.name: item for item in self.artifacts(run_id, kind)}
        chosen = stored.get(name or kind) or (None if name else next(iter(stored.values()), None))
        if chosen is None:
            raise FileGone
        return self.local(run_id, chosen)

    def drop(self, run_id: str, kind: str, name: str = "") -> None:
        """Remove the files of one kind from a run: an analysis that is out of date, references that were replaced.

        Args:
            run_id: of the run.
            kind: of the files.
            name: only those of this name.
        """
        gone = [stored for stored in self.artifacts(run_id, kind) if name in ("", stored.name)]
        with self.database.session(write=True) as session:
            files = [stored.file for stored in gone]
            session.execute(delete(ArtifactRow).where(ArtifactRow.run_id == run_id, ArtifactRow.file.in_(files)))
            update_size(session, run_id)
        for stored in gone:
            self.storage.remove(run_id, stored.file)

    def open(self, run_id: str, stored: StoredArtifact) -> IO[bytes]:
        """`stored`, opened for reading; seekable."""
        return self.storage.open(run_id, stored.file)

    def local(self, run_id: str, stored: StoredArtifact) -> Path:
        """`stored` as a file on this machine: itself where the storage is local, else a copy kept in a cache."""
        return self.storage.local(run_id, stored.file)

    def usage(self) -> Usage:
        """How much space the runs take."""
        sums = select(ArtifactRow.run_id, func.sum(ArtifactRow.bytes)).group_by(ArtifactRow.run_id)
        with self.database.session() as session:
            runs = {run_id: int(size) for run_id, size in session.execute(sums)}
        return Usage(runs, sum(runs.values()), self.storage.free())

    # -- keeping order ---------------------------------------------------------------------------------------------

    def explain(self, run: Run) -> Run:
        """Write down in the folder of a finished run what the database knows of it."""
        if run.finished:
            with self.database.session() as session:
                entry = session.scalar(select(EntryRow).where(EntryRow.id == run.id))
                labels, visitor = (labels_of(entry), entry.visitor) if entry else ({}, "")
            text = manifest.dump(run, self.artifacts(run.id), labels, visitor)
            self.storage.write(run.id, manifest.FILE, text, move=False)
            if self.get(run.id) is None:  # deleted meanwhile: what was just written must not bring it back
                self.storage.erase(run.id)
        return run

    def erase(self, run_id: str) -> None:
        """Remove the folder of a run, then its rows."""
        self.storage.erase(run_id)
        with self.database.session(write=True) as session:
            names = select(ArtifactRow.name).where(ArtifactRow.run_id == run_id)
            session.execute(delete(EntryRow).where(EntryRow.kind == "reason", EntryRow.id.in_(names)))
            session.execute(delete(ArtifactRow).where(ArtifactRow.run_id == run_id))
            session.execute(delete(RunRow).where(RunRow.id == run_id))
            session.execute(delete(EntryRow).where(EntryRow.id == run_id))

    def _row(self, session: Session, run_id: str) -> RunRow:
        row = session.get(RunRow, run_id, with_for_update=True)
        if row is None or row.status == "deleting":
            raise UnknownRun
        return row


def _title(text: str) -> str:
    """`text` on one line, without control characters, cut to a length that fits a page."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line[:TITLE_LENGTH].strip()


def _filtered(query: Select[Any], task: str | None, status: Status | None) -> Select[Any]:
    trashed = select(EntryRow.id).where(EntryRow.trashed.is_not(None))
    query = query.where(RunRow.status != "deleting", RunRow.id.not_in(trashed))
    query = query.where(RunRow.task == task) if task else query
    return query.where(RunRow.status == status) if status else query


def _artifacts(run_id: str, kind: str | None = None) -> Select[ArtifactRow]:
    query = select(ArtifactRow).where(ArtifactRow.run_id == run_id)
    return query.where(ArtifactRow.kind == kind) if kind else query
