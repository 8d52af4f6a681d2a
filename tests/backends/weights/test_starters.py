"""Starters: weights that ship with the project are found, checked, and left alone."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from backends.core.engine import Progress
from backends.core.errors import BadInput, DownloadFailed, UserError, WeightsBroken
from backends.core.model_card import ModelCard, WeightFile
from backends.core.task import tasks
from backends.weights.locations import STARTERS
from backends.weights.store import WeightStore

CONTENT = b"a small network" * 100
SHIPPED = [card for task in tasks().values() for card in task.cards if card.tier == "starter"]


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "starters"
    folder.mkdir()
    (folder / "net.safetensors").write_bytes(CONTENT)
    monkeypatch.setattr("backends.weights.shelf.STARTERS", folder)
    return folder


@pytest.fixture
def card(card_of) -> ModelCard:
    file = WeightFile("net.safetensors", len(CONTENT), sha256(CONTENT).hexdigest())
    return replace(card_of(file), tier="starter")


def test_a_starter_is_present_from_the_start_and_costs_no_download(shipped: Path, card: ModelCard, store: WeightStore):
    assert store.state(card) == "present"
    assert store.paths(card) == (shipped / "net.safetensors",)
    assert card.download_bytes == 0
    assert [type(step) for step in store.fetch(card)] == [Progress]
    assert sorted(path.name for path in shipped.iterdir()) == ["net.safetensors"], "nothing is noted in the project"
    assert not store.root.exists(), "the weights folder is not needed"


def test_a_starter_of_several_files_lies_in_a_folder_of_its_own(shipped: Path, card: ModelCard, store: WeightStore):
    (shipped / "net").mkdir()
    (shipped / "net.safetensors").rename(shipped / "net" / "net.safetensors")
    card = replace(card, files=(replace(card.files[0], path="net"),))
    assert store.paths(card) == (shipped / "net" / "net.safetensors",)
    with pytest.raises(ValueError, match="cannot name weights"):
        store.path(card, replace(card.files[0], path=".."))


def test_a_changed_starter_is_refused(shipped: Path, card: ModelCard, store: WeightStore):
    (shipped / "net.safetensors").write_bytes(CONTENT[:-1] + b"!")
    assert store.state(card) == "broken"
    with pytest.raises(WeightsBroken, match="not as they ship with Fourfold"):
        store.paths(card)
    with pytest.raises(DownloadFailed, match="put backends/starters back"):
        next(store.fetch(card))


def test_a_starter_that_was_deleted_is_told(shipped: Path, card: ModelCard, store: WeightStore):
    (shipped / "net.safetensors").unlink()
    assert store.state(card) == "absent"
    with pytest.raises(WeightsBroken, match="The Net"):
        store.paths(card)


def test_a_starter_is_neither_removed_nor_replaced(shipped: Path, card: ModelCard, store: WeightStore):
    with pytest.raises(UserError, match="comes with Fourfold"):
        store.remove(card)
    with pytest.raises(BadInput, match="takes no other files"):
        store.import_files(card, shipped / "net.safetensors")
    assert (shipped / "net.safetensors").read_bytes() == CONTENT


@pytest.mark.parametrize("card", SHIPPED, ids=lambda card: card.id)
def test_every_starter_is_as_its_card_says(card: ModelCard, tmp_path: Path):
    store = WeightStore(tmp_path)
    assert store.state(card) == "present"
    assert all(STARTERS in path.parents for path in store.paths(card))
    assert all(len(file.sha256) == 64 for file in card.files)
    for sentence in (card.summary, card.weak_at, card.measured):
        assert sentence.endswith(".") and sentence[0].isupper()
    assert any(letter.isdigit() for letter in card.measured), "a starter says what it was measured to do"


def test_starters_are_no_more_than_30_mb_together():
    assert sum(path.stat().st_size for path in STARTERS.rglob("*") if path.is_file()) <= 30e6
