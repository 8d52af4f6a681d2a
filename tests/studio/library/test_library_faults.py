"""Trouble with the library's database and storage is told in a sentence."""

import concurrent.futures
import os
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from backends.core.errors import UserError
from studio.library import database
from studio.library.library import Library, LibraryError, UnknownRun
from tests.support.library import begin, folder


def test_a_damaged_database_is_named(absent_home):
    absent_home.mkdir()
    (absent_home / "library.sqlite").write_bytes(b"not a database at all, " * 100)
    with pytest.raises(LibraryError, match=r"damaged.*move that file away") as caught:
        Library()
    assert str(absent_home / "library.sqlite") in str(caught.value)
    assert isinstance(caught.value, UserError)


def test_damage_that_comes_later_is_named(library, absent_home):
    run = begin(library)
    with sqlite3.connect(absent_home / "library.sqlite") as connection:
        connection.execute("DROP TABLE artifacts")
    with pytest.raises(LibraryError, match="damaged"):
        library.artifacts(run.id)


def test_a_newer_database_is_left_alone(library, absent_home):
    with sqlite3.connect(absent_home / "library.sqlite") as connection:
        connection.execute("UPDATE schema SET version = 99")
    with pytest.raises(LibraryError, match=r"newer Fourfold.*99"):
        Library()


def test_an_older_database_is_brought_forward(library, absent_home, monkeypatch):
    run = begin(library)
    now = database.SCHEMA
    monkeypatch.setattr(database, "SCHEMA", now + 2)
    steps = {now: ("ALTER TABLE runs ADD COLUMN mood TEXT",), now + 1: ("UPDATE runs SET mood = 'calm'",)}
    monkeypatch.setattr(database, "MIGRATIONS", steps)
    newer = Library()
    assert newer.get(run.id).title == run.title
    with sqlite3.connect(absent_home / "library.sqlite") as connection:
        assert connection.execute("SELECT mood FROM runs").fetchall() == [("calm",)]
        assert connection.execute("SELECT version FROM schema").fetchall() == [(now + 2,)]


def test_a_busy_database_is_named(library, absent_home, monkeypatch):
    with library.database._writes.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    blocker = sqlite3.connect(absent_home / "library.sqlite", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(LibraryError, match="busy"):
        begin(library)
    assert library.list() == ()  # reading goes on while another writes
    blocker.execute("ROLLBACK")
    assert begin(library).status == "running"


def test_places_that_cannot_be_written_are_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FOURFOLD_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(LibraryError, match=r"FOURFOLD_(HOME|STORAGE)"):
        Library()
    with pytest.raises(LibraryError, match="FOURFOLD_STORAGE"):
        Library(f"sqlite:///{tmp_path / 'a.sqlite'}", storage=str(tmp_path / "file"))
    with pytest.raises(LibraryError, match="FOURFOLD_HOME"):
        Library(f"sqlite:///{tmp_path / 'file' / 'a.sqlite'}", storage=str(tmp_path / "ok"))


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_folder_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(LibraryError, match="may not write"):
        Library(f"sqlite:///{tmp_path / 'a.sqlite'}", storage=str(tmp_path / "runs"))


@pytest.mark.parametrize("url", ["nonsense", "oracle9://x", "postgresql+nosuchdriver://u:secret@h/db"])
def test_a_database_address_nobody_understands(tmp_path, url):
    with pytest.raises(LibraryError, match="FOURFOLD_DATABASE_URL") as caught:
        Library(url, storage=str(tmp_path))
    assert "secret" not in str(caught.value)


def test_a_storage_address_nobody_understands(tmp_path):
    with pytest.raises(LibraryError, match="FOURFOLD_STORAGE"):
        Library(f"sqlite:///{tmp_path / 'a.sqlite'}", storage="nosuch://bucket")


def test_a_delete_beside_a_keep_leaves_no_folder(library, monkeypatch):
    run = begin(library)
    library.finish(run.id, "done")
    written, go_on = threading.Event(), threading.Event()
    real = library.storage.write

    def slow(run_id, file, source, move):
        size = real(run_id, file, source, move)
        written.set()
        go_on.wait(60)
        return size

    monkeypatch.setattr(library.storage, "write", slow)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        keeping = pool.submit(library.keep, run.id, "stem", "a", b"1")
        written.wait(60)
        library.delete(run.id)
        go_on.set()
        with pytest.raises(UnknownRun):
            keeping.result()
    assert not folder(library, run).exists()


def test_what_cannot_be_kept_is_refused_before_anything_is_written(library):
    run = begin(library)
    with pytest.raises(TypeError, match="Session"):
        library.keep(run.id, "stem", "a", b"1", meta={"x": Session()})
    assert not folder(library, run).exists()


def test_drop_removes_one_kind_and_its_files(tmp_path: Path) -> None:
    library = Library(f"sqlite:///{tmp_path / 'l.sqlite'}", str(tmp_path / "runs"))
    run = library.begin(task="separation", title="song", engine="dsp")
    library.keep(run.id, "scores", "scores", b"old")
    kept = library.keep(run.id, "stem", "vocals", b"sound")
    library.drop(run.id, "scores")
    assert [stored.kind for stored in library.artifacts(run.id)] == ["stem"]
    assert library.open(run.id, kept).read() == b"sound"
    assert not [path for path in (tmp_path / "runs" / run.id).iterdir() if "scores" in path.name]
