"""Steps that bring an older database forward, in the transaction that opens it; nothing that was stored is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from studio.library import catalogue_tables
from studio.library.entries import enter, update_size
from studio.library.models import Base, RunRow


def _add_catalogue(connection: Connection) -> None:
    """Version 1 to 2: the tables of the catalogue, of findings and of stories; every run gets its entry."""
    Base.metadata.create_all(connection, tables=list(catalogue_tables.NEW_TABLES))
    catalogue_tables.create_word_index(connection)
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        for row in session.scalars(select(RunRow).where(RunRow.status != "deleting")).yield_per(500):
            enter(session, row)
        session.flush()
        update_size(session)
        session.commit()


MIGRATIONS: Mapping[int, Sequence[str | Callable[[Connection], None]]] = {1: (_add_catalogue,)}
"""What brings a database from version `key` to `key + 1`, SQL or a function; only ever forward."""
