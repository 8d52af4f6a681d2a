"""The tables of the catalogue, of findings and of stories, and the index of words that searches look into."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Connection, Float, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from studio.library.models import Base, visitor_column

SEPARATOR = "\n"
"""Stands around every tag in `EntryRow.tags`, so that one tag is never found inside another."""

WORD_COLUMNS = ("title", "note", "tags", "model", "words")
"""The columns of an entry that are searched."""


class EntryRow(Base):
    """One thing that can be found again: a run, or a project that a task keeps elsewhere.

    A run's own facts stay in its row and are copied here for the search; stars, tags, notes and the trash live here.
    """

    __tablename__ = "entries"
    __table_args__ = (
        Index("entries_newest", "trashed", "created"),
        Index("entries_task", "task", "trashed", "created"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    task: Mapped[str]
    title: Mapped[str]
    model: Mapped[str]
    status: Mapped[str]
    created: Mapped[float] = mapped_column(Float(53))
    changed: Mapped[float] = mapped_column(Float(53))
    seconds: Mapped[float | None] = mapped_column(Float(53))
    bytes: Mapped[int] = mapped_column(BigInteger)
    words: Mapped[str]
    starred: Mapped[bool] = mapped_column(default=False)
    trashed: Mapped[float | None] = mapped_column(Float(53))
    note: Mapped[str] = mapped_column(default="")
    tags: Mapped[str] = mapped_column(default="")
    visitor: Mapped[str] = visitor_column()


class FindingRow(Base):
    """A claim with its evidence: links to runs at a moment, in the order in which they are shown."""

    __tablename__ = "findings"

    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    claim: Mapped[str]
    limits: Mapped[str]
    author: Mapped[str]
    created: Mapped[float] = mapped_column(Float(53), index=True)
    changed: Mapped[float] = mapped_column(Float(53))
    evidence: Mapped[list[Any]]
    visitor: Mapped[str] = visitor_column()


class StoryRow(Base):
    """Findings and texts in the order of a talk."""

    __tablename__ = "stories"

    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    author: Mapped[str]
    created: Mapped[float] = mapped_column(Float(53), index=True)
    changed: Mapped[float] = mapped_column(Float(53))
    steps: Mapped[list[Any]]
    visitor: Mapped[str] = visitor_column()


NEW_TABLES = tuple(Base.metadata.tables[row.__tablename__] for row in (EntryRow, FindingRow, StoryRow))
"""What version 2 of the database has and version 1 has not."""


def create_word_index(connection: Connection) -> None:
    """Make what finds an entry by its words: FTS5 with triggers in SQLite, a GIN index in PostgreSQL."""
    for statement in _SQLITE if connection.dialect.name == "sqlite" else (_POSTGRESQL,):
        connection.execute(text(statement))


_COLUMNS = ", ".join(WORD_COLUMNS)
_NEW, _OLD = (", ".join(f"{row}.{name}" for name in WORD_COLUMNS) for row in ("new", "old"))
_DELETE = f"INSERT INTO entry_words (entry_words, rowid, {_COLUMNS}) VALUES ('delete', old.number, {_OLD});"
_INSERT = f"INSERT INTO entry_words (rowid, {_COLUMNS}) VALUES (new.number, {_NEW});"
# An external-content table stores no second copy of the text; these triggers keep it right (sqlite.org/fts5, 4.4.3).
_SQLITE = (
    f"CREATE VIRTUAL TABLE entry_words USING fts5({_COLUMNS}, content='entries', content_rowid='number', "
    "tokenize='unicode61 remove_diacritics 2', prefix='2 3')",
    f"CREATE TRIGGER entries_inserted AFTER INSERT ON entries BEGIN {_INSERT} END",
    f"CREATE TRIGGER entries_deleted AFTER DELETE ON entries BEGIN {_DELETE} END",
    f"CREATE TRIGGER entries_updated AFTER UPDATE OF {_COLUMNS} ON entries BEGIN {_DELETE} {_INSERT} END",
)
DOCUMENT = " || ' ' || ".join(WORD_COLUMNS)
"""What PostgreSQL indexes; a search must name the same expression."""

_POSTGRESQL = f"CREATE INDEX entry_words ON entries USING gin (to_tsvector('simple', {DOCUMENT}))"
