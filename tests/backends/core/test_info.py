"""`/info` at both ends: what older, newer and odd servers say is read, and nothing is lost on the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from backends.core.info import Info
from backends.serving.host import Host
from backends.weights.store import WeightStore

OLD_CARD_KEYS = {
    "id", "task", "engine", "title", "summary", "weak_at", "licence", "tier", "outputs", "parameters", "speed",
    "overhead", "preference", "licence_note", "needs", "measured", "download_bytes", "limits", "speed_measured_here",
    "state", "reason", "done", "total", "stored", "here", "lacks",
}  # fmt: skip
"""The keys of a card before options and capabilities came to it; whoever reads them must go on finding them."""


@pytest.fixture
def info(tmp_path: Path) -> Info:
    return Host(WeightStore(tmp_path), "cpu").info()


def test_every_key_of_before_is_still_there_and_survives_the_wire(info: Info) -> None:
    sent = json.loads(info.model_dump_json(exclude_unset=True))
    assert {"device", "versions", "tasks"} <= set(sent)
    assert set(sent["device"]) == {"kind", "name", "memory_bytes", "time"}
    assert list(sent["tasks"]) == ["separation", "matting", "folding", "fewshot", "generation"]
    for task in sent["tasks"].values():
        assert set(task) == {"title", "endpoint", "inputs", "optional", "options", "default", "cards", "own", "explain"}
        assert set(task["own"]) == {"kinds", "strange"}
        for card in task["cards"]:
            assert OLD_CARD_KEYS | {"options", "capabilities", "without", "packaged", "revision"} == set(card)
            assert set(card["limits"]) == {"seconds", "megapixels", "residues", "memory_bytes"}
    assert Info.model_validate(sent) == info


def test_an_older_server_is_read_with_defaults_and_a_newer_ones_words_are_kept() -> None:
    older = {"tasks": {"folding": {"endpoint": "/fold", "cards": [{"id": "esmfold", "state": "present"}]}}}
    info = Info.model_validate(older)
    card = info.tasks["folding"].card("esmfold")
    assert card is not None and (card.state, card.options, card.capabilities, card.here) == ("present", (), {}, False)
    assert info.tasks["folding"].card("other") is None and info.boot == "" and info.queue.upload_bytes == 0
    newer = Info.model_validate({"pool": {"workers": 3}, "device": {"kind": "npu", "cores": 8}})
    assert newer.model_extra == {"pool": {"workers": 3}}
    assert newer.device.kind == "npu" and newer.device.model_extra == {"cores": 8}
    assert newer.model_dump(exclude_unset=True) == {"pool": {"workers": 3}, "device": {"kind": "npu", "cores": 8}}
    with pytest.raises(ValidationError):
        Info.model_validate({"tasks": ["not", "an", "object"]})


def test_what_nobody_has_said_yet_is_false() -> None:
    assert not Info() and Info.model_validate({"boot": "x"})
