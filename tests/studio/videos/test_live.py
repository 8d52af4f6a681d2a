"""The relay: only pages of this site, both directions, sizes, and words when the model server is away."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from backends.core.info import CardInfo, TaskInfo
from backends.serving.live_protocol import MESSAGE_BYTES, pack_picture, unpack_matte
from studio.jobs.backend import Backend
from studio.videos import live

HERE = {"origin": "http://testserver"}


@pytest.fixture
def backend(server_address: str) -> Iterator[Backend]:
    made = Backend(server_address)
    assert made.wait_ready(90).ready
    yield made
    made.stop()


def client_of(backend: Backend) -> TestClient:
    return TestClient(Starlette(routes=live.routes(lambda: backend)))


def joined(client: TestClient, headers: dict[str, str] | None = None) -> Any:
    return client.websocket_connect(live.address(), headers=HERE if headers is None else headers)


def test_pictures_go_there_and_mattes_come_back(backend: Backend) -> None:
    file = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(file, "JPEG")
    with client_of(backend) as client, joined(client) as socket:
        socket.send_json({"type": "start", "card": "classical"})
        assert socket.receive_json()["type"] == "loading"
        while (told := socket.receive_json()["type"]) != "ready":
            assert told == "waiting"  # somebody else has the device
        socket.send_bytes(pack_picture(11, file.getvalue()))
        while (message := socket.receive()).get("bytes") is None:
            assert "waiting" in message["text"]
        answer = unpack_matte(message["bytes"])
    assert answer.number == 11 and answer.alpha.shape == (48, 64)


def test_what_the_model_server_refuses_is_said_here(backend: Backend) -> None:
    with client_of(backend) as client, joined(client) as socket:
        socket.send_json({"type": "start", "card": "nonsense"})
        assert "no model called" in socket.receive_json()["sentence"]


@pytest.mark.parametrize("kind", ["bytes", "text"])
def test_too_large_a_message_is_refused_here(backend: Backend, kind: str) -> None:
    with client_of(backend) as client, joined(client) as socket:
        if kind == "bytes":
            socket.send_bytes(bytes(MESSAGE_BYTES + 1))
        else:
            socket.send_text("x" * 5000)
        told = socket.receive_json()
        assert told["code"] == "bad_input" and "too large" in told["sentence"]


def test_there_is_room_again_when_somebody_leaves(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_CONNECTIONS", 1)
    with client_of(backend) as client:
        with joined(client) as first, joined(client) as second:
            told = second.receive_json()
            assert (told["code"], told["again"]) == ("busy", True) and "open already" in told["sentence"]
            first.send_json({"type": "start", "card": "nonsense"})
            assert "no model called" in first.receive_json()["sentence"]
        with joined(client) as third:
            third.send_json({"type": "start", "card": "nonsense"})
            assert "no model called" in third.receive_json()["sentence"]


@pytest.mark.parametrize("origin", [{}, {"origin": "http://elsewhere.example"}, {"origin": "null"}])
def test_pages_of_other_sites_are_turned_away(backend: Backend, origin: dict[str, str]) -> None:
    with client_of(backend) as client, pytest.raises(WebSocketDisconnect), joined(client, origin):
        pass


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({"origin": "https://a.example", "host": "a.example"}, True),
        ({"origin": "https://a.example:8501", "host": "a.example"}, False),
        ({"origin": "https://a.example", "host": "10.0.0.5:8501", "x-forwarded-host": "a.example"}, True),
        ({"host": ""}, False),
        ({"origin": "https://b.example", "host": "a.example", "x-forwarded-host": "a.example"}, False),
    ],
)
def test_same_origin(headers: dict[str, str], same: bool) -> None:
    assert live.same_origin(headers) is same


def test_a_model_server_that_is_away_is_a_sentence_and_worth_another_try() -> None:
    away = Backend("http://127.0.0.1:9")
    away.state(fresh=True)
    with client_of(away) as client, joined(client) as socket:
        told = socket.receive_json()
    away.stop()
    assert (told["code"], told["again"]) == ("down", True) and "does not answer" in told["sentence"]


def card(card_id: str, tier: str, here: bool, parameters: int, sides: Sequence[int]) -> CardInfo:
    facts = {
        "id": card_id,
        "engine": "any",
        "tier": tier,
        "here": here,
        "parameters": parameters,
        "title": card_id.title(),
        "capabilities": {"live_sides": list(sides)},
    }
    return CardInfo.model_validate(facts)


def task(*cards: CardInfo) -> TaskInfo:
    return TaskInfo(cards=cards)


def test_the_page_begins_with_the_lightest_network_that_is_here() -> None:
    big, small = card("big", "full", True, 6_000_000, (192, 512)), card("small", "full", False, 100_000, (256,))
    own, files = card("own", "builtin", True, 0, (160, 320)), card("files", "full", True, 5, ())
    assert [one.id for one in live.cards(task(big, small, own, files))] == ["big", "own", "small"]
    assert live.cards(task(big, small.model_copy(update={"here": True}), own))[0].id == "small"
    assert live.others(task(big, files)) == ["Files"]
    assert live.longest(big) == 512


def test_a_card_whose_backend_says_nothing_of_capabilities_works_on_files_only() -> None:
    assert live.live_sides(CardInfo(id="old", engine="modnet")) == ()
