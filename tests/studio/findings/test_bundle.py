"""Bundles: there and back they are equal, merge without doubling, survive a cut; hostile ones are refused in words."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backends.core.errors import UserError
from studio import services
from studio.findings import bundle_import
from studio.findings.bundle import pack_story
from studio.findings.bundle_import import Imported, read_bundle
from studio.library import maintenance
from tests.support.findings import song, told

Files = dict[str, bytes]


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A bundle of one story with one run, with everything; afterwards the library is that of another machine."""
    _, story = told(song("a song"))
    return pack_story(story.id, True, tmp_path / "talk.fourfold")


def another_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    services.stop()
    monkeypatch.setenv("FOURFOLD_HOME", str(tmp_path / "other"))


def everything() -> Any:
    """What a library holds, without the times at which it was entered."""
    library, store = services.library(), services.findings()
    runs = [(run, library.artifacts(run.id)) for run in library.list()]
    bytes_of = {item.file: library.local(run.id, item).read_bytes() for run, items in runs for item in items}
    return runs, bytes_of, store.list(), store.stories()


def test_there_and_back_is_equal_and_nothing_doubles(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything()
    assert read_bundle(packed) == Imported(0, 1, 0, 0, before[3][0].id)  # all of it is here
    another_machine(monkeypatch, tmp_path)
    assert read_bundle(packed) == Imported(1, 0, 1, 1, before[3][0].id)
    assert everything() == before
    assert read_bundle(packed).runs == 0 and everything() == before
    assert maintenance.repair(services.library()).missing == 0 and everything() == before


def test_a_small_bundle_leaves_the_upload_out_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = song("a song")
    services.library().keep(run.id, "inside", "a" * 32, b"PK", file="answer.zip")
    small = pack_story(told(run)[1].id, False, tmp_path / "small.fourfold")
    another_machine(monkeypatch, tmp_path)
    read_bundle(small)
    assert services.library().artifacts(run.id, "inside") == services.library().artifacts(run.id, "input") == ()
    assert services.library().artifacts(run.id, "segment")
    assert "without the upload" in services.library().get(run.id).notices[0]


@pytest.mark.slow
def test_a_cut_half_way_is_taken_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = song("one"), song("two")
    finding, story = told(first)
    services.findings().pin(finding.id, told(second)[0].evidence[0])
    packed = pack_story(story.id, True, tmp_path / "talk.fourfold")
    before = {run.id: services.library().artifacts(run.id) for run in (first, second)}
    another_machine(monkeypatch, tmp_path)
    storage, writes = services.library().storage, iter(range(100))
    write = storage.write

    def cut(*args: Any, **more: Any) -> int:
        if next(writes) == 12:  # in the middle of the second run's files
            raise KeyboardInterrupt
        return write(*args, **more)

    monkeypatch.setattr(storage, "write", cut)
    with pytest.raises(KeyboardInterrupt):
        read_bundle(packed)
    monkeypatch.setattr(storage, "write", write)
    assert services.library().total() == 1 and services.findings().total() == 0
    assert read_bundle(packed).runs == 1
    assert {run.id: services.library().artifacts(run.id) for run in services.library().list()} == before
    assert all(services.library().local(run_id, item).is_file() for run_id, items in before.items() for item in items)


# -- hostile bundles ---------------------------------------------------------------------------------------------------


def _write(path: Path, files: Files, before: Callable[[zipfile.ZipInfo], None] = lambda info: None) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            before(info)
            bundle.writestr(info, data)


def _list(files: Files) -> None:
    """Bring `bundle.json` up to date with the files, as somebody who knows the format would."""
    told = json.loads(files["bundle.json"])
    told["files"] = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
        if name != "bundle.json"
    }
    files["bundle.json"] = json.dumps(told).encode()


def _named(files: Files, name: str, data: bytes) -> None:
    files[name] = data
    _list(files)


def _run(files: Files, **changes: Any) -> None:
    name = next(name for name in files if name.endswith("run.json"))
    files[name] = json.dumps({**json.loads(files[name]), **changes}).encode()
    _list(files)


def _contents(files: Files, **changes: Any) -> None:
    files["bundle.json"] = json.dumps({**json.loads(files["bundle.json"]), **changes}).encode()


def _sound(files: Files, data: bytes) -> None:
    _named(files, next(name for name in files if name.endswith(".flac")), data)


def _flip(files: Files) -> None:
    name = next(name for name in files if name.endswith(".tile"))
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])


