"""A library whose files lie in an S3 store: two studios at once lose and double nothing, and it can move there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from studio.library import maintenance, transfer
from studio.library.library import Library
from studio.library.models import FileGone, LibraryError
from tests.support.library import begin
from tests.support.object_store import object_store
from tests.support.postgres import postgres, programs

ROOT = Path(__file__).resolve().parents[3]
SONGS = 8
STUDIO = f"""
import sys
from pathlib import Path
from studio.library import maintenance
from studio.library.library import Library

library = Library(sys.argv[1], sys.argv[2])
sys.stdin.readline()
maintenance.repair(library)
for number in range({SONGS}):
    run = library.begin(task="separation", title=f"{{sys.argv[3]}} {{number}}", engine="dsp")
    library.keep(run.id, "stem", "vocals", run.id.encode(), file="vocals.wav")
    library.finish(run.id, "done", 1.0)
"""
"""What a studio does: it puts the library right as it starts, then runs jobs."""


@pytest.fixture(scope="module")
def store() -> Iterator[Mapping[str, str]]:
    with object_store() as settings:
        yield settings


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """A real PostgreSQL where there is one, else SQLite, which two studios on one machine can share."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        yield f"sqlite:///{tmp_path / 'library.sqlite'}"
        return
    if programs() is None:
        yield f"sqlite:///{tmp_path / 'library.sqlite'}"
        return
    with postgres() as url:
        yield url


@pytest.fixture
def place(store: Mapping[str, str], tmp_path: Path) -> str:
    """The address of an empty library in the store."""
    return f"s3://lab/{tmp_path.name}"


def test_files_go_to_the_store_and_come_back(place: str, library: Library) -> None:
    far = Library(str(library.database._reads.url), place)
    run = begin(far)
    stored = far.keep(run.id, "stem", "vocals", b"sound", file="vocals.wav")
    assert far.local(run.id, stored).read_bytes() == b"sound" and far.open(run.id, stored).read() == b"sound"
    again = far.keep(run.id, "stem", "vocals", b"louder", file="vocals.wav")
    far.finish(run.id, "done", 1.0)
    assert far.storage.files(run.id) == {again.file, "run.json"} and far.storage.runs() == {run.id}
    far.delete(run.id)
    assert far.storage.runs() == set() and far.list() == ()
    with pytest.raises(FileGone):
        far.storage.open(run.id, again.file).read()


def test_what_another_studio_writes_is_seen_at_once(place: str, library: Library) -> None:
    """Clients of a store remember what they listed; a studio that did would take the files of others for lost."""
    from s3fs import S3FileSystem

    url = str(library.database._reads.url)
    mine = Library(url, place)
    run = begin(mine)
    mine.keep(run.id, "stem", "vocals", b"sound")
    assert mine.storage.runs() == {run.id} and len(mine.storage.files(run.id) or ()) == 1
    S3FileSystem.clear_instance_cache()  # as if it were in another process
    other = Library(url, place)
    assert other.storage.fs is not mine.storage.fs
    other.keep(run.id, "stem", "drums", b"boom")
    other.finish(run.id, "done", 1.0)
    second = begin(other)
    other.keep(second.id, "stem", "vocals", b"sound")
    assert mine.storage.runs() == {run.id, second.id}
    assert len(mine.storage.files(run.id) or ()) == 3  # with its run.json
    assert maintenance.repair(mine).missing == 0 and mine.count(run.id) == 2


@pytest.mark.slow
def test_two_studios_at_once_lose_and_double_nothing(database: str, place: str) -> None:
    mine = Library(database, place)
    both = [run_studio(database, place, name) for name in ("near", "far")]
    for one in both:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    for one in both:
        _, words = one.communicate(timeout=120)
        assert one.returncode == 0, words
    runs = mine.list(limit=100)
    assert sorted(run.title for run in runs) == sorted(f"{name} {n}" for name in ("near", "far") for n in range(SONGS))
    for run in runs:
        (stored,) = mine.artifacts(run.id)
        assert run.status == "done" and mine.open(run.id, stored).read() == run.id.encode()
    report = maintenance.repair(mine)
    assert (report.interrupted, report.leftovers, report.missing, report.unknown) == ((), 0, 0, ())


def run_studio(database: str, place: str, name: str) -> subprocess.Popen[str]:
    """A process that begins once it reads a line."""
    return subprocess.Popen(
        [sys.executable, "-c", STUDIO, database, place, name],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_library_moves_to_the_store(
    place: str, library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = begin(library)
    library.keep(run.id, "stem", "vocals", b"sound", file="vocals.wav")
    library.finish(run.id, "done", 1.0)
    url = f"sqlite:///{tmp_path / 'other.sqlite'}"
    assert transfer.main(["--database", url, "--storage", place]) == 0
    assert "2 files copied" in capsys.readouterr().out
    moved = Library(url, place)
    (stored,) = moved.artifacts(run.id)
    assert moved.open(run.id, stored).read() == b"sound" and moved.get(run.id) == library.get(run.id)


def test_a_store_that_is_away_is_a_sentence(place: str, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    from s3fs import S3FileSystem

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    S3FileSystem.clear_instance_cache()
    with pytest.raises(LibraryError, match="check that it is there and reachable"):
        Library(str(library.database._reads.url), place).storage.runs()
    S3FileSystem.clear_instance_cache()
