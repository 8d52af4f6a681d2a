"""Measured speeds and weights of one's own that version 0.1.0 left are found, and /info says all that it said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backends.core.task import tasks
from backends.serving.host import Host
from backends.weights.locations import STARTERS
from backends.weights.store import WeightStore
from studio import services
from tests.support.earlier import EARLIER, RECORDS


def test_measured_speeds_and_weights_of_ones_own_are_found(home: Path) -> None:
    speeds = json.loads((home / "weights" / "speeds.json").read_text("utf-8"))["speeds"]["cpu"]
    info = Host(WeightStore(), "cpu").info().model_dump()
    cards = {card["id"]: card for task in info["tasks"].values() for card in task["cards"]}
    assert {"dsp", "prototypes", "esmfold-starter"} <= speeds.keys()
    for name, seconds in speeds.items():
        assert cards[name]["speed_measured_here"] and cards[name]["speed"] == pytest.approx(seconds), name
    own = {name: card["engine"] for name, card in cards.items() if card["tier"] == "yours"}
    assert own == {"yours/red net.onnx": "onnx", "yours/band.th": "demucs", "yours/mine": "esmfold"}
    assert list(info["tasks"]["separation"]["own"]["strange"]) == ["notes.doc"]


def test_the_files_of_every_card_lie_where_they_lay(tmp_path: Path) -> None:
    store, cards = WeightStore(tmp_path), {card.id: card for task in tasks().values() for card in task.cards}
    assert RECORDS["weights"].keys() <= cards.keys()
    for name, places in RECORDS["weights"].items():
        root = STARTERS if cards[name].tier == "starter" else tmp_path
        found = [store.path(cards[name], file) for file in cards[name].files]
        # A later version may need one more: what comes with Fourfold is there for all of them.
        more = cards[name].tier == "starter" and len(places)
        assert found[: more or None] == [root / place for place in places]


def test_info_still_says_all_that_it_said(server: str) -> None:
    recorded, now = (
        json.loads((EARLIER / "info.json").read_text("utf-8")),
        services.backend().info().model_dump(mode="json"),
    )
    assert recorded.keys() <= now.keys()
    # librosa and gradio were listed too, though no result depends on them.
    assert recorded["versions"].keys() - {"librosa", "gradio"} <= now["versions"].keys()
    assert recorded["device"].keys() <= now["device"].keys()
    for name, task in recorded["tasks"].items():
        today = now["tasks"][name]
        assert task.keys() <= today.keys() and task["options"].keys() <= set(today["options"]), name
        assert {key: today[key] for key in ("endpoint", "inputs", "optional")} == {
            key: task[key] for key in ("endpoint", "inputs", "optional")
        }
        cards = {card["id"]: card for card in today["cards"]}
        for card in task["cards"]:
            if card["tier"] == "yours":
                continue
            assert card.keys() <= cards[card["id"]].keys(), card["id"]
            same = ("task", "engine", "tier", "outputs", "download_bytes")
            assert {key: cards[card["id"]][key] for key in same} == {key: card[key] for key in same}
