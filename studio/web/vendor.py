"""Serves the scripts by others that components load, from the studio's own address."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from studio.web.responses import FOREVER, SAFE_HEADERS
from viz.vendor import THREEDMOL, THREEDMOL_ADDRESS, THREEDMOL_SHA256


def routes(base: str = "") -> list[Route]:
    """The routes to mount; `base` is what comes before every address of the studio."""
    return [Route(f"{base}{THREEDMOL_ADDRESS}", threedmol)]


async def threedmol(request: Request) -> Response:
    """3Dmol.js; its version is in its address, so a browser asks for it once."""
    etag = f'"{THREEDMOL_SHA256[:16]}"'
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"ETag": etag, **FOREVER})
    return FileResponse(
        THREEDMOL, media_type="text/javascript; charset=utf-8", headers={**SAFE_HEADERS, **FOREVER, "ETag": etag}
    )
