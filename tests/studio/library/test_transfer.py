"""A library moves to another database and storage whole, and two studios share one PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from studio import visitors
from studio.library import transfer
from studio.library.catalogue import Catalogue, Query
from studio.library.findings import Findings
from studio.library.library import Library
from studio.library.models import LibraryError
from tests.support.library import begin
from tests.support.postgres import postgres


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def database(server: str) -> str:
    """An empty database on a real PostgreSQL."""
    from sqlalchemy import create_engine, text

    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        number = connection.scalar(text("SELECT count(*) FROM pg_database"))
        connection.execute(text(f"CREATE DATABASE library{number}"))
    return server.rpartition("/")[0] + f"/library{number}"


@pytest.fixture
def filled(library: Library) -> Library:
    """A library with a finished run, its file, a star, and a finding."""
    for title in ("Blue Moon", "Red River"):
        run = begin(library, title=title)
        library.keep(run.id, "stem", "vocals", title.encode(), file="vocals.wav", meta={"index": 2})
        library.note(run.id, metrics={"residual": {"value": -71.5, "unit": "dB"}})
        library.finish(run.id, "done", seconds=2.5)
    Findings(library.database).create("The voice is clear.")
    return library


def contents(library: Library) -> dict[str, object]:
    runs = library.list()
    kept = {run.id: library.artifacts(run.id) for run in runs}
    entries, _ = Catalogue(library).search(Query("river"))
    return {
        "runs": runs,
        "files": {run.id: [(each, library.open(run.id, each).read()) for each in kept[run.id]] for run in runs},
        "findings": Findings(library.database).list(),
        "found": entries,
    }


def check_moved(filled: Library, database: str, storage: Path, capsys: pytest.CaptureFixture[str]) -> Library:
    assert transfer.main(["--database", database, "--storage", f"file://{storage}"]) == 0
    assert "runs: 2 rows" in capsys.readouterr().out
    moved = Library(database, f"file://{storage}")
    assert contents(moved) == contents(filled)
    assert begin(moved, title="New").id in {run.id for run in moved.list()}  # numbers go on after the copied ones
    assert transfer.main(["--database", database]) == 2
    assert "holds a library already" in capsys.readouterr().err
    return moved


def test_a_library_moves_to_another_database_and_folder(
    filled: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_moved(filled, f"sqlite:///{tmp_path / 'other.sqlite'}", tmp_path / "files", capsys)


def test_a_library_moves_to_postgresql(
    filled: Library, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = check_moved(filled, database, tmp_path / "files", capsys)
    run = moved.list()[-1]
    moved.keep(run.id, "stem", "drums", b"boom")
    assert [each.name for each in moved.artifacts(run.id, "stem")] == ["drums", "vocals"]


def test_what_is_at_work_is_not_copied(library: Library, tmp_path: Path) -> None:
    begin(library)
    with pytest.raises(LibraryError, match="stop it first"):
        transfer.check(library, Library(f"sqlite:///{tmp_path / 'other.sqlite'}", str(tmp_path)))


def test_a_copy_that_broke_off_goes_on(filled: Library, tmp_path: Path) -> None:
    target = Library(f"sqlite:///{tmp_path / 'other.sqlite'}", str(tmp_path / "files"))
    files, _ = transfer.copy_files(filled.storage, target.storage)
    assert files and transfer.copy_files(filled.storage, target.storage) == (0, 0)


def test_two_studios_on_one_postgresql_lose_and_double_nothing(database: str, tmp_path: Path) -> None:
    """Both open it at once, so that both find no tables."""
    with ThreadPoolExecutor(2) as threads:
        studios = list(threads.map(lambda _: Library(database, str(tmp_path)), range(2)))

        def fill(studio: Library) -> None:
            for number in range(10):
                run = begin(studio, title=f"Song {number}")
                studio.keep(run.id, "stem", "vocals", b"sound")
                studio.finish(run.id, "done", seconds=1.0)

        list(threads.map(fill, studios))
    for studio in studios:
        runs = studio.list(limit=100)
        assert len({run.id for run in runs}) == len(runs) == 20
        assert all(studio.count(run.id) == 1 for run in runs)


def test_a_postgresql_from_before_there_were_visitors_keeps_its_rows(database: str, tmp_path: Path) -> None:
    """And confines those who log in from then on, in searches too."""
    from sqlalchemy import create_engine, text

    old = Library(database, str(tmp_path))
    run = begin(old, title="Blue Moon")
    old.finish(run.id, "done", seconds=1.0)
    Findings(old.database).create("The voice is clear.")
    before = (old.list(), Findings(old.database).list())
    with create_engine(database).begin() as connection:
        for table in ("runs", "entries", "findings", "stories"):
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN visitor"))
        connection.execute(text("UPDATE schema SET version = 2"))
    again = Library(database, str(tmp_path))
    assert (again.list(), Findings(again.database).list()) == before
    with visitors.acting("https://id.example|ada"):
        assert again.list() == () and Catalogue(again).search(Query("moon")) == ((), 0)
        hers = begin(again, title="Full Moon")
        assert [entry.id for entry in Catalogue(again).search(Query("moon"))[0]] == [hers.id]
    assert Catalogue(again).search(Query("moon"))[1] == 2
