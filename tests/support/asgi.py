"""Small ASGI servers to stand behind what a test looks at."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers everything with “inside”, and takes every WebSocket."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})
