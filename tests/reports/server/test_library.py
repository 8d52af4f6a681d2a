"""The library where its disk, clock, database or storage is not as it should be."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from studio.library import database, maintenance, models
from studio.library.library import Library, LibraryError
from tests.support.library import begin


def test_a_new_home_can_be_read_by_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "data" / "fourfold"
    monkeypatch.setenv("FOURFOLD_HOME", str(home))
    before = os.umask(0o022)
    try:
        library = Library()
        library.keep(begin(library).id, "stem", "vocals", b"sound")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home, home / "runs", home / "library.sqlite")}
    assert modes == {"fourfold": 0o700, "runs": 0o700, "library.sqlite": 0o600}
    assert all(path.stat().st_mode & 0o077 == 0 for path in home.glob("library.sqlite*"))


def test_a_home_that_is_there_keeps_its_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setenv("FOURFOLD_HOME", str(tmp_path))
    Library()
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_home_where_nothing_can_be_made_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURFOLD_HOME", "/proc")
    with pytest.raises(LibraryError, match="Fourfold cannot use the storage folder “/proc/runs”"):
        Library()


def test_an_empty_prefix_of_an_object_store_is_an_empty_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object store has no folders: a prefix under which nothing lies is not there."""

    def nothing_there(self: MemoryFileSystem, path: str, detail: bool = True, **_: Any) -> list[Any]:
        raise FileNotFoundError(path)

    library = Library(f"sqlite:///{tmp_path / 'a.sqlite'}", storage="memory://bucket/prefix")
    monkeypatch.setattr(MemoryFileSystem, "ls", nothing_there)
    assert library.storage.runs() == set()
    assert maintenance.repair(library).unknown == ()


def test_one_studio_at_a_time_creates_the_tables_of_a_shared_database() -> None:
    statements: list[str] = []
    connection = SimpleNamespace(
        dialect=SimpleNamespace(name="postgresql"), execute=lambda statement, values: statements.append(str(statement))
    )
    database._wait_for_turn(connection)  # type: ignore[arg-type]
    assert statements == ["SELECT pg_advisory_xact_lock(:key)"]


def test_a_clock_that_is_set_kills_no_living_studio(monkeypatch: pytest.MonkeyPatch) -> None:
    host = models.owner().split("/")[0]
    parent = os.getppid()
    owner = f"{host}/{parent}/{models._started(parent):.2f}"
    created = psutil.Process.create_time
    for hours in (-1, 1, 24 * 365):
        step = 3600 * hours
        monkeypatch.setattr(psutil.Process, "create_time", lambda self, step=step: created(self) + step)
        assert models.alive(owner, 0)


def test_a_studio_of_the_version_before_is_still_known(monkeypatch: pytest.MonkeyPatch) -> None:
    host, parent = models.owner().split("/")[0], os.getppid()
    created = psutil.Process(parent).create_time()
    assert models.alive(f"{host}/{parent}/{created:.2f}", 0)
    assert not models.alive(f"{host}/{parent}/{created - 3600:.2f}", 0)
