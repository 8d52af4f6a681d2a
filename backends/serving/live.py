"""The live endpoint: a WebSocket that takes camera pictures and gives mattes, as `live_protocol` describes.

What answers a picture is the `LiveSession` that the card's task offers.

Only the newest picture is worked on; those that came meanwhile are passed over, so that nothing ever queues. Jobs and
live pictures share one device: a live picture holds it for one matte at a time, a job for as long as it runs.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from backends.core.engine import Engine
from backends.core.errors import BadInput, WeightsMissing
from backends.core.model_card import ModelCard
from backends.core.task import Task, tasks
from backends.serving.host import Host
from backends.serving.live_protocol import (
    PATH,
    TEXT_CHARACTERS,
    Answer,
    Busy,
    Idle,
    Stopped,
    decode_picture,
    pack_matte,
    unpack_picture,
)
from backends.serving.live_socket import serve, together

MAX_SESSIONS = 3
IDLE_SECONDS = 60.0
FIRST_SECONDS = 10.0
"""How long a client may take to say what it wants."""

PATIENCE = 1.0
"""Waiting longer than this for the device means that a job has it: another live picture gives it back sooner."""

TURN = 0.002
"""A pause between mattes, in seconds: a lock is not fair, and a job that waits for it needs a moment to take it."""

BUSY = "The model is busy with a job; the live picture goes on as soon as that is done."
LOADING = "Loading the model…"
CRASH = "The live picture stopped because of a fault of ours; start it again, or try another model."


class Newest:
    """A place for one thing: what was there is passed over when the next comes."""

    def __init__(self) -> None:
        self._item: Any = None
        self._there = asyncio.Event()

    def put(self, item: Any) -> None:
        self._item = item
        self._there.set()

    async def take(self) -> Any:
        await self._there.wait()
        self._there.clear()
        item, self._item = self._item, None
        return item

    @property
    def waiting(self) -> bool:
        return self._there.is_set()


class Live:
    """Everybody who is live on one machine; `device` is held by whoever works on it."""

    def __init__(self, host: Host, device: threading.Lock, stopping: threading.Event) -> None:
        self.host = host
        self.device = device
        self.stopping = stopping
        self.idle_seconds = IDLE_SECONDS
        self._cards: list[str] = []
        self._title = ""

    async def serve(self, socket: WebSocket) -> None:
        """One connection. Browsers alone send an Origin: pages come through their studio, which checks them."""
        await serve(socket, "origin" not in socket.headers, self._session, CRASH)

    async def _session(self, socket: WebSocket) -> None:
        try:
            start = await asyncio.wait_for(_start_message(socket), FIRST_SECONDS)
        except TimeoutError as error:
            raise BadInput("Nothing was asked for.") from error
        if start.get("type") != "start" or not isinstance(start.get("card"), str):
            raise BadInput("A live picture begins by naming the model.")
        task = _live_task(start["card"])
        card = self._card(task, start["card"])
        with self._place(card):
            await Session(self, socket, task, card, start).run()

    def _card(self, task: Task, card_id: str) -> ModelCard:
        card = self.host.card(task, card_id)
        if not self.host.can_run(card):
            raise WeightsMissing(f"{card.title} is not on the model server yet; download it first.")
        return card

    @contextmanager
    def _place(self, card: ModelCard) -> Iterator[None]:
        """One of the places, as one device keeps one model loaded."""
        if len(self._cards) >= MAX_SESSIONS:
            raise Busy(f"{MAX_SESSIONS} live pictures are running already, and more would be too slow for all.")
        if self._cards and self._cards[0] != card.id:
            raise Busy(f"Another live picture is running with “{self._title}”; choose that model too, or wait.")
        self._cards.append(card.id)
        self._title = card.title
        try:
            yield
        finally:
            self._cards.remove(card.id)


class Session:
    """One live picture: a reader that keeps the newest picture, and a worker that answers it."""

    def __init__(self, live: Live, socket: WebSocket, task: Task, card: ModelCard, options: Mapping[str, Any]) -> None:
        self._live, self._socket, self._task, self._card = live, socket, task, card
        self._paths: tuple[Path, ...] = live.host.paths(card)
        self._session = task.live_session(card, options)
        self._pictures = Newest()

    async def run(self) -> None:
        """Until the client leaves or something fails."""
        await together(self._read(), self._work())

    async def _read(self) -> None:
        while True:
            try:
                message = await asyncio.wait_for(_receive(self._socket), self._live.idle_seconds)
            except TimeoutError as error:
                raise Idle("The live picture was stopped, as no pictures came for a while.") from error
            if isinstance(message, bytes):
                self._pictures.put(unpack_picture(message))
            elif message.get("type") == "options":
                self._session.update(message)

    async def _work(self) -> None:
        await self._tell("loading", sentence=LOADING)
        await self._patiently(self._load)
        await self._tell("ready", card=self._card.id, title=self._card.title, **self._session.facts())
        while True:
            number, file = await self._pictures.take()
            await asyncio.sleep(TURN)
            answer = await self._patiently(self._answer, number, file)
            if answer is not None:
                await self._socket.send_bytes(pack_matte(answer))

    async def _patiently(self, act: Any, *arguments: Any) -> Any:
        """What `act` gives once it gets the device, or None when a newer picture came while it waited."""
        told = False
        while (answer := await asyncio.to_thread(self._with_device, act, *arguments)) is None:
            if self._live.stopping.is_set():
                raise Stopped("The model server was stopped.")
            if not told:
                await self._tell("waiting", sentence=BUSY)
                told = True
            if arguments and self._pictures.waiting:
                return None
        return answer

    def _with_device(self, act: Any, *arguments: Any) -> Any:
        asked = time.monotonic()
        if not self._live.device.acquire(timeout=PATIENCE):
            return None
        try:
            return act(time.monotonic() - asked, *arguments)
        finally:
            self._live.device.release()

    def _load(self, _waited: float) -> Engine:
        """The engine; after a job with another model it is loaded again."""
        *_, engine = self._live.host.engine(self._task, self._card, self._paths)
        assert isinstance(engine, Engine)
        return engine

    def _answer(self, waited: float, number: int, file: bytes) -> Answer:
        began = time.monotonic()
        alpha = self._session.answer(self._load(waited), decode_picture(file))
        return Answer(number, alpha, time.monotonic() - began, waited)

    async def _tell(self, kind: str, **facts: Any) -> None:
        await self._socket.send_json({"type": kind, **facts})


def _live_task(card_id: str) -> Task:
    """The task of the card, or the first that can follow a camera where no task of ours has such a card."""
    able = [task for task in tasks().values() if task.live]
    if not able:
        raise BadInput("No model here can follow a camera.")
    return next((task for task in able if any(card.id == card_id for card in task.cards)), able[0])


async def _receive(socket: WebSocket) -> bytes | dict[str, Any]:
    """The next message: a picture's bytes, or a JSON object. Raises BadInput, WebSocketDisconnect."""
    frame = await socket.receive()
    if frame["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(frame.get("code", 1000))
    data = frame.get("bytes")
    if data is not None:
        return data
    text = frame.get("text") or ""
    if len(text) > TEXT_CHARACTERS:
        raise BadInput("This message is too long.")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput("This message is not JSON.") from error
    if not isinstance(message, dict):
        raise BadInput("This message is not a JSON object.")
    return message


async def _start_message(socket: WebSocket) -> dict[str, Any]:
    message = await _receive(socket)
    if isinstance(message, bytes):
        raise BadInput("A live picture begins by naming the model.")
    return message


def mount(api: FastAPI, host: Host, device: threading.Lock, stopping: threading.Event) -> None:
    """Serve live pictures under PATH."""
    live = Live(host, device, stopping)
    api.state.live = live
    api.add_api_websocket_route(PATH, live.serve)
