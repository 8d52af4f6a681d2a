"""The addresses behind players and download buttons: files of runs, and exports made on request.

Mounted beside the pages (`streamlit.App(script, routes=routes(library))`). A file is found by its name in the library's
database, never by a path from the address. Failures are answered with one sentence as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from studio import services
from studio.library.library import Library, Run, Stored, UnknownRun, home
from studio.pictures import addresses
from studio.songs.exports import Exports, model_of
from studio.videos import frame_endpoint
from studio.web import vendor
from studio.web.filenames import export_name
from studio.web.responses import FOREVER, NEVER, SAFE_HEADERS, NoSuchFile, in_words, sentence

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
SHOWN = re.compile(r"(audio|video|image)/[a-z0-9-]+|application/octet-stream")
"""What a page may show in place; all else is only ever saved. An SVG has no type above, as it can carry scripts."""


def base_path() -> str:
    """What comes before the addresses here where Streamlit is told to live under a path of a larger site."""
    from streamlit import config

    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


def run_url(run_id: str) -> str:
    """What the addresses of a run's files and exports begin with."""
    return f"{base_path()}/runs/{run_id}"


def file_url(run_id: str, stored: Stored, *, download: bool = False) -> str:
    """Where a browser finds a file of a run; with `download`, under a readable name in its downloads."""
    return f"{run_url(run_id)}/files/{stored.file}{'?download=1' if download else ''}"


def mixdown_url(
    run_id: str,
    format: str,
    gains_db: Mapping[str, float] | None = None,
    *,
    pans: Mapping[str, float] | None = None,
    start: float | None = None,
    end: float | None = None,
) -> str:
    """Where a browser finds the sound of `gains_db` (None: all stems at 0 dB) from `start` to `end` seconds."""
    query = _query(format=format, gains=_by_stem(gains_db), pans=_by_stem(pans), start=start, end=end)
    return f"{run_url(run_id)}/mixdown?{query}"


def stems_url(run_id: str, format: str, start: float | None = None, end: float | None = None) -> str:
    """Where a browser finds the zip of all stems."""
    return f"{run_url(run_id)}/stems.zip?{_query(format=format, start=start, end=end)}"


def routes(library: Library) -> list[Route]:
    """The routes to mount. Call it once a process; it also clears away exports that a crash left behind."""
    exports = Exports(library, home() / "exports")
    exports.clear()
    files = _Files(library)
    base = base_path()
    return [
        Route(f"{base}/runs/{{run}}/files/{{file}}", in_words(files.file)),
        Route(f"{base}/runs/{{run}}/mixdown", in_words(exports.mixdown)),
        Route(f"{base}/runs/{{run}}/stems.zip", in_words(exports.stems_zip)),
        *frame_endpoint.routes(library, base),
        Route(f"{base}/healthz", in_words(files.health)),
        *addresses.routes(services.projects, base),
        *vendor.routes(base),
    ]


class _Files:
    def __init__(self, library: Library) -> None:
        self.library = library

    async def file(self, request: Request) -> Response:
        """One stored file, whole or the asked range of it."""
        run_id, file = request.path_params["run"], request.path_params["file"]
        run, stored, path = await run_in_threadpool(self._find, run_id, file)
        etag = f'"{stored.file}"'  # bytes under one name never change
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"ETag": etag, **FOREVER})
        if _unsatisfiable(request.headers.get("range", ""), stored.bytes):
            told = f"This file has only {stored.bytes} bytes: ask for a range within it."
            return sentence(told, 416, {"Content-Range": f"bytes */{stored.bytes}"})
        kind = MEDIA_TYPES.get(path.suffix, BINARY)
        saved = "download" in request.query_params or not SHOWN.fullmatch(kind)
        return FileResponse(
            path,
            media_type=kind,
            headers={**SAFE_HEADERS, **FOREVER, "ETag": etag},
            filename=export_name(run.title, stored.name, model_of(run), path.suffix) if saved else None,
        )

    async def health(self, request: Request) -> Response:
        """Whether this process and its library answer."""
        runs = await run_in_threadpool(self.library.total)
        return JSONResponse({"status": "ok", "runs": runs}, headers=NEVER)

    def _find(self, run_id: str, file: str) -> tuple[Run, Stored, Path]:
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


def _by_stem(numbers: Mapping[str, float] | None) -> str | None:
    return None if numbers is None else ",".join(f"{quote(name)}:{number:g}" for name, number in numbers.items())


def _query(**values: Any) -> str:
    return "&".join(f"{name}={value}" for name, value in values.items() if value is not None)
