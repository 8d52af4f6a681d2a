"""The catalogue: finding, marking and throwing away runs and projects, thousands of them at a time.

    found = Catalogue(library).search(Query(text="drums live", task="separation"))

Every word of a search is looked for at the beginning of words, in titles, notes, tags, models and facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, func, select, text
from sqlalchemy.orm import Session

from backends.core.errors import BadInput
from studio.library import models
from studio.library.catalogue_tables import DOCUMENT, SEPARATOR, EntryRow
from studio.library.library import Library
from studio.library.models import FINISHED
from studio.library.shelf import Shelf, ShelfItem

MAX_TAG_LENGTH, MAX_TAGS, MAX_NOTE_LENGTH = 40, 20, 10_000
MAX_SEARCH_WORDS = 12
WITH_ORIGIN = ("study", "reason")
"""Kinds of entries whose words begin with where they lie."""

WORD = re.compile(r"[^\W_]+")

SORTS: Mapping[str, tuple[str, ColumnElement[Any]]] = {
    "newest": ("Newest first", EntryRow.created.desc()),
    "oldest": ("Oldest first", EntryRow.created.asc()),
    "title": ("By title", func.lower(EntryRow.title).asc()),
    "largest": ("Largest first", EntryRow.bytes.desc()),
    "longest": ("Took longest first", EntryRow.seconds.desc().nulls_last()),
}
"""Orders of the list by their name in the address: what they are called, and the column."""


@dataclass(frozen=True)
class Entry:
    """A run, project, study or reason as the catalogue lists it.

    `origin` names where a study or reason lies: the name of the study, the id of the run that was asked about.
    """

    id: str
    kind: str
    task: str
    title: str
    model: str
    status: str
    created: datetime
    seconds: float | None
    bytes: int
    starred: bool
    trashed: bool
    note: str
    tags: tuple[str, ...]
    origin: str = ""


@dataclass(frozen=True)
class Query:
    """What is looked for; an empty field asks nothing.

    Attributes:
        text: words, each the beginning of a word of the entry.
        task: such as "separation".
        kind: "run", "project", "study" or "reason".
        tag: a tag that the entry has.
        status: of a run, such as "done"; "finished" stands for every way to end.
        starred: only what has a star.
        trashed: the trash in place of all else.
        sort: a name in `SORTS`.
    """

    text: str = ""
    task: str = ""
    tag: str = ""
    status: str = ""
    starred: bool = False
    trashed: bool = False
    sort: str = "newest"
    kind: str = ""


class Catalogue:
    """Search and labels over a library. Where its database fails, each method raises LibraryError."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.database = library.database

    # -- finding ---------------------------------------------------------------------------------------------------

    def search(self, query: Query, limit: int = 24, offset: int = 0) -> tuple[tuple[Entry, ...], int]:
        """A page of what fits, and how many fit in all."""
        order = SORTS.get(query.sort, SORTS["newest"])[1]
        with self.database.session() as session:
            fitting = _fitting(query, session.get_bind().dialect.name)
            rows = session.scalars(fitting.order_by(order, EntryRow.id).limit(limit).offset(offset)).all()
            count = select(func.count()).select_from(fitting.with_only_columns(EntryRow.id).subquery())
            return tuple(_record(row) for row in rows), session.scalar(count) or 0

    def get(self, entry_id: str) -> Entry | None:
        with self.database.session() as session:
            row = session.scalar(select(EntryRow).where(EntryRow.id == entry_id))
            return _record(row) if row else None

    def sizes(self) -> tuple[int, int]:
        """Bytes of everything, and of what lies in the trash."""
        trash = func.sum(case((EntryRow.trashed.is_not(None), EntryRow.bytes), else_=0))
        with self.database.session() as session:
            total, thrown = session.execute(select(func.sum(EntryRow.bytes), trash)).one()
            return int(total or 0), int(thrown or 0)

    def tags(self) -> tuple[str, ...]:
        """Every tag in use, by the alphabet."""
        with self.database.session() as session:
            used = session.scalars(select(EntryRow.tags).where(EntryRow.tags != "").distinct())
            return tuple(sorted({tag for tags in used for tag in _split(tags)}, key=str.lower))

    # -- marking ---------------------------------------------------------------------------------------------------

    def star(self, ids: Iterable[str], starred: bool = True) -> None:
        """Put a star on entries, or take it away."""
        self._change(ids, lambda row: setattr(row, "starred", starred))

    def tag(self, ids: Iterable[str], add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Add tags to entries and take others away. Raises BadInput for a tag that cannot be one."""
        new = [clean_tag(tag) for tag in add]

        def change(row: EntryRow) -> None:
            tags = [tag for tag in dict.fromkeys([*_split(row.tags), *new]) if tag not in remove]
            if len(tags) > MAX_TAGS:
                raise BadInput(f"“{row.title}” would have more than {MAX_TAGS} tags: take some away first.")
            row.tags = _joined(tags)

        self._change(ids, change)

    def write_note(self, entry_id: str, note: str) -> None:
        """Replace the note of an entry. Raises BadInput for one that is too long."""
        if len(note) > MAX_NOTE_LENGTH:
            raise BadInput(f"A note holds at most {MAX_NOTE_LENGTH:,} characters.")
        cleaned = "".join(letter for letter in note if letter.isprintable() or letter in "\n\t").strip()
        self._change([entry_id], lambda row: setattr(row, "note", cleaned))

    def _change(self, ids: Iterable[str], change: Any) -> None:
        wanted = list(ids)
        with self.database.session(write=True) as session:
            rows = session.scalars(select(EntryRow).where(EntryRow.id.in_(wanted)).with_for_update()).all()
            for row in rows:
                change(row)
            runs = [row.id for row in rows if row.kind == "run"]
        for run_id in runs:
            run = self.library.get(run_id)
            if run is not None:
                self.library.explain(run)

    # -- the trash -------------------------------------------------------------------------------------------------

    def trash(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Put finished entries into the trash; the ids of those that went there, for an undo."""
        now, gone = models.now(), []

        def change(row: EntryRow) -> None:
            if row.trashed is None and row.status in FINISHED:
                row.trashed = now
                gone.append(row.id)

        self._change(ids, change)
        return tuple(gone)

    def restore(self, ids: Iterable[str]) -> None:
        """Take entries out of the trash again."""
        self._change(ids, lambda row: setattr(row, "trashed", None))

    def trashed(self, kind: str) -> tuple[Entry, ...]:
        """Everything of a kind that lies in the trash."""
        with self.database.session() as session:
            wanted = select(EntryRow).where(EntryRow.trashed.is_not(None), EntryRow.kind == kind)
            return tuple(_record(row) for row in session.scalars(wanted))

    def enter(self, task: str, item: ShelfItem, kind: str) -> None:
        """Bring the entry of one thing up to date, or make it."""
        with self.database.session(write=True) as session:
            enter_item(session, task, item, kind)

    def remove(self, entry_id: str) -> None:
        """Forget an entry whose thing is gone for good."""
        with self.database.session(write=True) as session:
            session.execute(delete(EntryRow).where(EntryRow.id == entry_id))

    # -- projects --------------------------------------------------------------------------------------------------

    def sync_shelf(self, task: str, shelf: Shelf, kind: str = "project") -> None:
        """Bring the entries of what a shelf holds up to date: new, changed, deleted and gone ones. Labels stay."""
        items = {item.id: item for item in shelf.items()}
        mine = (EntryRow.kind == kind, EntryRow.task == task)
        with self.database.session() as session:
            columns = (EntryRow.id, EntryRow.changed, EntryRow.trashed.is_not(None))
            known = {row[0]: (row[1], row[2]) for row in session.execute(select(*columns).where(*mine))}

        def is_new(item: ShelfItem) -> bool:
            changed, trashed = known.get(item.id, (None, None))
            return changed != item.changed or item.trashed not in (None, trashed)

        if set(known) == set(items) and not any(map(is_new, items.values())):
            return
        with self.database.session(write=True) as session:
            for item in items.values():
                if is_new(item):
                    enter_item(session, task, item, kind)
            gone = set(known) - set(items)
            session.execute(delete(EntryRow).where(*mine, EntryRow.id.in_(gone)))


def clean_tag(tag: str) -> str:
    """`tag` on one line, not too long. Raises BadInput for an empty one."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in tag).split())
    if not line:
        raise BadInput("Type a tag first: it cannot be empty.")
    if len(line) > MAX_TAG_LENGTH:
        raise BadInput(f"A tag has at most {MAX_TAG_LENGTH} characters; put longer texts into the note.")
    return line


def enter_item(session: Session, task: str, item: ShelfItem, kind: str) -> None:
    """Bring the entry of a project, study or reason up to date, or make it."""
    row = session.scalar(select(EntryRow).where(EntryRow.id == item.id))
    if row is None:
        row = EntryRow(id=item.id, kind=kind, created=item.changed, visitor=item.visitor)
        session.add(row)
    row.task, row.title, row.model, row.status = task, item.title, item.model, item.status
    row.changed, row.bytes, row.words = item.changed, item.bytes, item.words
    if item.trashed is not None:
        row.trashed = (row.trashed or models.now()) if item.trashed else None


def _fitting(query: Query, dialect: str) -> Select[EntryRow]:
    wanted = select(EntryRow).where(EntryRow.status != "deleting")
    wanted = wanted.where(EntryRow.trashed.is_not(None) if query.trashed else EntryRow.trashed.is_(None))
    if query.task:
        wanted = wanted.where(EntryRow.task == query.task)
    if query.kind:
        wanted = wanted.where(EntryRow.kind == query.kind)
    if query.status:
        wanted = wanted.where(EntryRow.status.in_(FINISHED if query.status == "finished" else (query.status,)))
    if query.starred:
        wanted = wanted.where(EntryRow.starred.is_(True))
    if query.tag:
        wanted = wanted.where(EntryRow.tags.contains(_joined([query.tag]), autoescape=True))
    words = WORD.findall(query.text)[:MAX_SEARCH_WORDS]
    if query.text.strip() and not words:
        return wanted.where(text("1 = 0"))  # nothing but signs, of which no word consists
    return wanted.where(EntryRow.number.in_(_matching(words, dialect))) if words else wanted


def _matching(words: Sequence[str], dialect: str) -> Any:
    """The numbers of the entries that hold a word with each of these beginnings."""
    if dialect == "sqlite":
        found = text("SELECT rowid FROM entry_words WHERE entry_words MATCH :words")
        return found.bindparams(words=" ".join(f'"{word}"*' for word in words))
    found = text(f"SELECT number FROM entries WHERE to_tsvector('simple', {DOCUMENT}) @@ to_tsquery('simple', :words)")
    return found.bindparams(words=" & ".join(f"{word}:*" for word in words))


def _record(row: EntryRow) -> Entry:
    return Entry(
        id=row.id,
        kind=row.kind,
        task=row.task,
        title=row.title,
        model=row.model,
        status=row.status,
        created=datetime.fromtimestamp(row.created, UTC),
        seconds=row.seconds,
        bytes=row.bytes,
        starred=row.starred,
        trashed=row.trashed is not None,
        note=row.note,
        tags=_split(row.tags),
        origin=row.words.split(" ", 1)[0] if row.kind in WITH_ORIGIN else "",
    )


def _split(tags: str) -> tuple[str, ...]:
    return tuple(tag for tag in tags.split(SEPARATOR) if tag)


def _joined(tags: Sequence[str]) -> str:
    return f"{SEPARATOR}{SEPARATOR.join(tags)}{SEPARATOR}" if tags else ""
