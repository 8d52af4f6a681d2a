"""Uploads that are too large for the studio: never in memory, and refused by the page in its own words.

Streamlit's chooser would refuse them in words of its own, which no page can change. So it is told to take any size, and
a short note goes in the file's place: sent by the page's script (`studio/ui/file_chooser.js`) where it can see the size
beforehand, else put there by this middleware, which reads past the file. `studio.ui.file_chooser` reads the note.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import psutil
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_UPLOAD_MB = 1000
"""The largest file that any page takes; `.streamlit/config.toml` says the same to Streamlit."""

MAX_UPLOAD_BYTES = MAX_UPLOAD_MB << 20
MAX_PART_HEADER_BYTES = 16 << 10
"""Of the lines before the file: a boundary, the file's name twice, its type."""

MAX_SKIPPED_BYTES = 16 << 30
"""A longer request is cut off in place of being read past."""

NOTE_TYPE = "application/x-fourfold-refused"
UPLOAD_PATH = "/_stcore/upload_file/"
TOO_LARGE, NO_ROOM = "size", "room"
BROKEN = "This upload could not be read: choose the file again.\n"


def memory_for_uploads() -> int:
    """Bytes that all uploads of open pages may take together, as they are in memory: half of the machine's."""
    return psutil.virtual_memory().total // 2


class UploadLimit:
    """ASGI middleware that lets no file through that is too large, or for which there is no room just now."""

    def __init__(self, app: ASGIApp, bytes_in_memory: Callable[[], int], most: int = 0) -> None:
        """
        Args:
            app: the studio.
            bytes_in_memory: how much the uploads of all open pages take now.
            most: how much they may take; 0 for `memory_for_uploads`.
        """
        self.app = app
        self.bytes_in_memory = bytes_in_memory
        self.most = most or memory_for_uploads()
        self._coming = 0
        """Bytes of uploads that are on their way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "PUT" or UPLOAD_PATH not in scope["path"]:
            await self.app(scope, receive, send)
            return
        length = _length(scope)
        if length > MAX_UPLOAD_BYTES:
            await self._refuse(TOO_LARGE, length, scope, receive, send)
        elif self.bytes_in_memory() + self._coming + length > self.most:
            await self._refuse(NO_ROOM, length, scope, receive, send)
        else:
            self._coming += length
            try:
                await self.app(scope, receive, send)
            finally:
                self._coming -= length

    async def _refuse(self, reason: str, length: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the app a form with a note in the place of the file."""
        form = await _with_note(receive, json.dumps({"reason": reason, "bytes": length}))
        if form is None:
            await PlainTextResponse(BROKEN, 413)(scope, receive, send)
            return
        headers = MutableHeaders(raw=list(scope["headers"]))
        headers["content-length"] = str(len(form))
        messages: list[Message] = [{"type": "http.request", "body": form, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self.app({**scope, "headers": headers.raw}, replay, send)


def _length(scope: Scope) -> int:
    """The announced length of a request; 0 where there is none, as Streamlit counts for itself then."""
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


async def _with_note(receive: Receive, note: str) -> bytes | None:
    """Read a form with a file to its end, and make one of the same name whose file is the note; None if cut off."""
    head, seen, more = b"", 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body = message.get("body", b"")
        seen += len(body)
        if seen > MAX_SKIPPED_BYTES:
            return None
        if len(head) < MAX_PART_HEADER_BYTES:
            head += body[: MAX_PART_HEADER_BYTES - len(head)]
        more = message.get("more_body", False)
    lines, blank, _ = head.partition(b"\r\n\r\n")
    boundary, *fields = lines.split(b"\r\n")
    if not blank or not boundary.startswith(b"--"):
        return None
    own = [field for field in fields if not field.lower().startswith(b"content-type:")]
    own.append(f"Content-Type: {NOTE_TYPE}".encode())
    return b"\r\n".join([boundary, *own, b"", note.encode(), boundary + b"--", b""])
