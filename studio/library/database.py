"""The library's database: one engine, short transactions, and sentences in place of a driver's messages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session

from studio import visitors
from studio.library import catalogue_tables
from studio.library.migrations import MIGRATIONS
from studio.library.models import SCHEMA, Base, LibraryError
from studio.library.privacy import confine
from studio.library.storage import PRIVATE

PREPARE_LOCK = 0x464F5552
"""The number of PostgreSQL's advisory lock for creating the tables: "FOUR"."""


class Database:
    """Opens `url`, bringing its tables to this version. Raises LibraryError, here and from `session`."""

    def __init__(self, url: str) -> None:
        self._reads = _engine(url)
        self._writes = self._reads.execution_options(writes=True)
        with _errors_as_sentences(self._reads):
            prepare(self._writes)

    @contextmanager
    def session(self, write: bool = False) -> Iterator[Session]:
        """One transaction, for the visitor who asks; reading ones leave SQLite's single writer alone."""
        engine, visitor = self._writes if write else self._reads, visitors.current()
        with _errors_as_sentences(engine), Session(engine, expire_on_commit=False) as session, session.begin():
            if visitor is not visitors.EVERYBODY:
                confine(session, visitor)
            yield session


def prepare(engine: Engine) -> None:
    """Create the tables in an empty database, or bring an older one forward. Raises LibraryError on a newer one."""
    with engine.begin() as connection:
        _wait_for_turn(connection)
        fresh = not inspect(connection).has_table("schema")
        if fresh:
            Base.metadata.create_all(connection)
            catalogue_tables.create_word_index(connection)
            connection.execute(text("INSERT INTO schema (version) VALUES (:v)"), {"v": SCHEMA})
        version = connection.execute(text("SELECT max(version) FROM schema")).scalar() or 0
        if version > SCHEMA:
            raise LibraryError(
                f"This library was written by a newer Fourfold (version {version}, this one reads up to {SCHEMA}): "
                "update Fourfold, or set FOURFOLD_HOME to another folder."
            )
        for step in range(version, SCHEMA):
            for action in MIGRATIONS[step]:
                action(connection) if callable(action) else connection.execute(text(action))
            connection.execute(text("UPDATE schema SET version = :v"), {"v": step + 1})


def _wait_for_turn(connection: Connection) -> None:
    """Let one studio at a time create the tables; SQLite's transaction has locked the database already.

    PostgreSQL would let two find no tables and both create them. Its lock ends with the transaction.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PREPARE_LOCK})


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            make_folder(Path(parsed.database).parent)
            _make_private(Path(parsed.database))
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise LibraryError(
            "FOURFOLD_DATABASE_URL cannot be used: it needs an address such as sqlite:////data/library.sqlite or "
            "postgresql+psycopg://user@host/name, with the database's Python driver installed."
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
    return engine


def make_folder(folder: Path) -> None:
    """Make a data folder that only this user can look into; one that is there stays as it is. Raises LibraryError."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    except OSError as error:
        raise LibraryError(
            f"Fourfold cannot make its data folder “{folder}” ({error.strerror}): set FOURFOLD_HOME to one you own."
        ) from error


def _make_private(file: Path) -> None:
    """Make an empty file for a new database that only this user can read; SQLite gives its further files that mode."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError:  # it is there already, or cannot be made, which SQLite then says
        return


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_sqlite_begin` says, not where the driver guesses
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 30000")
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    # A reader that turns writer fails at once when another wrote meanwhile; a writer from the start waits its turn.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


@contextmanager
def _errors_as_sentences(engine: Engine) -> Iterator[None]:
    """Turn errors of the database into a LibraryError whose sentence says what to do; passwords stay out of it."""
    try:
        yield
    except SQLAlchemyError as error:
        where = engine.url.database if engine.dialect.name == "sqlite" else engine.url.render_as_string()
        raise LibraryError(_sentence(error, f"The library's database “{where}”")) from error


def _sentence(error: SQLAlchemyError, subject: str) -> str:
    reason = str(getattr(error, "orig", None) or error).lower()
    if isinstance(error, IntegrityError):
        return f"{subject} already holds a run or file of this name: start the run again."
    if "malformed" in reason or "not a database" in reason or "no such table" in reason or "no such column" in reason:
        return f"{subject} is damaged: move that file away, and Fourfold starts a new list; the runs' files stay."
    if "readonly" in reason or "unable to open" in reason or "read-only" in reason:
        return f"{subject} cannot be written: change its permissions, or set FOURFOLD_HOME to a folder you own."
    if "full" in reason:
        return f"{subject} has no space left on its disk: free some, then try again."
    if "locked" in reason:
        return f"{subject} is busy with another program: try again in a moment."
    return f"{subject} does not answer: check FOURFOLD_DATABASE_URL and that the database is running."