HOSTILE: dict[str, tuple[Callable[[Files], object], str]] = {
    "climbs out": (lambda files: _named(files, "runs/../../evil.wav", b"RIFF"), "lead out of its folder"),
    "absolute": (lambda files: _named(files, "/etc/passwd", b"x"), "lead out of its folder"),
    "backslashes": (lambda files: _named(files, "runs\\..\\evil.wav", b"RIFF"), "lead out of its folder"),
    "a script": (lambda files: _named(files, f"runs/{'a' * 32}/run.py/x", b"x"), "lead out of its folder"),
    "one bit": (_flip, "checksum"),
    "one missing": (lambda files: files.pop(next(n for n in files if n.endswith(".tile"))), "does not hold the files"),
    "one too many": (lambda files: files.update({f"runs/{'a' * 32}/run.json": b"{}"}), "does not hold the files"),
    "no list": (lambda files: files.pop("bundle.json"), "not a Fourfold bundle"),
    "broken list": (lambda files: files.update({"bundle.json": b'{"format": "fourfold-bundle"'}), "is damaged"),
    "deep list": (lambda files: files.update({"bundle.json": b"[" * 200_000}), "is damaged"),
    "newer": (lambda files: _contents(files, version=99), "newer Fourfold"),
    "unknown key": (lambda files: _contents(files, plugins=["x"]), "changed by hand"),
    "wrong type": (lambda files: _run(files, card="x"), "changed by hand"),
    "runs for ever": (lambda files: _run(files, status="running"), "changed by hand"),
    "another run's": (lambda files: _run(files, id="b" * 32), "changed by hand"),
    "no sound": (lambda files: _sound(files, b"<html><script>alert(1)</script>"), "is no FLAC"),
    "blows up": (lambda files: _sound(files, b"fLaC" + bytes(5_000_000)), "blows up"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_bundle_is_refused_with_a_sentence_and_changes_nothing(
    case: str, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(packed) as bundle:
        files = {name: bundle.read(name) for name in bundle.namelist()}
    harm, words = HOSTILE[case]
    harm(files)
    _write(tmp_path / "bad.fourfold", files)
    _refused(tmp_path / "bad.fourfold", words, tmp_path, monkeypatch)


def _refused(path: Path, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    another_machine(monkeypatch, tmp_path)
    services.findings()
    before = {place: place.stat().st_mtime_ns for place in tmp_path.rglob("*") if "sqlite" not in place.name}
    with pytest.raises(UserError, match=words) as refusal:
        read_bundle(path)
    assert "Traceback" not in refusal.value.sentence and refusal.value.sentence.endswith(".")
    assert services.library().total() == 0 and services.findings().total() == 0
    after = {place: place.stat().st_mtime_ns for place in tmp_path.rglob("*") if "sqlite" not in place.name}
    assert after == before and not Path("/evil.wav").exists()


def test_links_passwords_twins_and_cut_files_are_refused(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(packed) as bundle:
        files = {name: bundle.read(name) for name in bundle.namelist()}
    bad = tmp_path / "bad.fourfold"

    def link(info: zipfile.ZipInfo) -> None:
        info.external_attr = (stat.S_IFLNK | 0o777) << 16 if info.filename.endswith(".flac") else 0

    _write(bad, files, link)
    _refused(bad, "link to another place", tmp_path, monkeypatch)
    bad.write_bytes(packed.read_bytes()[:-400])
    _refused(bad, "not a Fourfold bundle", tmp_path, monkeypatch)
    bad.write_bytes(b"MZ" + bytes(1000))
    _refused(bad, "not a Fourfold bundle", tmp_path, monkeypatch)
    _write(bad, files)
    with zipfile.ZipFile(bad, "a") as bundle, pytest.warns(UserWarning, match="Duplicate"):
        bundle.writestr("bundle.json", b"{}")
    _refused(bad, "two files of one name", tmp_path, monkeypatch)
    _write(bad, files)
    whole = bytearray(bad.read_bytes())
    at = whole.index(b"PK\x01\x02")
    whole[at + 8] |= 1  # the flag of an entry that is locked with a password
    bad.write_bytes(whole)
    _refused(bad, "password", tmp_path, monkeypatch)
    monkeypatch.setattr(bundle_import, "MAX_ENTRIES", 2)
    _write(bad, files)
    _refused(bad, "at most 2 files", tmp_path, monkeypatch)
