"""The library between threads, processes and restarts: nothing is lost, and what was cut short is put in order."""

import concurrent.futures
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from studio.library import models
from studio.library.library import Library, LibraryError, home
from studio.library.maintenance import repair
from tests.support.library import begin, folder

ROOT = Path(__file__).resolve().parents[3]


def test_threads_merge_without_loss(library):
    run = begin(library)

    def work(worker):
        for i in range(5):
            library.note(run.id, metrics={f"{worker}.{i}": i}, notices=[f"{worker}.{i}"])
            library.keep(run.id, "segment", f"{worker}", b"x" * 100, meta={"index": i})
            library.artifacts(run.id)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(library.get(run.id).metrics) == 40
    assert len(library.get(run.id).notices) == 40
    assert library.count(run.id, "segment") == 40


CHILD = """
import sys
from studio.library.library import Library
library = Library()
run_id = sys.argv[1]
for i in range(10):
    library.note(run_id, metrics={f"{sys.argv[2]}.{i}": i})
own = library.begin(task="separation", title="child", engine="dsp")
library.keep(own.id, "stem", "a", b"child")
if sys.argv[2] == "0":
    library.finish(own.id, "done")
"""


@pytest.mark.slow
def test_processes_share_one_database_and_the_dead_are_told_from_the_living(absent_home):
    library = None
    run_id = "shared-by-processes-1"
    starters = [
        subprocess.Popen([sys.executable, "-c", "from studio.library.library import Library; Library()"], cwd=ROOT)
        for _ in range(2)
    ]
    assert [process.wait() for process in starters] == [0, 0]  # both found no database and made it
    library = Library()
    begin(library, run_id=run_id)
    children = [subprocess.Popen([sys.executable, "-c", CHILD, run_id, str(i)], cwd=ROOT) for i in range(2)]
    assert [process.wait() for process in children] == [0, 0]
    assert len(library.get(run_id).metrics) == 20

    report = repair(library)
    (interrupted,) = library.list(status="interrupted")  # the child that ended before its run did
    assert report.interrupted == (interrupted.id,)
    assert "closed or stopped" in interrupted.error
    assert library.get(run_id).status == "running"  # this process lives
    assert repair(library).interrupted == ()


def test_a_restarted_container_and_a_silent_machine_count_as_dead(library, monkeypatch):
    host, pid, started = models.owner().rsplit("/", 2)
    assert models.alive(models.owner(), 10**9)
    assert not models.alive(f"{host}/{pid}/{float(started) - 5:.2f}", 0)
    assert not models.alive(f"{host}/{2**22 + 1}/{started}", 0)
    assert models.alive(f"elsewhere-{host}/{pid}/{started}", 60)
    assert not models.alive(f"elsewhere-{host}/{pid}/{started}", 7 * 3600)


