"""Who may talk to a server that has no log-in: programs, and pages of its own; never a page of another site.

A browser lets any site send requests to this machine. Three things give them away: the Host of a name that was pointed
here by somebody else (DNS rebinding), the Origin of another site, and the browser's own word that a request comes from
elsewhere (Sec-Fetch-Site, https://www.w3.org/TR/fetch-metadata/). Both the model server and the studio stand behind
this middleware.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HOSTS_SETTING = "FOURFOLD_HOSTS"

STRANGE_HOST = (
    "This server does not answer to the name that was asked for: open it as localhost, or name that name in "
    f"{HOSTS_SETTING} where the server is started.\n"
)
FOREIGN_PAGE = "This server does not take requests from pages of other sites.\n"


def is_loopback(host: str) -> bool:
    """Whether a name or address always means this machine itself."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def own_hosts() -> frozenset[str]:
    """The names that the operator gave this machine in FOURFOLD_HOSTS, separated by commas."""
    return frozenset(name.strip().lower() for name in os.environ.get(HOSTS_SETTING, "").split(",") if name.strip())


class Guard:
    """ASGI middleware that turns foreign requests away with one sentence and status 403.

    On a loopback address only loopback names and those in FOURFOLD_HOSTS are answered to; on another, every name, as
    nobody here knows what the machine is called, unless FOURFOLD_HOSTS says it.
    """

    def __init__(self, app: App, address: str = "127.0.0.1", origins: bool = True) -> None:
        """
        Args:
            app: the server.
            address: it listens on.
            origins: whether the Origin of requests is looked at; the studio's pages do that themselves.
        """
        self.app = app
        self.names = own_hosts()
        self.any_host = not is_loopback(address) and not self.names
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and (sentence := self._refusal(scope)):
            await _refuse(scope, receive, send, sentence)
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str:
        """Why a request is turned away, or ""."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self.any_host and any(not self._is_own(_name(each)) for each in headers.getlist("host")):
            return STRANGE_HOST
        if self.origins and not self._is_own_page(headers, host, scope):
            return FOREIGN_PAGE
        return ""

    def _is_own(self, name: str) -> bool:
        return is_loopback(name) or name in self.names

    def _is_own_page(self, headers: Headers, host: str, scope: Scope) -> bool:
        """Whether a program asks, a page of this server, or a person who follows a link to it."""
        origin = headers.get("origin")
        if origin is not None:
            asking = urlsplit(origin).netloc.lower()
            return bool(asking) and (asking == host.lower() or _name(asking) in self.names)
        if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
            return True
        return headers.get("sec-fetch-mode") == "navigate" and scope.get("method") == "GET" and scope["path"] == "/"


def _name(netloc: str) -> str:
    """The host of "host:port", in lower case; "" where it is none."""
    try:
        return (urlsplit(f"//{netloc}").hostname or "").rstrip(".")
    except ValueError:
        return ""


async def _refuse(scope: Scope, receive: Receive, send: Send, sentence: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": sentence.strip()[:120]})
    else:
        await PlainTextResponse(sentence, 403)(scope, receive, send)
