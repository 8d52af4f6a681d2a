"""Steps that bring an older database forward, in the transaction that opens it; nothing that was stored is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.orm import Session

from studio.library import catalogue_tables
from studio.library.entries import enter, update_size
from studio.library.models import Base, RunRow
from studio.visitors import SHARED

WITH_VISITOR = ("runs", "entries", "findings", "stories")


def _add_catalogue(connection: Connection) -> None:
    """Version 1 to 2: the tables of the catalogue, of findings and of stories; every run gets its entry."""
    _add_visitor(connection, "runs")  # which version 3 has; the rows that are read below are of today's form
    Base.metadata.create_all(connection, tables=list(catalogue_tables.NEW_TABLES))
    catalogue_tables.create_word_index(connection)
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        for row in session.scalars(select(RunRow).where(RunRow.status != "deleting")).yield_per(500):
            enter(session, row)
        session.flush()
        update_size(session)
        session.commit()


def _add_visitors(connection: Connection) -> None:
    """Version 2 to 3: whose each row is. What is there belongs to the one user; studies are everybody's."""
    for table in WITH_VISITOR:
        _add_visitor(connection, table)
    connection.execute(text("UPDATE entries SET visitor = :shared WHERE kind = 'study'"), {"shared": SHARED})


def _add_visitor(connection: Connection, table: str) -> None:
    if "visitor" not in {column["name"] for column in inspect(connection).get_columns(table)}:
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN visitor VARCHAR NOT NULL DEFAULT ''"))
        connection.execute(text(f"CREATE INDEX ix_{table}_visitor ON {table} (visitor)"))


MIGRATIONS: Mapping[int, Sequence[str | Callable[[Connection], None]]] = {1: (_add_catalogue,), 2: (_add_visitors,)}
"""What brings a database from version `key` to `key + 1`, SQL or a function; only ever forward."""
