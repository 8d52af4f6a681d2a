"""Where a browser finds the pictures of a sorted run as folders, one a class; written while it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from studio.library.library import Library, Run, UnknownRun
from studio.pictures.sorted_run import files_of, folder_names, sorted_pictures, table
from studio.web import filenames
from studio.web.many_runs import zip_of_parts
from studio.web.responses import NEVER, SAFE_HEADERS, NotReady, errors_as_text


def folders_url(run_id: str, base: str) -> str:
    """Where a browser finds the zip."""
    return f"{base}/sorted/{run_id}/folders.zip"


def routes(library: Library, base: str = "") -> list[Route]:
    """The routes to mount."""

    async def folders(request: Request) -> Response:
        run = await run_in_threadpool(library.get, request.path_params["run"])
        if run is None or run.task != "fewshot":
            raise UnknownRun
        places = await run_in_threadpool(_places, run)
        name = quote(f"{filenames.clean(run.title) or 'Pictures'} sorted.zip")
        headers = {**SAFE_HEADERS, **NEVER, "Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return StreamingResponse(zip_of_parts(_parts(run, places)), media_type="application/zip", headers=headers)

    return [Route(f"{base}/sorted/{{run}}/folders.zip", errors_as_text(folders))]


def _places(run: Run) -> dict[str, str]:
    """Where in the zip each picture goes, by its name."""
    found = table(run)
    if found is None:
        raise NotReady("This run has sorted nothing yet.")
    pictures = sorted_pictures(run, found)
    return dict(zip((one.name for one in pictures), folder_names(pictures), strict=True))


def _parts(run: Run, places: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    with files_of(run) as there:
        for name, place in places.items():
            if name in there:
                yield place, there[name].read()
