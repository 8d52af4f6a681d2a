"""The addresses behind players and download buttons: files of runs here, and what each task adds of its own.

Mounted beside the pages (`streamlit.App(script, routes=routes(library))`). A file is found by its name in the library's
database, never by a path from the address. Failures are answered with one sentence as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from studio import tasks
from studio.library.library import Library, Run, StoredArtifact, UnknownRun
from studio.web import urls, vendor
from studio.web.filenames import export_name, model_of
from studio.web.many_runs import MAX_ZIPPED, zip_entries, zip_stream
from studio.web.responses import FOREVER, NEVER, SAFE_HEADERS, Busy, NoSuchFile, errors_as_text, text_response

MEDIA_TYPES: Mapping[str, str] = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/matroska",
    ".webm": "video/webm",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".pdb": "chemical/x-pdb",
    ".cif": "chemical/x-mmcif",
    ".zip": "application/zip",
}
BINARY = "application/octet-stream"
INLINE_TYPES = re.compile(r"(audio|video|image)/[a-z0-9-]+|application/octet-stream")
"""What a page may show in place; all else is only ever saved. An SVG has no type above, as it can carry scripts."""


def routes(library: Library, models_ready: Callable[[], bool] = lambda: True) -> list[BaseRoute]:
    """The routes to mount, with those of every task. Call it once a process.

    Args:
        library: whose files are served.
        models_ready: whether the model server answers, without waiting for it.
    """
    files = _Files(library, models_ready)
    base = urls.base_path()
    return [
        Route(f"{base}/runs/{{run}}/files/{{file}}", errors_as_text(files.file)),
        Route(f"{base}/runs.zip", errors_as_text(files.zip)),
        Route(f"{base}/healthz", errors_as_text(files.health)),
        Route(f"{base}/readyz", errors_as_text(files.ready)),
        *(route for task in tasks.registered().values() for route in task.routes(library, base)),
        *vendor.routes(base),
    ]


class _Files:
    def __init__(self, library: Library, models_ready: Callable[[], bool]) -> None:
        self.library = library
        self.models_ready = models_ready

    async def file(self, request: Request) -> Response:
        """One stored file, whole or the asked range of it."""
        run_id, file = request.path_params["run"], request.path_params["file"]
        run, stored, path = await run_in_threadpool(self._find, run_id, file)
        etag = f'"{stored.file}"'  # bytes under one name never change
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"ETag": etag, **FOREVER})
        if _unsatisfiable(request.headers.get("range", ""), stored.bytes):
            text = f"This file has only {stored.bytes} bytes: ask for a range within it."
            return text_response(text, 416, {"Content-Range": f"bytes */{stored.bytes}"})
        kind = MEDIA_TYPES.get(path.suffix, BINARY)
        saved = "download" in request.query_params or not INLINE_TYPES.fullmatch(kind)
        return FileResponse(
            path,
            media_type=kind,
            headers={**SAFE_HEADERS, **FOREVER, "ETag": etag},
            filename=export_name(run.title, stored.name, model_of(run), path.suffix) if saved else None,
        )

    async def zip(self, request: Request) -> Response:
        """The results of several finished runs, each in a folder of its own; made as it is sent."""
        ids = request.query_params.get("ids", "").split(",")[:MAX_ZIPPED]
        entries = await run_in_threadpool(zip_entries, self.library, ids)
        headers = {**SAFE_HEADERS, **NEVER, "Content-Disposition": 'attachment; filename="results.zip"'}
        return StreamingResponse(zip_stream(entries), media_type="application/zip", headers=headers)

    async def health(self, request: Request) -> Response:
        """Whether this process and its library answer."""
        runs = await run_in_threadpool(self.library.total)
        return JSONResponse({"status": "ok", "runs": runs}, headers=NEVER)

    async def ready(self, request: Request) -> Response:
        """Whether a job can run: the library answers, and so does the model server."""
        await run_in_threadpool(self.library.total)
        if not self.models_ready():
            raise Busy("The model server does not answer; finished results can be seen, but no job can run.")
        return JSONResponse({"status": "ready"}, headers=NEVER)

    def _find(self, run_id: str, file: str) -> tuple[Run, StoredArtifact, Path]:
        run, stored = self.library.get(run_id), self.library.find(run_id, file)
        if run is None:
            raise UnknownRun
        if stored is None:
            raise NoSuchFile("There is no such file in this run: open the run again from the library.")
        return run, stored, self.library.local(run_id, stored)


def _unsatisfiable(header: str, size: int) -> bool:
    """Whether a header that asks for one range asks for none of `size` bytes (RFC 9110, section 14.1.2)."""
    asked = re.fullmatch(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", header)
    if not asked or not any(asked.groups()):
        return False
    first, last = asked.groups()
    return int(first) >= size if first else int(last) == 0 or size == 0
