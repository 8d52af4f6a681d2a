"""The library: what it keeps comes back, nothing half-written shows, and trouble is told in a sentence."""

import concurrent.futures
import json
import os
import sqlite3
import subprocess
import sys
import threading
import uuid
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

from backends.core.errors import BadInput, UserError
from studio.library import database, models
from studio.library.library import Library, LibraryError, UnknownRun, home
from studio.library.maintenance import repair

ROOT = Path(__file__).resolve().parents[3]


def begin(library, title="A song", **changes):
    return library.begin(**{"task": "separation", "title": title, "engine": "dsp", **changes})


def folder(library, run):
    return Path(library.storage.root) / run.id


def test_a_run_comes_back_as_it_was_told(library, absent_home):
    run = begin(
        library,
        title="  Two\nlines\x00 ",
        weights="none",
        card={"id": "dsp", "outputs": ("vocals", "drums")},
        options={"stems": "vocals", "gain": np.float32(0.5)},
        inputs=[{"name": "a.mp3", "sha256": "ab", "bytes": 3}],
        versions={"fourfold": "0.1.0"},
    )
    library.note(run.id, metrics={"residual": {"value": -71.5, "unit": "dB"}}, notices=["The file ends early."])
    library.note(
        run.id, metrics={"silent": float("nan")}, notices=["The file ends early.", "Mono."], facts={"frames": 9}
    )
    library.finish(run.id, "done", seconds=2.5)

    again = Library().get(run.id)  # another process would see the same
    assert (again.title, again.status, again.seconds, again.finished) == ("Two lines", "done", 2.5, True)
    assert again.card == {"id": "dsp", "outputs": ["vocals", "drums"]}
    assert again.options == {"stems": "vocals", "gain": 0.5}
    assert again.inputs == [{"name": "a.mp3", "sha256": "ab", "bytes": 3}]
    assert again.metrics == {"residual": {"value": -71.5, "unit": "dB"}, "silent": None}
    assert again.notices == ["The file ends early.", "Mono."]
    assert again.facts == {"frames": 9}
    assert again.created.utcoffset().total_seconds() == 0
    with pytest.raises(FrozenInstanceError):
        again.title = "x"
    assert (absent_home / "library.sqlite").is_file()


def test_files_keep_their_bytes_and_lose_their_names(library, tmp_path):
    run = begin(library)
    hostile = tmp_path / "..evil; rm -rf ~.WAV"
    hostile.write_bytes(b"sound")
    kept = library.keep(run.id, "stem", "vocals", hostile, meta={"samplerate": 44100})
    other = library.keep(run.id, "input", "song", b"mp3", file="../../../etc/passwd")
    odd = library.keep(run.id, "input", "odd", b"x", file="a.p/h\\p;")
    for stored in (kept, other, odd):
        assert models.re.fullmatch(r"[a-z0-9-]+\.[a-z0-9]+", stored.file)
        assert library.local(run.id, stored).parent == folder(library, run)
    assert kept.file.startswith("stem-vocals-") and kept.file.endswith(".wav")
    assert other.file.startswith("passwd-")
    with library.open(run.id, kept) as file:
        file.seek(2)
        assert file.read() == b"und"
    assert hostile.exists()
    assert (kept.bytes, kept.meta) == (5, {"samplerate": 44100})
    assert library.find(run.id, kept.file) == kept
    assert library.find(run.id, "../library.sqlite") is None


def test_move_takes_the_file(library, tmp_path):
    run, source = begin(library), tmp_path / "a.wav"
    source.write_bytes(b"1234")
    stored = library.keep(run.id, "stem", "a", source, move=True)
    assert not source.exists()
    assert library.local(run.id, stored).read_bytes() == b"1234"


