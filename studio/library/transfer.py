"""Copies a library to another database and another storage: `python -m studio.library.transfer --database URL`.

The library is the one that FOURFOLD_HOME, FOURFOLD_DATABASE_URL and FOURFOLD_STORAGE name; it stays as it is. The
files go first, and those that are there already are left out; then all rows in one transaction. So a copy that broke
off can be begun again, and a database that was copied to is whole or empty. Projects, studies and the files of stories
are no part of the library: they stay in FOURFOLD_HOME.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Table, func, select, text

from backends.cli.terminal import answer, say
from backends.core.errors import UserError
from studio.library import catalogue_tables, findings  # noqa: F401 (their tables belong to the library)
from studio.library.library import Library
from studio.library.models import Base, LibraryError, RunRow, SchemaRow, alive, now
from studio.library.storage import Storage

BATCH = 500
"""Rows that are copied at a time."""

NOT_EMPTY = "The database to copy to holds a library already: name an empty one."
BUSY = "A studio is working on this library: stop it first, so that nothing changes while it is copied."


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m studio.library.transfer", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--database", required=True, metavar="URL", help="such as postgresql+psycopg://user@host/name")
    parser.add_argument("--storage", metavar="URL", help="such as s3://bucket/library; without it files stay in place")
    asked = parser.parse_args(arguments)
    try:
        source = Library()
        target = Library(asked.database, asked.storage or source.storage.root)
        check(source, target)
        if asked.storage:
            files, size = copy_files(source.storage, target.storage)
            answer(f"{files} files copied, {size:,} bytes.")
        for name, rows in copy_rows(source, target).items():
            answer(f"{name}: {rows} rows")
    except UserError as error:
        say(error.sentence)
        return 2
    answer("Done. From now on set FOURFOLD_DATABASE_URL" + (" and FOURFOLD_STORAGE." if asked.storage else "."))
    return 0


def tables() -> list[Table]:
    """Every table but that of the version, one after those that it refers to."""
    return [table for table in Base.metadata.sorted_tables if table.name != SchemaRow.__tablename__]


def check(source: Library, target: Library) -> None:
    """Raises LibraryError where something is at work on the source, or the target holds anything."""
    with source.database.session() as session:
        running = session.scalars(select(RunRow).where(RunRow.status == "running"))
        if any(alive(row.owner, now() - row.touched) for row in running):
            raise LibraryError(BUSY)
    with target.database.session() as session:
        if any(session.scalar(select(func.count()).select_from(table)) for table in tables()):
            raise LibraryError(NOT_EMPTY)


def copy_files(source: Storage, target: Storage) -> tuple[int, int]:
    """Copy the files of all runs that the target does not have whole; how many, and their bytes."""
    files = size = 0
    for run_id in sorted(source.runs()):
        there = target.files(run_id) or set()
        for name in sorted(source.files(run_id) or ()):
            path = source.local(run_id, name)
            if name in there and target.size(run_id, name) == path.stat().st_size:
                continue
            size += target.write(run_id, name, path, move=False)
            files += 1
    return files, size


def copy_rows(source: Library, target: Library) -> dict[str, int]:
    """Copy all rows in one transaction; how many of each table."""
    counts = {}
    with source.database.session() as reading, target.database.session(write=True) as writing:
        for table in tables():
            counts[table.name] = 0
            for rows in _batches(reading.connection(), table):
                writing.connection().execute(table.insert(), rows)
                counts[table.name] += len(rows)
        _continue_numbers(writing.connection())
    return counts


def _batches(connection: Connection, table: Table) -> Iterator[list[dict[str, object]]]:
    result = connection.execute(select(table).order_by(*table.primary_key.columns))
    for rows in result.partitions(BATCH):
        yield [dict(row._mapping) for row in rows]


def _continue_numbers(connection: Connection) -> None:
    """Let PostgreSQL number the next rows after those that came with their numbers."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables():
        column = table.autoincrement_column
        if column is None:
            continue
        last = connection.scalar(select(func.max(column)))
        if last is not None:
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)"),
                {"table": table.name, "column": column.name, "last": last},
            )


if __name__ == "__main__":
    sys.exit(main())
