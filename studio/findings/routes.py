"""The addresses of findings: the small pictures of results, the presenter's view, exported files."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from studio import services
from studio.findings import covers, deck, story_files
from studio.web.responses import NEVER, SAFE_HEADERS, Busy, NotFound, errors_as_text
from viz.deck import online_policy

COVER_SECONDS = 600
"""How long a browser keeps a cover: a project's changes with its pictures."""


def routes(base: str) -> list[BaseRoute]:
    """The routes to mount; `base` is what comes before every address of the studio."""
    return [
        Route(f"{base}/entries/{{entry}}/cover", errors_as_text(cover)),
        Route(f"{base}/stories/ready", errors_as_text(ready)),
        Route(f"{base}/stories/{{story}}/present", errors_as_text(present)),
        Route(f"{base}/story-files/{{file}}", errors_as_text(story_files.fetch)),
    ]


async def cover(request: Request) -> Response:
    """The small picture of a run or project."""
    picture = await run_in_threadpool(_cover, request.path_params["entry"])
    keep = {"Cache-Control": f"private, max-age={COVER_SECONDS}"}
    return Response(picture, media_type="image/webp", headers={**SAFE_HEADERS, **keep})


async def present(request: Request) -> Response:
    """The presenter's view of a story, as it is now."""
    document, nonce = await run_in_threadpool(deck.live_document, request.path_params["story"])
    return HTMLResponse(document, headers={**SAFE_HEADERS, **NEVER, "Content-Security-Policy": online_policy(nonce)})


async def ready(request: Request) -> Response:
    """Whether something can be tried live: the model server is asked now, as the stage falls back where it is gone."""
    if not (await run_in_threadpool(services.backend().state, True)).ready:
        raise Busy("The model server does not answer.")
    return JSONResponse({"status": "ready"}, headers=NEVER)


def _cover(entry_id: str) -> bytes:
    entry = services.catalogue().get(entry_id)
    if entry is None:
        raise NotFound("There is no such run or project in the library.")
    return covers.picture(entry)
