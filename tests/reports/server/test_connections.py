"""Idle connections: kept longer than clients keep theirs, and closed where others need the room."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from backends.serving.connections import Connection, connection_limit, uvicorn_options
from tests.support.waiting import run_async


def test_the_server_keeps_idle_connections_longer_than_its_clients() -> None:
    limits = httpx.Limits()
    assert uvicorn_options()["timeout_keep_alive"] > 2 * limits.keepalive_expiry


def test_some_files_are_left_for_other_uses_than_connections() -> None:
    resource = pytest.importorskip("resource")
    limit = connection_limit()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    accepted = uvicorn_options()["backlog"]
    assert limit > 0 and (soft == resource.RLIM_INFINITY or limit + accepted < soft)


async def answer(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def test_a_new_connection_is_answered_though_idle_ones_fill_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn

    async def crowd() -> tuple[bytes, int]:
        config = uvicorn.Config(answer, port=0, log_level="error", lifespan="off", **uvicorn_options())
        monkeypatch.setattr(Connection, "limit", 5)
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        port = server.servers[0].sockets[0].getsockname()[1]
        idle = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(60)))  # in one go
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = await reader.readuntil(b"ok")
        open_now = len(server.server_state.connections)
        for _, each in (*idle, (reader, writer)):
            each.close()
        await server.shutdown()
        return head, open_now

    head, open_now = run_async(crowd())
    assert head.startswith(b"HTTP/1.1 200") and open_now <= 5
