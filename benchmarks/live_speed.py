"""How fast live mattes are: `python -m benchmarks.live_speed`, on this machine, through a real server and its
WebSocket.

A camera of 30 pictures a second is played from the sample clip. Two pictures may be under way, as on the live page;
the round trip runs from sending a picture to having its matte unpacked. Drawing in the browser comes on top.
"""

from __future__ import annotations

import argparse
import io
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from PIL import Image
from websockets.sync.client import ClientConnection, connect

from backends.serving.live_protocol import PATH, pack_picture, unpack_matte
from evaluation.synthetic.clip import make_clip
from studio.jobs.backend import EmbeddedBackend

CAMERA = 1 / 30
DEPTH = 2


@dataclass
class Measured:
    """`trips` and `works` in seconds, one a matte; `seconds` of measuring."""

    trips: list[float] = field(default_factory=list)
    works: list[float] = field(default_factory=list)
    bytes: int = 0
    seconds: float = 0.0


def files(width: int, height: int, side: int, count: int = 60) -> list[bytes]:
    """The clip's pictures as the page sends them: `side` pixels long, JPEG."""
    clip, made = make_clip(count * CAMERA, width, height), []
    size = (side, round(side * height / width / 2) * 2)
    for index in range(count):
        file = io.BytesIO()
        small = cv2.resize(clip[index].rgb, size, interpolation=cv2.INTER_AREA)
        Image.fromarray(small).save(file, "JPEG", quality=85)
        made.append(file.getvalue())
    return made


def measure(socket: ClientConnection, pictures: list[bytes], seconds: float) -> Measured:
    """Play the pictures for that long, after as many mattes as it takes to get going."""
    sent: dict[int, float] = {}
    room = threading.Semaphore(DEPTH)
    over = threading.Event()

    def play() -> None:
        began = time.perf_counter()
        for number in range(1_000_000):
            room.acquire()
            if over.is_set():
                return
            late = (time.perf_counter() - began) % CAMERA  # a camera gives its pictures when it likes
            time.sleep(CAMERA - late)
            sent[number] = time.perf_counter()
            socket.send(pack_picture(number, pictures[number % len(pictures)]))

    player = threading.Thread(target=play, daemon=True)
    player.start()
    for _ in range(10):
        _answer(socket, sent, room, Measured())
    found, began = Measured(), time.perf_counter()
    while time.perf_counter() - began < seconds:
        _answer(socket, sent, room, found)
    found.seconds = time.perf_counter() - began
    over.set()
    room.release()
    player.join()
    return found


def _answer(socket: ClientConnection, sent: dict[int, float], room: threading.Semaphore, found: Measured) -> None:
    message = socket.recv(60)
    assert isinstance(message, bytes), message
    answer = unpack_matte(message)
    found.trips.append(time.perf_counter() - sent[answer.number])
    found.works.append(answer.work)
    found.bytes += len(message)
    for number in [each for each in sent if each <= answer.number]:  # this one, and those that were passed over
        del sent[number]
        room.release()


def rows(address: str, card: str, sides: Sequence[int], seconds: float) -> Iterator[dict[str, float | str]]:
    for width, height in ((640, 480), (1280, 720)):
        for side in sides:
            pictures = files(width, height, side)
            with connect(address.replace("http", "ws", 1) + PATH, compression=None) as socket:
                socket.send(json.dumps({"type": "start", "card": card}))
                while json.loads(socket.recv(120))["type"] != "ready":
                    pass
                found = measure(socket, pictures, seconds)
            yield {
                "model": card,
                "camera": f"{width}x{height}",
                "sent": side,
                "mattes/s": round(len(found.trips) / found.seconds, 1),
                "work ms": round(1000 * float(np.median(found.works)), 1),
                "trip ms": round(1000 * float(np.median(found.trips)), 1),
                "trip p95": round(1000 * float(np.quantile(found.trips, 0.95)), 1),
                "kB sent": round(float(np.mean([len(one) for one in pictures])) / 1000, 1),
                "kB matte": round(found.bytes / max(1, len(found.trips)) / 1000, 1),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--card", action="append", help="a model's id; by default all that are here")
    arguments = parser.parse_args()
    backend = EmbeddedBackend()
    backend.start()
    try:
        state = backend.wait_ready(90)
        for card in state.info.tasks["matting"].cards:
            wanted = card.id in arguments.card if arguments.card else card.here
            sides = card.capabilities.get("live_sides", ())
            if wanted and sides:
                for row in rows(state.address, card.id, sides, arguments.seconds):
                    print(json.dumps(row), flush=True)  # noqa: T201
    finally:
        backend.stop()


if __name__ == "__main__":
    main()
