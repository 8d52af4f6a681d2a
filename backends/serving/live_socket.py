"""How a live picture's WebSocket is served, at the model server and at the studio that hands it on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from backends.core.errors import EngineFailed, UserError
from backends.serving.live_protocol import AGAIN

log = logging.getLogger(__name__)

POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1: a policy is violated


async def serve(socket: WebSocket, welcome: bool, session: Callable[[WebSocket], Awaitable[None]], fault: str) -> None:
    """One connection from its handshake to its end; whatever goes wrong is told in a sentence.

    Who is not `welcome` is turned away before the handshake. `fault` is said for what is no UserError, and no more.
    """
    if not welcome:
        await socket.close(POLICY_VIOLATION)
        return
    await socket.accept()
    try:
        await session(socket)
    except UserError as error:
        await _farewell(socket, error)
    except WebSocketDisconnect:
        return
    except Exception:
        log.exception("a live picture failed")
        await _farewell(socket, EngineFailed(fault))


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until the first ends, then end the others and raise what the first raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        # Through `wait`, as a `gather` that is cancelled itself forgets by whom, which those who scope tasks go by.
        await asyncio.wait([asyncio.gather(*tasks, return_exceptions=True)])
    for task in done:
        task.result()


async def _farewell(socket: WebSocket, error: UserError) -> None:
    """Tell the error and close; a client that has left already hears nothing."""
    told = {"type": "error", "code": error.code, "sentence": error.sentence, "again": error.code in AGAIN}
    with suppress(RuntimeError, WebSocketDisconnect, OSError):
        await socket.send_json(told)
        await socket.close()
