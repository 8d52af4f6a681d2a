"""Who may talk to a server: programs and pages of its own, never a page of another site; with a token, who knows it.

A browser lets any site send requests to this machine. Three things give them away: the Host of a name that was pointed
here by somebody else (DNS rebinding), the Origin of another site, and the browser's own word that a request comes from
elsewhere (Sec-Fetch-Site, https://www.w3.org/TR/fetch-metadata/). Both the model server and the studio stand behind
this middleware.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import URL, Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse

from backends.core import access

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HOSTS_SETTING = "FOURFOLD_HOSTS"

STRANGE_HOST = (
    "This server does not answer to the name that was asked for: open it as localhost, or name that name in "
    f"{HOSTS_SETTING} where the server is started.\n"
)
NO_TOKEN = (
    "This Fourfold asks for a token: add ?token=… to the address, with the word that is set as "
    f"{access.SETTING} where it was started.\n"
)
OPEN_PATHS = ("/healthz", "/readyz")
"""What a watchdog may ask without the token."""

REASON_BYTES = 123
"""The longest reason that a WebSocket can be closed with (RFC 6455, section 5.5)."""

TOO_MANY = "Too many wrong tokens came from your address: wait a minute, then try again.\n"
WRONG_TOKENS = 10
"""Wrong tokens that one address may send within WRONG_SECONDS before it has to wait."""

WRONG_SECONDS = 60.0
WRONG_ADDRESSES = 4096
"""Addresses that are remembered; the oldest make room."""

COOKIE = "fourfold-token"
COOKIE_SECONDS = 30 * 24 * 3600

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


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def own_hosts() -> frozenset[str]:
    """The names that the operator gave this machine in FOURFOLD_HOSTS, separated by commas."""
    return frozenset(name.strip().lower() for name in os.environ.get(HOSTS_SETTING, "").split(",") if name.strip())


class WrongTokens:
    """Counts the wrong tokens of each address within the last minute, so that nobody can try many."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, address: str) -> None:
        """One more wrong token came from `address`."""
        self._times.setdefault(address, deque(maxlen=WRONG_TOKENS)).append(time.monotonic())
        self._times.move_to_end(address)
        while len(self._times) > WRONG_ADDRESSES:
            self._times.popitem(last=False)

    def too_many(self, address: str) -> bool:
        times = self._times.get(address)
        return times is not None and len(times) == WRONG_TOKENS and time.monotonic() - times[0] < WRONG_SECONDS


class Guard:
    """ASGI middleware that turns foreign requests away with one sentence and status 403.

    On a loopback address only loopback names and those in FOURFOLD_HOSTS are answered to; on another, every name, as
    nobody here knows what the machine is called, unless FOURFOLD_HOSTS says it.
    """

    def __init__(self, app: App, address: str = "127.0.0.1", origins: bool = True, tokens: bool = True) -> None:
        """
        Args:
            app: the server.
            address: it listens on.
            origins: whether the Origin of requests is looked at; the studio's pages do that themselves.
            tokens: whether the token is asked for, where there is one; a studio may have a log-in in its place.
        """
        self.app = app
        self.names = own_hosts()
        self.local = is_loopback(address)
        self.any_host = not self.local and not self.names
        self.origins = origins
        self.token = access.token() if tokens else ""
        self._cookie = hashlib.sha256(self.token.encode()).hexdigest()
        self._wrong = WrongTokens()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif sentence := self._refusal(scope):
            await _refuse(scope, receive, send, sentence, 403)
        elif not self.token or scope["path"].endswith(OPEN_PATHS) or self._knows_token(scope):
            await self.app(scope, receive, send)
        else:
            await self._ask_for_token(scope, receive, send)

    async def _ask_for_token(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the token from the address, or say that one is needed; who sent many wrong ones has to wait."""
        address, tokens = _address(scope), _tokens(scope)
        if self._wrong.too_many(address):
            await _refuse(scope, receive, send, TOO_MANY, 429)
        elif scope["type"] == "http" and self._same(tokens[-1]):
            await self._remember(scope, receive, send)
        else:
            if any(tokens):
                self._wrong.note(address)
            await _refuse(scope, receive, send, NO_TOKEN, 401)

    def _knows_token(self, scope: Scope) -> bool:
        """Whether a program sends the token, or a browser the cookie that it got for it."""
        if self._wrong.too_many(_address(scope)):
            return False
        header, bearer, cookie, _ = _tokens(scope)
        return self._same(header) or self._same(bearer) or hmac.compare_digest(cookie.encode(), self._cookie.encode())

    def _same(self, word: str) -> bool:
        return hmac.compare_digest(word.encode(), self.token.encode())

    async def _remember(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep the token of an address in a cookie, and show the address without it."""
        url = URL(scope=scope).remove_query_params("token")
        answer = RedirectResponse(url.path + (f"?{url.query}" if url.query else ""), 303)
        answer.set_cookie(COOKIE, self._cookie, max_age=COOKIE_SECONDS, httponly=True, samesite="lax")
        await answer(scope, receive, send)

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
        """Whether a name is one of this server's. A bare address cannot be pointed elsewhere by anybody."""
        return is_loopback(name) or name in self.names or (not self.local and _is_address(name))

    def _is_own_page(self, headers: Headers, host: str, scope: Scope) -> bool:
        """Whether a program asks, a page of this server, or a person who follows a link to it."""
        origin = headers.get("origin")
        if origin is not None:
            asking = urlsplit(origin).netloc.lower()
            return bool(asking) and (asking == host.lower() or _name(asking) in self.names)
        if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
            return True
        return headers.get("sec-fetch-mode") == "navigate" and scope.get("method") == "GET" and scope["path"] == "/"


def _address(scope: Scope) -> str:
    """Where a request comes from."""
    return (scope.get("client") or ("",))[0]


def _tokens(scope: Scope) -> tuple[str, str, str, str]:
    """What a request may bring in place of the token: its header, its bearer word, its cookie, that of its address."""
    connection = HTTPConnection(scope)
    bearer = connection.headers.get("authorization", "")
    return (
        connection.headers.get(access.HEADER, ""),
        bearer.removeprefix("Bearer ") if bearer.startswith("Bearer ") else "",
        connection.cookies.get(COOKIE, ""),
        connection.query_params.get("token", ""),
    )


def _name(netloc: str) -> str:
    """The host of "host:port", in lower case; "" where it is none."""
    try:
        return (urlsplit(f"//{netloc}").hostname or "").rstrip(".")
    except ValueError:
        return ""


async def _refuse(scope: Scope, receive: Receive, send: Send, sentence: str, status: int) -> None:
    if scope["type"] == "websocket":
        await receive()
        reason = sentence.strip().encode()[:REASON_BYTES].decode(errors="ignore")
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
    else:
        await PlainTextResponse(sentence, status)(scope, receive, send)
