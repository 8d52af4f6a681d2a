"""The backend's own addresses: health, what it can do, the events and files of jobs; and what of Gradio's is hidden."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, JSONResponse, Response

from backends import __version__
from backends.core.info import Info, QueueInfo
from backends.serving import live
from backends.serving.gradio_internals import API_PREFIX, CANCEL_PATH, UNREADABLE, UPLOAD_PATH, is_hidden
from backends.serving.metrics import CONTENT_TYPE
from backends.serving.server import Server

QUEUE_SIZE = 16
"""Jobs that may wait for each device; one more is refused in words rather than kept waiting for hours."""

UPLOAD_BYTES = 4 * 1024**3

POLL_SECONDS = 20.0
"""The longest time for which a question for new events is kept waiting."""

CANCEL_BYTES = 64 * 1024
"""A request to cancel is smaller than this."""

log = logging.getLogger(__name__)

HEALTH_METHODS = ["GET", "HEAD"]
"""How watchdogs ask."""

NOT_HERE = "There are no files to be had here."
CLEARED = "This file is not here; the job may have been cleared away."
NO_FILE = "There is no file with a name in this request: send a form (multipart/form-data) that names one."
NO_JOB = "There is no such job here; it may have been cleared away."

Scope = MutableMapping[str, Any]


class OwnRoutes:
    """ASGI middleware: hides what of Gradio nobody needs, and hears of every cancel before Gradio does.

    Gradio answers a cancel only once the step under way has ended, and lets go of a job only then. Bodies that
    make it stumble, such as an upload without a file, are answered here, too.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], cancel: Callable[[str], object]) -> None:
        self.app = app
        self.cancel = cancel

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and is_hidden(scope["path"]):
            await JSONResponse({"error": NOT_HERE}, 404)(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"].rstrip("/") == CANCEL_PATH and scope["method"] == "POST":
            receive = await self._hear(receive)
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(API_PREFIX):
            await self._post(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _post(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass a request on. A body that Gradio stumbles over is its sender's fault; a full disk is not."""
        failure: list[Any] = []

        async def hold_failures(message: Any) -> None:
            if failure or message.get("status") == 500:
                failure.append(message)
            else:
                await send(message)

        fault: Exception | None = None
        try:
            await self.app(scope, receive, hold_failures)
        except Exception as error:
            fault = error
        if failure and fault is not None and not isinstance(fault, OSError | MemoryError):
            log.info("a request to %s could not be read", scope["path"], exc_info=fault)
            sentence = NO_FILE if scope["path"].rstrip("/") == UPLOAD_PATH else UNREADABLE
            await JSONResponse({"error": sentence}, 400)(scope, receive, send)
            return
        for message in failure:
            await send(message)
        if fault is not None:
            raise fault

    async def _hear(self, receive: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
        """Read the body, cancel the event that it names, and give the body out again."""
        messages, body = [], b""
        while len(body) < CANCEL_BYTES:
            messages.append(await receive())
            body += messages[-1].get("body", b"")
            if not messages[-1].get("more_body"):
                break
        try:
            event_id = json.loads(body)["event_id"]
        except (ValueError, KeyError, TypeError):  # Gradio says what is wrong with it
            event_id = None
        if isinstance(event_id, str):
            self.cancel(event_id)
        messages.reverse()

        async def again() -> Any:
            return messages.pop() if messages else await receive()

        return again


def add(api: FastAPI, server: Server) -> None:
    """Add the addresses to `api`; before Gradio is mounted, which takes all others."""
    live.mount(api, server.place.live, server.device, server.stopping)
    _add_health(api, server)
    _add_jobs(api, server)


def _add_health(api: FastAPI, server: Server) -> None:
    @api.api_route("/healthz", methods=HEALTH_METHODS)
    def healthz() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @api.api_route("/readyz", methods=HEALTH_METHODS)
    def readyz() -> JSONResponse:
        if server.stopping.is_set() or server.draining.is_set():
            return JSONResponse({"status": "stopping"}, 503)
        if not server.warm.is_set():
            return JSONResponse({"status": "starting"}, 503)
        if problem := server.warm_error or server.place.problem:
            return JSONResponse({"status": "failed", "reason": problem}, 503)
        return JSONResponse({"status": "ready"})

    @api.get("/metrics")
    def metrics() -> Response:
        return Response(server.metrics.text(), media_type=CONTENT_TYPE)

    @api.get("/info")
    def info() -> Info:
        queue = QueueInfo(size=QUEUE_SIZE * server.place.size, upload_bytes=UPLOAD_BYTES)
        return server.host.info().model_copy(update={"boot": server.boot, "queue": queue})


def _add_jobs(api: FastAPI, server: Server) -> None:
    @api.get("/jobs/{token}/events")
    def job_events(token: str, after: int = 0, wait: float = 0.0) -> JSONResponse:
        """The events from number `after` on; where there are none yet, after `wait` seconds at most."""
        job = server.folders.job(token) or server.running.get(token)
        if job is None and server.is_queued(token):
            return JSONResponse({"events": [], "ended": False})
        if job is None:
            return JSONResponse({"error": NO_JOB}, 404)
        events, ended = job.since(max(after, 0), min(max(wait, 0.0), POLL_SECONDS))
        return JSONResponse({"events": events, "ended": ended})

    @api.get("/jobs/{token}/{name}")
    def job_file(token: str, name: str) -> FileResponse:
        path = server.folders.find(token, name)
        if path is None or not path.is_file():
            return JSONResponse({"error": CLEARED}, 404)  # type: ignore[return-value]
        return FileResponse(path, headers={"X-Content-Type-Options": "nosniff"})

    @api.delete("/jobs/{token}")
    def forget(token: str) -> JSONResponse:
        cancelled = server.running.cancel(token)
        return JSONResponse({"discarded": server.folders.discard(token) or cancelled})
