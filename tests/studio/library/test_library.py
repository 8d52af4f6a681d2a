"""The library: what it keeps comes back as it was given, and deletes free their space."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from backends.core.errors import BadInput
from studio.library import models
from studio.library.library import Library, LibraryError, UnknownRun
from tests.support.library import begin, folder


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
