"""The files that stories are exported to: in a folder for each visitor, fetched by a name that nobody can guess."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from pathlib import Path
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from studio import visitors
from studio.library.library import home
from studio.web import filenames, urls
from studio.web.responses import NEVER, SAFE_HEADERS, NoSuchFile

STALE = 24 * 3600.0
NAME = re.compile(r"[0-9a-f]{32}\.(html|pdf|fourfold)")


def folder() -> Path:
    """Where the files of whoever asks lie."""
    visitor = visitors.current()
    return home() / "story-files" / (hashlib.sha256(visitor.encode()).hexdigest()[:32] if visitor else "")


def new_path(ending: str) -> Path:
    """A place for a new file; those of the day before are removed."""
    place = folder()
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in (file for file in (home() / "story-files").rglob("*") if file.is_file()):
        if time.time() - old.stat().st_mtime > STALE:
            old.unlink(missing_ok=True)
    return place / f"{secrets.token_hex(16)}{ending}"


def url(path: Path, title: str) -> str:
    """Where a browser fetches a file, which is saved under the story's title."""
    return f"{urls.base_path()}/story-files/{path.name}?title={quote(filenames.clean(title) or 'Story', safe='')}"


async def fetch(request: Request) -> Response:
    """One exported file."""
    name = request.path_params["file"]
    path = folder() / name if NAME.fullmatch(name) else None
    if path is None or not await run_in_threadpool(path.is_file):
        raise NoSuchFile("This file is no longer here: make it again on the page of the story.")
    title = filenames.clean(request.query_params.get("title", "")) or "Story"
    kind = {".pdf": "application/pdf", ".html": "text/html; charset=utf-8"}.get(path.suffix, "application/zip")
    return FileResponse(path, media_type=kind, filename=f"{title}{path.suffix}", headers={**SAFE_HEADERS, **NEVER})
