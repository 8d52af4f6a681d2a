"""Fetching where it cannot be done: refused, unreachable, offline, no room."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.errors import DownloadFailed


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "does not have this file"), (410, "does not have this file"), (403, "does not let"), (302, "answer 302")],
)
def test_a_refusal_is_explained_and_not_asked_twice(hub, store, card_of, status, words):
    card = card_of(hub.serve("a.th", {"status": status}))
    with pytest.raises(DownloadFailed, match=words) as caught:
        store.take(card)
    assert len(hub.log) == 1 and "127.0.0.1" in caught.value.sentence
    assert caught.value.code == "download_failed"


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_hub_repository_says_what_to_do(hub, store, card_of, monkeypatch, status):
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    file = replace(hub.serve("a.th"), url="", hub="some/net")
    hub.answer("some/net/resolve/main/a.th", {"status": status})
    with pytest.raises(DownloadFailed, match="HF_TOKEN"):
        store.take(card_of(file))


def test_a_circle_of_redirects_ends(hub, store, card_of):
    file = hub.serve("a.th", {"redirect": "/a.th"})
    with pytest.raises(DownloadFailed, match="does not lead to a file"):
        store.take(card_of(file))


def test_no_network_is_told_in_one_sentence(hub, store, card_of):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    card = card_of(replace(hub.serve("a.th"), url=f"http://127.0.0.1:{closed}/a.th"))
    with pytest.raises(DownloadFailed, match="check the network connection"):
        store.take(card)


def test_a_name_nobody_knows_is_told_in_one_sentence(hub, store, card_of):
    card = card_of(replace(hub.serve("a.th"), url="http://weights.invalid/a.th"))
    with pytest.raises(DownloadFailed, match=r"weights\.invalid cannot be reached"):
        store.take(card)


@pytest.mark.parametrize("name", ["FOURFOLD_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_mode_never_touches_the_network(hub, store, card_of, monkeypatch, name):
    file, other = hub.serve("a.th"), hub.serve("b.th")
    store.take(card_of(file))
    asked = len(hub.log)

    def forbidden(*_):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setenv(name, "1")
    store = store.renewed()
    assert store.content(card_of(file)) == hub.body(file)
    assert store.take(card_of(file))[-1].done == 300_000
    with pytest.raises(DownloadFailed, match=name):
        store.take(card_of(other))
    assert len(hub.log) == asked


def test_a_full_disk_is_told_before_anything_is_asked_for(hub, store, card_of, monkeypatch):
    card = card_of(hub.serve("a.th"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 100_000))
    with pytest.raises(DownloadFailed, match="300 kB more on the disk"):
        store.take(card)
    assert not hub.log


def test_a_disk_that_fills_meanwhile_is_told_and_what_came_is_kept(hub, store, card_of, program):
    """A file-size limit on the child process stands in for the full disk."""
    file = hub.serve("a.th")
    code = (
        "import errno, resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        f"{program(file, store.root)}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "cannot be used" in done.stdout and "FOURFOLD_WEIGHTS" in done.stdout
    assert (store.root / "net" / "a.th.part").stat().st_size == 100_000


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_told(hub, store, tmp_path, card_of):
    tmp_path.chmod(0o500)
    with pytest.raises(DownloadFailed, match="may not write"):
        type(store)(tmp_path / "weights").take(card_of(hub.serve("a.th")))


def test_a_cache_folder_that_is_a_file_is_told(hub, store, tmp_path, card_of):
    (tmp_path / "weights").write_text("not a folder")
    with pytest.raises(DownloadFailed, match="set FOURFOLD_WEIGHTS"):
        type(store)(tmp_path / "weights").take(card_of(hub.serve("a.th")))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_has_its_own_sentence(hub, store, card_of):
    (store.root / "net").mkdir(parents=True)
    (store.root / "net" / ".a.th.sha256.json").symlink_to("/dev/full")
    with pytest.raises(DownloadFailed, match="is full; make room"):
        store.take(card_of(hub.serve("a.th")))
