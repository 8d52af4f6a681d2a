"""Where a browser finds the pictures of a project, small and large, and the whole project as a file.

Mounted beside the pages. A project is found by its token, which nobody can guess, a picture by its sha256 among those
of the project: never by a path from the address.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from backends.shared import images
from studio.pictures import project_archive
from studio.pictures.files import small
from studio.pictures.project import Project
from studio.pictures.projects import Projects
from studio.web import filenames
from studio.web.responses import FOREVER, NEVER, SAFE_HEADERS, NoSuchFile, errors_as_text

SHOWN_SIDE = 1024


def thumb_url(project: Project, sha: str, base: str) -> str:
    """Where a browser finds the small picture; `base` is what comes before every address of the studio."""
    return thumb_url_of(project.token, sha, base)


def thumb_url_of(token: str, sha: str, base: str) -> str:
    """The same for a project that is not open."""
    return f"{base}/projects/{token}/thumbs/{sha}"


def shown_url(project: Project, sha: str, base: str) -> str:
    """Where a browser finds the picture upright and as large as a screen needs."""
    return f"{base}/projects/{project.token}/pictures/{sha}"


def saved_url(project: Project, base: str) -> str:
    """Where a browser finds the project as one zip file."""
    return f"{base}/projects/{project.token}/project.zip"


def routes(projects: Callable[[], Projects], base: str = "") -> list[Route]:
    """The routes to mount."""

    def find(request: Request) -> tuple[Project, str]:
        project, sha = projects().open(request.path_params["token"]), request.path_params["sha"]
        if sha not in project.state.pictures:
            raise NoSuchFile("There is no such picture in this project.")
        return project, sha

    async def thumb(request: Request) -> Response:
        project, sha = await run_in_threadpool(find, request)
        return FileResponse(project.thumb(sha), media_type="image/webp", headers={**SAFE_HEADERS, **FOREVER})

    async def image(request: Request) -> Response:
        project, sha = await run_in_threadpool(find, request)
        data = await run_in_threadpool(lambda: small(images.read(project.picture(sha), SHOWN_SIDE).rgb, SHOWN_SIDE))
        return Response(data, media_type="image/webp", headers={**SAFE_HEADERS, **FOREVER})

    async def saved(request: Request) -> Response:
        project = await run_in_threadpool(projects().open, request.path_params["token"])
        path = await run_in_threadpool(project_archive.save, project)
        name = f"{filenames.clean(project.state.name) or 'Pictures'}.zip"
        done = BackgroundTask(path.unlink, missing_ok=True)
        return FileResponse(
            path, media_type="application/zip", headers={**SAFE_HEADERS, **NEVER}, filename=name, background=done
        )

    return [
        Route(f"{base}/projects/{{token}}/thumbs/{{sha}}", errors_as_text(thumb)),
        Route(f"{base}/projects/{{token}}/pictures/{{sha}}", errors_as_text(image)),
        Route(f"{base}/projects/{{token}}/project.zip", errors_as_text(saved)),
    ]
