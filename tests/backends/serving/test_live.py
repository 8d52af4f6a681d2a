"""The live endpoint: what travels, what is refused, who has the device, and a real server that finds a real outline."""

from __future__ import annotations

import io
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from backends.core.errors import BadInput
from backends.serving import live
from backends.serving.host import Host
from backends.serving.live_protocol import (
    MESSAGE_BYTES,
    Answer,
    decode_picture,
    pack_matte,
    pack_picture,
    unpack_matte,
    unpack_picture,
)
from evaluation.synthetic.clip import make_clip
from tests.support.waiting import PATIENCE, wait_for


def picture_file(rgb: np.ndarray, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, kind, quality=90)
    return file.getvalue()


def grey(width: int = 96, height: int = 64, level: int = 128) -> bytes:
    return picture_file(np.full((height, width, 3), level, np.uint8))


# ---- what travels ----


def test_a_matte_arrives_as_it_was_sent() -> None:
    alpha = np.random.default_rng(0).integers(0, 256, (48, 80), dtype=np.uint8)
    there = unpack_matte(pack_matte(Answer(4_000_000_000, alpha, 0.0123, 1.5)))
    assert there.number == 4_000_000_000 and np.array_equal(there.alpha, alpha)
    assert there.work == pytest.approx(0.0123) and there.waited == pytest.approx(1.5)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_picture_arrives_with_its_number_and_colours(kind: str) -> None:
    rgb = np.zeros((60, 80, 3), np.uint8)
    rgb[:, 40:] = (200, 40, 90)
    number, file = unpack_picture(pack_picture(7, picture_file(rgb, kind)))
    there = decode_picture(file)
    assert number == 7 and there.shape == rgb.shape
    assert np.abs(there[:, 60].astype(int) - rgb[:, 60]).mean() < 6 and there[:, 10].mean() < 6


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"", "incomplete"),
        (b"\x01\x01\0\0\0\0\0\0", "incomplete"),
        (struct.pack("<BBHI", 9, 1, 0, 0) + b"x", "different versions"),
        (struct.pack("<BBHI", 1, 2, 0, 0) + b"x", "different versions"),
        (b"\x01\x01" + bytes(MESSAGE_BYTES), "256 kB"),
    ],
)
def test_a_message_that_is_no_picture_is_refused_in_words(message: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        unpack_picture(message)


def test_files_that_are_no_live_pictures_are_refused_before_they_are_decoded() -> None:
    good = grey()
    huge = io.BytesIO()
    Image.new("L", (9000, 9000)).save(huge, "JPEG")  # 81 million pixels in under a megabyte
    with pytest.raises(BadInput, match="9000 × 9000"):
        decode_picture(huge.getvalue())
    with pytest.raises(BadInput, match="16 × 16"):
        decode_picture(grey(16, 16))
    for bad in (b"rubbish", good[: len(good) // 2], picture_file(np.zeros((64, 64, 3), np.uint8), "PNG")):
        with pytest.raises(BadInput, match="could not be read"):
            decode_picture(bad)


def test_a_matte_that_would_unpack_into_more_than_it_says_is_no_matte() -> None:
    bomb = pack_matte(Answer(1, np.zeros((2, 2), np.uint8)))[:20] + zlib.compress(bytes(10**7))
    for bad in (b"", b"x" * 30, bomb):
        with pytest.raises(BadInput, match="not a matte"):
            unpack_matte(bad)


# ---- who may, and when ----


class Place:
    """The endpoint in this process, and the lock that a job would hold."""

    def __init__(self) -> None:
        api = FastAPI()
        self.device, self.stopping = threading.Lock(), threading.Event()
        live.mount(api, Host(device="cpu"), self.device, self.stopping)
        self.live: live.Live = api.state.live
        self.client = TestClient(api)
        self.open = ExitStack()

    def join(self, **asked: Any) -> Any:
        socket = self.open.enter_context(self.client.websocket_connect("/live"))
        socket.send_json({"type": "start", "card": "classical", **asked})
        return socket


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    with made.client, made.open:
        yield made


def ready(socket: Any) -> dict[str, Any]:
    assert socket.receive_json()["type"] == "loading"
    return socket.receive_json()


def test_while_a_job_has_the_device_the_client_is_told_and_only_the_newest_picture_is_answered(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PATIENCE", 0.05)
    taken, take = [], live.Newest.take

    async def noted(pictures: live.Newest) -> Any:
        taken.append(await take(pictures))
        return taken[-1]

    monkeypatch.setattr(live.Newest, "take", noted)
    socket = place.join()
    told = ready(socket)
    assert told["title"] == "Built-in cut-out" and told["sides"] == sorted(told["sides"])
    with place.device:
        for number in range(1, 6):
            socket.send_bytes(pack_picture(number, grey()))
            time.sleep(0.03)
        assert "busy with a job" in socket.receive_json()["sentence"]
        socket.send_bytes(pack_picture(6, grey(64, 96)))
        wait_for(lambda: taken[-1][0] == 6)
    while (message := socket.receive()).get("bytes") is None:
        assert "busy with a job" in message["text"]  # once for each picture that was passed over
    answer = unpack_matte(message["bytes"])
    assert answer.number == 6 and answer.alpha.shape == (96, 64)
    assert place.device.acquire(timeout=PATIENCE)  # a live picture that waits for the next one holds nothing
    place.device.release()
    socket.close()


def test_only_so_many_at_a_time_and_all_with_one_model(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_SESSIONS", 2)
    first = place.join()
    ready(first)
    monkeypatch.setattr(place.live.host.store, "state", lambda _: "present")
    other = place.join(card="selfie").receive_json()
    assert (other["code"], other["again"]) == ("busy", True) and "Built-in cut-out" in other["sentence"]
    second = place.join()
    ready(second)
    full = place.join().receive_json()
    assert full["code"] == "busy" and "2 live pictures" in full["sentence"]
    second.close()
    wait_for(lambda: place.live._cards == ["classical"])
    ready(place.join())  # there is room again
    first.close()


def test_who_sends_nothing_loses_the_place(place: Place) -> None:
    place.live.idle_seconds = 0.2
    socket = place.join()
    ready(socket)
    told = socket.receive_json()
    assert (told["code"], told["again"]) == ("idle", True)
    with pytest.raises(WebSocketDisconnect):
        socket.receive_json()


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        ({"card": "nonsense"}, "bad_input", "no model called"),
        ({"card": "selfie"}, "weights_missing", "download it first"),
        ({"card": 7}, "bad_input", "naming the model"),
        ({"type": "hello"}, "bad_input", "naming the model"),
        ({"card": "x" * 3000}, "bad_input", "too long"),
    ],
)
def test_what_cannot_be_is_said_in_words(place: Place, asked: dict[str, Any], code: str, words: str) -> None:
    told = place.join(**asked).receive_json()
    assert (told["type"], told["code"], told["again"]) == ("error", code, False) and words in told["sentence"]


def test_rubbish_ends_the_connection_with_a_sentence(place: Place) -> None:
    for send in (lambda one: one.send_text("{"), lambda one: one.send_text("[]"), lambda one: one.send_bytes(b"junk")):
        socket = place.join()
        ready(socket)
        send(socket)
        assert socket.receive_json()["code"] == "bad_input"
    with place.client.websocket_connect("/live") as socket:
        socket.send_bytes(b"\x01")
        assert "naming the model" in socket.receive_json()["sentence"]


# ---- a real server ----


@pytest.mark.slow
def test_a_real_server_finds_the_person_in_a_picture_and_turns_browsers_away(server_address: str) -> None:
    url = server_address.replace("http", "ws", 1) + "/live"
    with pytest.raises(InvalidStatus, match="403"):
        connect(url, origin="http://elsewhere.example")  # type: ignore[arg-type]
    rendered = make_clip(1.0, 256, 144)[0]
    with connect(url) as socket:
        socket.send('{"type": "start", "card": "classical"}')
        while '"ready"' not in (told := str(socket.recv(60))):
            assert '"loading"' in told or '"waiting"' in told  # the server's own warm-up may have the device
        socket.send(pack_picture(3, picture_file(rendered.rgb)))
        while isinstance(message := socket.recv(60), str):
            assert '"waiting"' in message
        answer = unpack_matte(message)
    assert answer.number == 3 and answer.alpha.shape == (144, 256) and 0 < answer.work < 60
    found, true = answer.alpha > 127, rendered.alpha > 0.5
    assert (found & true).sum() / (found | true).sum() > 0.75