def test_sweep_completes_a_delete_that_was_cut_short(library, monkeypatch):
    run = begin(library)
    library.keep(run.id, "stem", "a", b"1")
    library.finish(run.id, "done")
    with monkeypatch.context() as patch:
        patch.setattr(library, "erase", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            library.delete(run.id)
    assert folder(library, run).exists()
    assert library.get(run.id) is None
    assert library.list() == ()
    assert repair(library).deleted == (run.id,)
    assert not folder(library, run).exists()
    assert library.total() == 0


def test_sweep_removes_old_leftovers_and_drops_lost_files(library):
    run = begin(library)
    good, lost = (library.keep(run.id, "stem", name, b"1") for name in ("good", "lost"))
    library.finish(run.id, "done")
    (folder(library, run) / "stem-x-0123456789ab.wav").write_bytes(b"half")
    fresh = folder(library, run) / ".fresh.part"
    fresh.write_bytes(b"being written")
    old = folder(library, run) / "stem-x-0123456789ab.wav"
    os.utime(old, (1, 1))
    os.utime(folder(library, run) / good.file, (1, 1))
    (folder(library, run) / lost.file).unlink()

    report = repair(library)
    assert (report.leftovers, report.missing) == (1, 1)
    assert fresh.exists() and not old.exists()
    assert library.artifacts(run.id) == (good,)
    assert "lost" in library.get(run.id).notices[0]
    with pytest.raises(LibraryError, match="no longer"):
        library.local(run.id, lost)
    with pytest.raises(LibraryError, match="no longer"):
        library.open(run.id, lost)


def test_a_storage_that_is_away_loses_nothing(library):
    run = begin(library)
    kept = library.keep(run.id, "stem", "a", b"1")
    library.finish(run.id, "done")
    Path(library.storage.root).rename(f"{library.storage.root}.unplugged")
    Path(library.storage.root).mkdir()
    assert repair(Library()).missing == 1
    Path(library.storage.root).rmdir()
    Path(f"{library.storage.root}.unplugged").rename(library.storage.root)
    repair(library)
    assert library.artifacts(run.id) == (kept,)
    assert library.local(run.id, kept).read_bytes() == b"1"


def test_folders_explain_themselves_when_the_database_is_lost(library, absent_home):
    run = begin(library, title="Survivor", options={"a": 1})
    kept = library.keep(run.id, "stem", "vocals", b"song", meta={"index": 3, "samplerate": 8000})
    library.finish(run.id, "done", seconds=3)
    library.note(run.id, metrics={"later": 1})
    library.rename(run.id, "Renamed")
    text = json.loads((folder(library, run) / "run.json").read_text())
    assert (text["title"], text["artifacts"][0]["file"]) == ("Renamed", kept.file)
    strange = Path(library.storage.root) / "somebody-elses-folder"
    strange.mkdir()
    (strange / "run.json").write_text("{}")
    (strange / "photo.jpg").write_bytes(b"x")

    fresh = Library(f"sqlite:///{absent_home / 'second.sqlite'}")
    report = repair(fresh)
    assert (report.adopted, report.unknown) == ((run.id,), (strange.name,))
    assert fresh.get(run.id) == library.get(run.id)
    assert fresh.artifacts(run.id) == (kept,)
    assert (strange / "photo.jpg").exists()


def test_a_manifest_that_names_other_files_is_not_believed(library, absent_home):
    run = begin(library)
    library.keep(run.id, "stem", "vocals", b"song")
    library.finish(run.id, "done")
    path = folder(library, run) / "run.json"
    text = json.loads(path.read_text())
    text["artifacts"][0]["file"] = "../../library.sqlite"
    path.write_text(json.dumps(text))
    assert repair(Library(f"sqlite:///{absent_home / 'second.sqlite'}")).unknown == (run.id,)


def test_half_a_file_is_never_seen(library, monkeypatch):
    run = begin(library)
    seen = []

    def fails_late(source, target):
        Path(target).write_bytes(b"half")
        seen.append((library.artifacts(run.id), [p.name for p in folder(library, run).iterdir()]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("studio.library.storage.shutil.copyfile", fails_late)
    with pytest.raises(LibraryError, match="disk is full"):
        library.keep(run.id, "stem", "a", Path(__file__))
    rows, names = seen[0]
    assert rows == ()
    assert all(name.startswith(".") for name in names)
    assert list(folder(library, run).iterdir()) == []


def test_another_file_system_gives_the_same(absent_home, tmp_path):
    library = Library(storage=f"memory://{uuid.uuid4().hex}")
    run, source = begin(library), tmp_path / "a.wav"
    source.write_bytes(b"0123456789")
    stored = library.keep(run.id, "stem", "a", source, move=True)
    assert not source.exists()
    with library.open(run.id, stored) as file:
        file.seek(-3, 2)
        assert file.read() == b"789"
    copy = library.local(run.id, stored)
    assert copy.read_bytes() == b"0123456789"
    assert copy.is_relative_to(absent_home / "cache")
    library.finish(run.id, "done")
    assert repair(library).missing == 0
    assert library.usage().free is None
    other = Library(f"sqlite:///{tmp_path / 'other.sqlite'}", storage=f"memory://{library.storage.root}")
    assert repair(other).adopted == (run.id,)
    library.delete(run.id)
    assert not copy.exists()
    assert library.storage.files(run.id) is None
    assert library.storage.runs() == set()


def test_the_two_addresses_move_it_elsewhere(absent_home, tmp_path, monkeypatch):
    monkeypatch.setenv("FOURFOLD_DATABASE_URL", f"sqlite:///{tmp_path / 'db' / 'team.sqlite'}")
    monkeypatch.setenv("FOURFOLD_STORAGE", str(tmp_path / "team files"))
    library = Library()
    stored = library.keep(begin(library).id, "stem", "a", b"1")
    assert (tmp_path / "db" / "team.sqlite").is_file()
    assert (tmp_path / "team files" / stored.run_id / stored.file).is_file()
    assert not absent_home.exists()


def test_home_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("FOURFOLD_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert home() == tmp_path / "fourfold"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / ".local" / "share" / "fourfold"
