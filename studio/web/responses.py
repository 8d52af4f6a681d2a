"""Responses of the studio's own addresses: headers that keep files harmless, failures as one plain sentence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from backends.core.errors import BadInput, TooLarge, UserError
from studio.library.findings import UnknownFinding
from studio.library.models import FileGone, LibraryError, UnknownRun

SAFE_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
NEVER = {"Cache-Control": "no-store"}


class NotReady(UserError):
    """The run has nothing to export yet, or never will."""

    code = "not_ready"


class Busy(UserError):
    """Too many exports at once."""

    code = "busy"


class NotFound(UserError):
    """What the address names is not there."""

    code = "not_found"


class NoSuchFile(NotFound):
    """The run is there, the file is not one of its."""

    code = "unknown_file"


STATUS: Mapping[type[UserError], int] = {
    UnknownRun: 404,
    UnknownFinding: 404,
    FileGone: 404,
    NotFound: 404,
    BadInput: 400,
    NotReady: 409,
    TooLarge: 507,
    Busy: 503,
    LibraryError: 503,
}

Endpoint = Callable[[Request], Awaitable[Response]]


def text_response(text: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A plain text that no browser caches."""
    return PlainTextResponse(text, status, {**SAFE_HEADERS, **NEVER, **(headers or {})})


def errors_as_text(endpoint: Endpoint) -> Endpoint:
    """`endpoint`, which answers a UserError with its sentence and the status of its kind."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except UserError as error:
            status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
            return text_response(error.sentence, status, {"Retry-After": "30"} if isinstance(error, Busy) else None)

    return answer
