"""Entries of the catalogue as the library writes them: one for each run, with the words by which it is found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from studio.library.catalogue_tables import EntryRow
from studio.library.models import ArtifactRow, RunRow

MAX_WORDS = 4_000
"""Characters of facts that are searched: a protein of two thousand residues fits with everything else."""


def enter(session: Session, run: RunRow, labels: Mapping[str, Any] | None = None) -> None:
    """Bring the entry of a run up to date, or make it.

    Args:
        session: an open transaction that writes.
        run: as it is now.
        labels: `starred`, `note`, `tags` and `trashed` of an entry that is made anew, as `labels_of` gives them.
    """
    row = session.scalar(select(EntryRow).where(EntryRow.id == run.id))
    if row is None:
        row = EntryRow(id=run.id, kind="run", bytes=0, **(labels or {}))
        session.add(row)
    row.task, row.title, row.status, row.visitor = run.task, run.title, run.status, run.visitor
    row.model = str(run.card.get("title") or run.weights or run.engine)
    row.created, row.changed, row.seconds = run.created, run.touched, run.seconds
    row.words = words_of(run)


def update_size(session: Session, run_id: str | None = None) -> None:
    """Write the size of a run's files into its entry; of all runs where none is named."""
    size = (
        select(func.coalesce(func.sum(ArtifactRow.bytes), 0))
        .where(ArtifactRow.run_id == EntryRow.id)
        .correlate(EntryRow)
        .scalar_subquery()
    )
    wanted = update(EntryRow).where(EntryRow.kind == "run").values(bytes=size)
    session.execute(wanted if run_id is None else wanted.where(EntryRow.id == run_id))


def labels_of(row: EntryRow) -> dict[str, Any]:
    """What people added to an entry."""
    return {"starred": row.starred, "note": row.note, "tags": row.tags, "trashed": row.trashed}


def words_of(run: RunRow) -> str:
    """The facts of a run as text: its files, options, numbers, notices and what the task noted."""
    names = (str(item.get("name", "")) for item in run.inputs)
    parts = [*names, run.weights, run.engine, *run.notices, *_flat(run.options), *_flat(run.metrics), *_flat(run.facts)]
    return " ".join(dict.fromkeys(part for part in parts if part))[:MAX_WORDS]


def _flat(value: Any) -> Iterator[str]:
    """Keys and plain values of nested JSON, depth first."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _flat(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value[:50]:
            yield from _flat(item)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield f"{value:g}"
