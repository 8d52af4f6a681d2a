"""The live camera's WebSocket on the studio's own address, relayed to the model server; and the picture alone.

The browser needs to reach the studio only, by the same address and encryption as the pages; the model server may be
anywhere that the studio reaches.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from backends.core import access
from backends.core.errors import BadInput, UserError
from backends.core.info import CardInfo, TaskInfo
from backends.matting.capabilities import MattingCapabilities, live_rank
from backends.serving.live_protocol import MESSAGE_BYTES, PATH, TEXT_CHARACTERS, Busy
from backends.serving.live_socket import serve, together
from studio.jobs.backend import Backend
from studio.web import urls
from studio.web.responses import NEVER, SAFE_HEADERS, errors_as_text
from viz.components.live_stage import window_document, window_policy

MAX_CONNECTIONS = 16
"""At the same time, of all visitors; the model server has a limit of its own."""

OPEN_SECONDS = 8.0
FAULT = "The live picture stopped because of a fault of ours; start it again."


class Down(UserError):
    """The model server cannot be reached now."""

    code = "down"


def address() -> str:
    """Where the browser connects to, as a path of this site."""
    return _address(urls.base_path())


def _address(base: str) -> str:
    return f"{base}{PATH}/socket"


def window_address() -> str:
    """Where the picture alone is, as a path of this site."""
    return _window_address(urls.base_path())


def _window_address(base: str) -> str:
    return f"{base}{PATH}/picture"


def routes(backend: Callable[[], Backend], base: str = "") -> list[BaseRoute]:
    """The routes to mount; `backend` is asked anew for each connection."""
    relay = Relay(backend)

    async def picture(request: Request) -> Response:
        return _picture(request.query_params.get("card", ""), _address(base))

    return [WebSocketRoute(_address(base), relay.serve), Route(_window_address(base), errors_as_text(picture))]


def _picture(card: str, socket: str) -> Response:
    """The picture alone. The camera is asked for by the browser; a card that is not there is said by the socket."""
    if not re.fullmatch(r"[\w.-]{1,80}", card):
        raise BadInput("This address names no model: press “Own window” on the live page again.")
    nonce = secrets.token_urlsafe(18)
    headers = {**SAFE_HEADERS, **NEVER, "Content-Security-Policy": window_policy(nonce)}
    return HTMLResponse(window_document(url=socket, card=card, nonce=nonce), headers=headers)


def same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a page of this very site asks. Browsers always send the Origin, and scripts cannot forge it.

    Behind a proxy that changes the Host, the name that the browser used is in X-Forwarded-Host; no page of another
    site can make a browser send that.
    """
    asking = urlsplit(headers.get("origin", "")).netloc
    forwarded = headers.get("x-forwarded-host", "").split(",")[0].strip()
    return bool(asking) and asking in (headers.get("host", ""), forwarded)


class Relay:
    """Relays messages between browsers and the model server, checking only their size."""

    def __init__(self, backend: Callable[[], Backend]) -> None:
        self._backend = backend
        self._count = 0

    async def serve(self, browser: WebSocket) -> None:
        """One connection from its handshake to its end."""
        await serve(browser, same_origin(browser.headers), self._session, FAULT)

    async def _session(self, browser: WebSocket) -> None:
        if self._count >= MAX_CONNECTIONS:
            raise Busy(f"{MAX_CONNECTIONS} live pictures are open already, and more would be too slow for all.")
        self._count += 1
        try:
            await self._connected(browser)
        finally:
            self._count -= 1

    async def _connected(self, browser: WebSocket) -> None:
        backend = await asyncio.to_thread(self._backend)
        state = backend.state()
        if not state.ready:
            raise Down(state.sentence)
        url = f"{state.address.replace('http', 'ws', 1)}{PATH}"
        try:
            # Pictures and mattes are compressed already.
            async with connect(
                url,
                max_size=4 * MESSAGE_BYTES,
                open_timeout=OPEN_SECONDS,
                compression=None,
                additional_headers=access.headers(),
            ) as model:
                # Until either side ends. One that takes no messages makes the other wait: nothing piles up here.
                await together(_upward(browser, model), _downward(browser, model))
        except (OSError, WebSocketException, TimeoutError) as error:
            raise Down("The model server does not answer; live pictures go on as soon as it does.") from error


async def _upward(browser: WebSocket, model: ClientConnection) -> None:
    while True:
        message = await browser.receive()
        if message["type"] == "websocket.disconnect":
            return
        content: bytes | str = message.get("bytes") or message.get("text") or ""
        if len(content) > (MESSAGE_BYTES if isinstance(content, bytes) else TEXT_CHARACTERS):
            raise BadInput("This message is too large for a live picture.")
        with suppress(ConnectionClosed):  # the other direction tells why
            await model.send(content)


async def _downward(browser: WebSocket, model: ClientConnection) -> None:
    async for message in model:
        if isinstance(message, bytes):
            await browser.send_bytes(message)
        else:
            await browser.send_text(message)
    await browser.close()


def live_sides(card: CardInfo) -> tuple[int, ...]:
    """The long sides in pixels at which the card can follow a camera, as its backend says; empty where it cannot."""
    return MattingCapabilities.model_validate(card.capabilities).live_sides


def cards(task: TaskInfo) -> list[CardInfo]:
    """The cards that can follow a camera, the one to begin with first."""
    return sorted((card for card in task.cards if live_sides(card)), key=lambda card: (not card.here, live_rank(card)))


def longest(card: CardInfo) -> int:
    """The long side in pixels of the largest picture that is sent for this card."""
    return max(live_sides(card))


def others(task: TaskInfo) -> Sequence[str]:
    """The titles of the cards that work on files only."""
    return [card.title for card in task.cards if not live_sides(card)]
