"""The weight store on the disk: what it finds there, notices, imports and removes."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.errors import BadInput, WeightsBroken, WeightsMissing
from backends.weights.store import WeightStore

# What is on the disk


def test_missing_weights_say_how_to_get_them(hub, store, card_of):
    card = card_of(hub.serve("a.th"), id="some_net")
    with pytest.raises(WeightsMissing) as caught:
        store.paths(card)
    for words in ("The Net", "download button", "python -m backends fetch some_net", "300 kB", "import a.th"):
        assert words in caught.value.sentence
    assert not hub.log


def test_a_card_without_files_needs_nothing(store, card_of):
    assert store.state(card_of()) == "builtin"
    assert store.paths(card_of()) == ()
    store.remove(card_of())


def test_a_file_damaged_on_the_disk_is_noticed_and_healed(hub, store, card_of):
    card = card_of(hub.serve("a.th"))
    store.take(card)
    path = store.path(card, card.files[0])
    damaged = bytearray(path.read_bytes())
    damaged[1000] ^= 1
    path.write_bytes(damaged)
    assert store.state(card) == "broken"
    with pytest.raises(WeightsBroken, match="python -m backends fetch net"):
        store.paths(card)
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])


def test_a_truncated_file_is_noticed_without_reading_it(hub, store, card_of):
    card = card_of(hub.serve("a.th"))
    store.take(card)
    with store.path(card, card.files[0]).open("r+b") as file:
        file.truncate(1000)
    assert store.state(card) == "broken"


def test_an_unchanged_file_is_hashed_once(hub, store, card_of, monkeypatch):
    card = card_of(hub.serve("a.th"))
    store.take(card)
    monkeypatch.setattr("backends.weights.digests.hash_file", lambda path: pytest.fail(f"{path} was read again"))
    assert store.renewed().state(card) == "present"


def test_a_note_torn_by_a_power_cut_is_written_anew(hub, store, card_of):
    card = card_of(hub.serve("a.th"))
    store.take(card)
    (note,) = (store.root / "net").glob(".*.json")
    whole = note.read_text()
    for torn in ("", "[300000, 1", '["x", "y", "z"]', "{}"):
        note.write_text(torn)
        assert store.renewed().state(card) == "present"
        assert note.read_text() == whole


def test_the_cache_can_be_moved(hub, store, card_of, tmp_path, monkeypatch):
    card = card_of(hub.serve("a.th"))
    store.take(card)
    moved = tmp_path / "another disk" / "kept"
    moved.parent.mkdir()
    shutil.move(store.root, moved)
    monkeypatch.setenv("FOURFOLD_WEIGHTS", str(moved))
    monkeypatch.setattr("backends.weights.digests.hash_file", lambda path: pytest.fail(f"{path} was read again"))
    store = type(store)(offline=True)
    assert store.root == moved
    assert store.content(card) == hub.body(card.files[0])


@pytest.mark.skipif(sys.platform != "linux", reason="each platform has its own place")
def test_the_cache_lies_where_this_platform_keeps_caches(tmp_path, monkeypatch):
    monkeypatch.delenv("FOURFOLD_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert WeightStore().root == tmp_path / "fourfold" / "weights"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert WeightStore().root == tmp_path / "me" / ".cache" / "fourfold" / "weights"


@pytest.mark.parametrize("name", ["../a.th", "/etc/a.th", "..", "", "a/b.th", ".hidden", "a\\b.th"])
def test_no_name_leads_out_of_the_cache_folder(hub, store, card_of, name):
    file = hub.serve("a.th")
    for card in (card_of(replace(file, name=name)), card_of(file, id=name)):
        with pytest.raises(ValueError, match="cannot name weights"):
            store.take(card)
    assert not hub.log and not store.root.exists()


def test_removing_leaves_nothing_of_the_card_and_all_of_the_others(hub, store, card_of):
    one, other = card_of(hub.serve("a.th"), hub.serve("b.th"), id="one"), card_of(hub.serve("c.th"), id="other")
    store.take(one)
    store.take(other)
    store.remove(one)
    assert store.state(one) == "absent" and not (store.root / "one").exists()
    assert store.state(other) == "present"


# Import


def test_a_local_file_is_imported_whatever_its_name(hub, store, card_of, tmp_path):
    card = card_of(hub.serve("a.th"))
    mine = tmp_path / "my download (1).bin"
    mine.write_bytes(hub.body(card.files[0]))
    assert store.import_files(card, mine) == (store.path(card, card.files[0]),)
    assert store.content(card) == hub.body(card.files[0])
    assert mine.exists() and not hub.log
    mine.unlink()
    assert store.state(card) == "present"


def test_an_import_is_a_copy(hub, store, card_of, tmp_path):
    card = card_of(hub.serve("a.th"))
    mine = tmp_path / "a.th"
    mine.write_bytes(hub.body(card.files[0]))
    store.import_files(card, mine)
    assert store.content(card) == hub.body(card.files[0])
    assert store.path(card, card.files[0]).stat().st_ino != mine.stat().st_ino


def test_an_original_that_changes_later_leaves_the_copy_as_it_is(hub, store, card_of, tmp_path):
    card = card_of(hub.serve("a.th"))
    mine = tmp_path / "a.th"
    mine.write_bytes(hub.body(card.files[0]))
    store.import_files(card, mine)
    mine.write_bytes(bytes(300_000))
    assert store.state(card) == "present" and store.content(card) == hub.body(card.files[0])


def test_a_bag_is_imported_in_any_order_file_by_file_or_as_a_folder(hub, store, card_of, tmp_path):
    card = card_of(hub.serve("a.th"), hub.serve("b.th"))
    (tmp_path / "first").write_bytes(hub.body(card.files[1]))
    store.import_files(card, [tmp_path / "first"])
    assert store.state(card) == "partial"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "notes.txt").write_text("where these came from")
    for number, file in enumerate(reversed(card.files)):
        (folder / str(number)).write_bytes(hub.body(file))
    store.import_files(card, folder)
    assert [path.read_bytes() for path in store.paths(card)] == [hub.body(file) for file in card.files]


def test_a_file_that_is_not_the_cards_is_refused_and_nothing_changes(hub, store, card_of, tmp_path):
    card = card_of(hub.serve("a.th"))
    wrong = tmp_path / "a.th"
    wrong.write_bytes(bytes(300_000))
    with pytest.raises(BadInput, match=r"“a\.th” is not one of the published files of “The Net”"):
        store.import_files(card, wrong)
    with pytest.raises(BadInput, match="There is no file “gone"):
        store.import_files(card, tmp_path / "gone.th")
    with pytest.raises(BadInput, match="in that folder"):
        (tmp_path / "empty").mkdir()
        store.import_files(card, tmp_path / "empty")
    assert store.state(card) == "absent" and not list(store.root.rglob("*.th"))


def test_an_import_takes_the_place_of_a_begun_download(hub, store, card_of, tmp_path, slow):
    card = card_of(hub.serve("a.th", slow))
    store.begin(card)
    mine = tmp_path / "a.th"
    mine.write_bytes(hub.body(card.files[0]))
    store.import_files(card, mine)
    assert store.content(card) == hub.body(card.files[0])
    assert not store.part(card).exists()


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_shared_cache_that_may_only_be_read_serves_its_files(hub, store, card_of, monkeypatch, code):
    card = card_of(hub.serve("a.th"))
    store.take(card)
    next((store.root / "net").glob(".*.json")).unlink()

    def refuse(*_args, **_keywords):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "write_text", refuse)
    shared = store.renewed()
    assert shared.content(card) == hub.body(card.files[0])
    monkeypatch.setattr("backends.weights.digests.hash_file", lambda path: pytest.fail(f"{path} was read again"))
    assert shared.state(card) == "present"


def test_a_file_that_changes_while_it_is_imported_is_not_taken(hub, store, card_of, tmp_path, monkeypatch):
    card = card_of(hub.serve("a.th"))
    mine = tmp_path / "a.th"
    mine.write_bytes(hub.body(card.files[0]))
    monkeypatch.setattr(shutil, "copyfile", lambda _source, target: Path(target).write_bytes(bytes(300_000)))
    with pytest.raises(BadInput, match="changed while it was being imported"):
        store.import_files(card, mine)
    assert store.state(card) == "absent" and not any((store.root / "net").iterdir())
