"""HTTP connections of a server: idle ones are kept long enough for clients to use again, and never crowd out new ones.

Both the model server and the studio accept connections with this protocol.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection stays open. Clients drop theirs sooner (httpx after 5 s, browsers after a minute), so
that no request is sent into a connection that this end is just closing."""

FIRST_REQUEST_SECONDS = 30
"""How long a new connection may say nothing."""

MAX_CONNECTIONS = 2000
MAX_FILES = 8192

BACKLOG = 64
"""Connections that are accepted in one go. asyncio takes as many as may wait before any of them is looked at, and with
more than there are files left it fails for each, thousands of times a second."""


def connection_limit() -> int:
    """How many connections may be open at once: half as many as files that the process may have open.

    The process is first allowed as many open files as the system grants without asking, up to MAX_FILES.
    """
    try:
        import resource
    except ImportError:  # not on Windows
        return MAX_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(MAX_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, soft // 2)


class Connection(H11Protocol):
    """One connection. Beyond `limit` the one that has been idle longest makes room; where none is idle, the new one."""

    limit = MAX_CONNECTIONS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.idle_since = time.monotonic()
        self.timeout_keep_alive_task = self.loop.call_later(FIRST_REQUEST_SECONDS, self.timeout_keep_alive_handler)
        # One that was closed a moment ago is still among the connections, and must not be counted or chosen again.
        still_open = [other for other in self.connections if not other.transport.is_closing()]
        if len(still_open) > self.limit:
            idle = [other for other in still_open if isinstance(other, Connection) and other.is_idle]
            min(idle, key=lambda other: other.idle_since, default=self).transport.abort()

    def on_response_complete(self) -> None:
        self.idle_since = time.monotonic()
        super().on_response_complete()

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered on it."""
        return self.cycle is None or self.cycle.response_complete


def uvicorn_options() -> dict[str, Any]:
    """What both servers hand to `uvicorn.Config`."""
    Connection.limit = connection_limit()
    return {"http": Connection, "timeout_keep_alive": KEEP_ALIVE_SECONDS, "backlog": BACKLOG}
