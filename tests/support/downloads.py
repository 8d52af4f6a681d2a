"""A file server on loopback that can be told to misbehave, and that writes down what it was asked."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from backends.core.engine import Progress
from backends.core.model_card import ModelCard, WeightFile
from backends.weights.store import WeightStore


@dataclass(frozen=True)
class Answer:
    """How one request is answered; the default is a sound server that knows ranges and If-Range."""

    status: int = 200
    body: bytes | None = None  # another body than the file's
    etag: str = '"one"'
    cut: int = -1  # bytes sent before the connection drops; -1 sends all
    promise: int = 0  # added to the true Content-Length
    length: bool = True  # False: no Content-Length, the end of the connection ends the file
    ranges: bool = True
    conditions: bool = True  # False: knows ranges but not If-Range
    shift: int = 0  # added to the start of every range that is sent
    drip: tuple[int, float] = (1 << 16, 0.0)  # bytes at a time, seconds between
    redirect: str = ""


@dataclass
class Request:
    path: str
    range: str
    condition: str
    token: str
    sent: int = 0
    over: bool = False  # nothing more will be sent


@dataclass
class Hub:
    """`files` by path; `answers` by path are used up one a request, the last one for ever."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    log: list[Request] = field(default_factory=list)

    def serve(self, name: str, *answers: Mapping[str, Any], size: int = 300_000) -> WeightFile:
        """Put `size` random bytes at /NAME and describe them truly; each of `answers` has the fields of an Answer."""
        body = random.Random(name).randbytes(size)
        self.files[f"/{name}"] = body
        self.answer(name, *answers)
        return WeightFile(name=name, bytes=size, sha256=sha256(body).hexdigest(), url=f"{self.address}/{name}")

    def answer(self, name: str, *answers: Mapping[str, Any]) -> None:
        """From now on /NAME answers like this."""
        self.answers[f"/{name}"] = [Answer(**fields) for fields in answers] or [Answer()]

    def body(self, file: WeightFile) -> bytes:
        return self.files[f"/{file.name}"]

    @property
    def sent(self) -> int:
        return sum(request.sent for request in self.log)


def handler_for(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = self.headers.get
            request = Request(self.path, asked("Range") or "", asked("If-Range") or "", asked("Authorization") or "")
            hub.log.append(request)
            script = hub.answers.get(self.path) or [Answer(status=404)]
            answer = script.pop(0) if len(script) > 1 else script[0]
            self.close_connection = True
            if answer.redirect:
                self._head(302, {"Location": answer.redirect, "Content-Length": "0"})
            elif answer.status != 200:
                self._head(answer.status, {"Content-Length": "0"})
            else:
                self._file(answer, request)

        def _file(self, answer: Answer, request: Request) -> None:
            body = hub.files[self.path] if answer.body is None else answer.body
            current = not (request.condition and answer.conditions) or request.condition == answer.etag
            start = int(request.range[6:-1]) if request.range and answer.ranges and current else 0
            headers = {"ETag": answer.etag} if answer.etag else {}
            if start > len(body) - 1:
                self._head(416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"})
                return
            if start:
                first = start + answer.shift
                headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
            if answer.length:
                headers["Content-Length"] = str(len(body) - start + answer.promise)
            self._head(206 if start else 200, headers)
            self._send(body[start:], answer, request)
            request.over = True

        def _send(self, rest: bytes, answer: Answer, request: Request) -> None:
            rest = rest if answer.cut < 0 else rest[: answer.cut]
            step, pause = answer.drip
            for at in range(0, len(rest), step):
                try:
                    self.wfile.write(rest[at : at + step])
                except (BrokenPipeError, ConnectionResetError):
                    return  # the client left, as some tests do on purpose
                request.sent += len(rest[at : at + step])
                time.sleep(pause)

        def _head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response_only(status)
            for name, value in {**headers, "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class Shelf(WeightStore):
    """A store that is easy to ask; the cards have one file unless a test says otherwise."""

    def renewed(self) -> Shelf:
        """The same folder as a new process sees it."""
        return Shelf(self.root, patience=self.patience)

    def take(self, card: ModelCard) -> list[Progress]:
        return list(self.fetch(card))

    def content(self, card: ModelCard) -> bytes:
        (path,) = self.paths(card)
        return path.read_bytes()

    def part(self, card: ModelCard) -> Path:
        path = self.path(card, card.files[0])
        return path.with_name(f"{path.name}.part")

    def begin(self, card: ModelCard, least: int = 50_000) -> int:
        """Fetch until `least` bytes are here, then cancel; returns how many were kept."""
        with closing(self.fetch(card)) as steps:
            for step in steps:
                if step.done >= least:
                    break
        return self.part(card).stat().st_size


def card_with(*files: WeightFile, id: str = "net") -> ModelCard:
    return ModelCard(
        id=id,
        task="separation",
        engine="demucs",
        title="The Net",
        summary="A net.",
        weak_at="Nothing yet.",
        licence="MIT",
        tier="full",
        files=files,
    )


def fetching_program(file: WeightFile, root: Path) -> str:
    return (
        "import sys\n"
        "from pathlib import Path\n"
        "from backends.core.model_card import ModelCard, WeightFile\n"
        "from backends.core.errors import UserError\n"
        "from backends.weights.store import WeightStore\n"
        f"card = ModelCard('net', 'separation', 'demucs', 'The Net', '.', '.', 'MIT', 'full', files=({file!r},))\n"
        "try:\n"
        f"    for step in WeightStore(Path({str(root)!r})).fetch(card):\n"
        "        print(int(step.done), flush=True)\n"
        "except UserError as error:\n"
        "    print(error)\n"
        "    sys.exit(3)\n"
    )
