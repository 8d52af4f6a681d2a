"""Where a browser sends pictures: one file a request, as an example, into the class of its folder, or to be answered.

A project is found by its token, which nobody can guess. What arrives is capped while it is read, and decoded as any
file is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backends.core.errors import BadInput, TooLarge
from studio.pictures import files
from studio.pictures.project import Project
from studio.pictures.projects import Projects
from studio.web.responses import NEVER, SAFE_HEADERS, errors_as_text

MAX_FILE_BYTES = 100_000_000
MAX_FRAME_BYTES = 8_000_000
MAX_NAME = 1000

Answer = Callable[[Project, bytes], Mapping[str, Any]]


def examples_url(project: Project, base: str) -> str:
    """Takes examples, under `/<class>`."""
    return f"{base}/projects/{project.token}/examples"


def folders_url(project: Project, base: str) -> str:
    """Takes examples whose class is the folder that they lie in."""
    return f"{base}/projects/{project.token}/folders"


def questions_url(project: Project, base: str) -> str:
    """Takes questions."""
    return f"{base}/projects/{project.token}/questions"


def answer_url(project: Project, base: str) -> str:
    """Answers a picture that is not kept."""
    return f"{base}/projects/{project.token}/answer"


def routes(projects: Callable[[], Projects], answer: Answer, base: str = "") -> list[Route]:
    """The routes to mount. `answer` says what a picture shows."""

    async def project_of(request: Request) -> Project:
        return await run_in_threadpool(projects().open, request.path_params["token"])

    async def import_body(request: Request, project: Project, class_id: str | None) -> Response:
        name = request.query_params.get("name", "")[-MAX_NAME:] or "picture"
        data = await read_body(request, MAX_FILE_BYTES)
        report = await run_in_threadpool(files.import_files, project, [(name, lambda: data)], class_id)
        return _json({"added": report.added, "sentences": [*report.problems, *report.notices]})

    async def example(request: Request) -> Response:
        project = await project_of(request)
        class_id = (await run_in_threadpool(project.get_class, request.path_params["class_id"])).id
        return await import_body(request, project, class_id)

    async def in_folder(request: Request) -> Response:
        project = await project_of(request)
        parts = request.query_params.get("name", "").replace("\\", "/").strip("/").split("/")
        if len(parts) < 2:
            raise BadInput("It lies in no folder, so its class is not known: add it to a class.")
        made = await run_in_threadpool(project.class_called, parts[-2])
        return await import_body(request, project, made.id)

    async def question(request: Request) -> Response:
        return await import_body(request, await project_of(request), None)

    async def answered(request: Request) -> Response:
        project = await project_of(request)
        data = await read_body(request, MAX_FRAME_BYTES)
        return _json(await run_in_threadpool(answer, project, data))

    place = f"{base}/projects/{{token}}"
    ways = {
        "/examples/{class_id}": example,
        "/folders": in_folder,
        "/questions": question,
        "/answer": answered,
    }
    return [Route(f"{place}{path}", errors_as_text(way), methods=["POST"]) for path, way in ways.items()]


async def read_body(request: Request, most: int) -> bytes:
    """The body of a request, never more than `most` bytes of it. Raises TooLarge, BadInput."""
    data = bytearray()
    try:
        async for part in request.stream():
            data += part
            if len(data) > most:
                raise TooLarge(f"This file has more than {most // 1_000_000} MB: make it smaller.")
    except ClientDisconnect as error:
        raise BadInput("The file did not arrive as a whole: send it again.") from error
    return bytes(data)


def _json(values: Mapping[str, Any]) -> Response:
    return JSONResponse(dict(values), headers={**SAFE_HEADERS, **NEVER})