def test_artifacts_are_ordered_counted_and_replaced(library):
    run = begin(library)
    for index in (10, 2, 1):
        library.keep(run.id, "segment", "vocals", bytes([index]), meta={"index": index})
    library.keep(run.id, "segment", "bass", b"b", meta={"index": 0})
    library.keep(run.id, "mix", "mix", b"mm")
    listed = [(stored.kind, stored.name, stored.index) for stored in library.artifacts(run.id)]
    assert listed == [("mix", "mix", 0), ("segment", "bass", 0)] + [("segment", "vocals", i) for i in (1, 2, 10)]
    assert (library.count(run.id), library.count(run.id, "segment"), library.count("x" * 22)) == (5, 4, 0)

    old = library.artifacts(run.id, "mix")[0]
    new = library.keep(run.id, "mix", "mix", b"better")
    assert library.artifacts(run.id, "mix") == (new,)
    assert new.file != old.file  # the bytes under one name never change, so they may be cached for ever
    assert not (folder(library, run) / old.file).exists()


def test_list_filters_and_pages_newest_first(library):
    runs = [begin(library, title=str(i), task=("matting" if i % 2 else "separation")) for i in range(6)]
    library.finish(runs[4].id, "failed", error="It broke.")
    assert [run.title for run in library.list()] == list("543210")
    assert [run.title for run in library.list(task="separation", limit=2, offset=1)] == ["2", "0"]
    assert [run.error for run in library.list(status="failed")] == ["It broke."]
    assert (library.total(), library.total(task="matting"), library.total(status="failed")) == (6, 3, 1)


def test_the_first_ending_stands(library):
    run = begin(library)
    library.finish(run.id, "cancelled", seconds=1)
    assert library.finish(run.id, "done", seconds=9).status == "cancelled"
    with pytest.raises(ValueError, match="running"):
        library.finish(run.id, "running")


def test_rename_and_delete_free_the_space(library):
    run, stays = begin(library), begin(library)
    library.keep(run.id, "stem", "a", b"12345")
    library.keep(stays.id, "stem", "a", b"123")
    assert library.usage().runs == {run.id: 5, stays.id: 3}
    assert library.usage().total == 8
    assert library.usage().free > 0
    assert library.rename(run.id, " New \t name ").title == "New name"
    with pytest.raises(BadInput, match="empty"):
        library.rename(run.id, " \n ")
    with pytest.raises(BadInput, match="cancel it first"):
        library.delete(run.id)
    library.finish(run.id, "done")
    library.delete(run.id)
    assert library.get(run.id) is None
    assert not folder(library, run).exists()
    assert library.usage().runs == {stays.id: 3}
    for act in (library.delete, lambda i: library.rename(i, "x"), lambda i: library.keep(i, "stem", "a", b"")):
        with pytest.raises(UnknownRun, match="no such run"):
            act(run.id)
    assert not folder(library, run).exists()


@pytest.mark.parametrize("run_id", ["../../outside0000000", "a/b/c/d/e/f/g/h/i/j", "short", "x" * 65, "a" * 15 + "\n"])
def test_only_plain_ids_become_paths(library, run_id):
    assert library.get(run_id) is None
    with pytest.raises(UnknownRun):
        begin(library, run_id=run_id)
    with pytest.raises(UnknownRun):
        library.keep(run_id, "stem", "a", b"1")
    with pytest.raises(UnknownRun):
        library.storage.erase(run_id)


def test_ids_cannot_be_guessed_and_are_taken_once(library):
    ids = {begin(library).id for _ in range(5)}
    assert len(ids) == 5
    assert min(map(len, ids)) >= 22
    run = begin(library, run_id="chosen-by-the-job-01")
    with pytest.raises(LibraryError, match="already"):
        begin(library, run_id=run.id)


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


# -- trouble, in a sentence -----------------------------------------------------------------------------------------


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
    monkeypatch.setattr(database, "SCHEMA", 3)
    monkeypatch.setattr(
        database, "MIGRATIONS", {1: ("ALTER TABLE runs ADD COLUMN mood TEXT",), 2: ("UPDATE runs SET mood = 'calm'",)}
    )
    newer = Library()
    assert newer.get(run.id).title == run.title
    with sqlite3.connect(absent_home / "library.sqlite") as connection:
        assert connection.execute("SELECT mood FROM runs").fetchall() == [("calm",)]
        assert connection.execute("SELECT version FROM schema").fetchall() == [(3,)]


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
