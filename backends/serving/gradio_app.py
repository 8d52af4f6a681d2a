"""The Gradio app of a backend, mounted on FastAPI beside /healthz, /readyz, /info and the files of jobs.

Every endpoint is a generator, because Gradio can only cancel generators; a device runs one job at a time.
"""

from __future__ import annotations

import inspect
import os
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from backends import __version__
from backends.core.errors import BadInput
from backends.core.event_json import JOB_HEADER, error_json
from backends.core.task import Task, tasks
from backends.serving import routes
from backends.serving.gradio_internals import Page, request_header
from backends.serving.guard import Guard
from backends.serving.host import Host
from backends.serving.job_folders import KEEP_SECONDS
from backends.serving.places import Place
from backends.serving.quick_gradio import gr
from backends.serving.running_jobs import Events
from backends.serving.server import Caller, Server

SWEEP_SECONDS = 180.0
"""Between two looks for files that nobody wants any more."""


def blocks(server: Server) -> gr.Blocks:
    """One generator endpoint a task, and `/fetch` for weights, with a plain page for whoever opens the address."""
    with Page(title="Fourfold backend", analytics_enabled=False) as page:
        gr.Markdown("# Fourfold backend\nThis machine runs the models. People use the studio; programs use the API.")
        for task in tasks().values():
            _task_tab(server, page, task)
        _explain_tab(server, page)
        with gr.Accordion("Fetch published weights", open=False):
            card = gr.Textbox(label="Model", placeholder="htdemucs")
            progress = gr.JSON(label="Event")
            gr.Button("Fetch").click(
                _fetching(server, page),
                card,
                progress,
                api_name="fetch",
                concurrency_id="network",
                concurrency_limit=2,
            )
    size = routes.QUEUE_SIZE * server.place.size
    page.queue(max_size=size, default_concurrency_limit=1, api_open=False)  # Nobody passes the queue by.
    page.mount(server.uploads)
    server.is_queued = lambda job_id: page.is_queued(JOB_HEADER, job_id)
    server.metrics.show("jobs_waiting", "Jobs in the queue.", page.queue_length)
    return page


def _caller(page: Page) -> Caller:
    return Caller(*page.current_event(), request_header(JOB_HEADER))


def _fetching(server: Server, page: Page) -> Any:
    def fetch(card_id: str) -> Events:
        with closing(server.fetch(card_id, _caller(page))) as events:
            yield from events

    return fetch


def _task_tab(server: Server, page: Page, task: Task) -> None:
    names = (*task.inputs, "weights", "options", *task.optional)

    def endpoint(*values: Any) -> Events:
        sent = dict(zip(names, values, strict=True))
        weights, options = sent.pop("weights"), sent.pop("options")
        missing = [name for name in task.inputs if not sent[name]]
        if missing:
            error = BadInput(f"No {missing[0]} was sent; upload one first.")
            yield error_json(error)
            raise gr.Error(error.sentence, print_exception=False)
        inputs = {name: Path(file["path"]) for name, file in sent.items() if file}
        with closing(server.work(task, inputs, weights or "", options, _caller(page))) as events:
            yield from events

    endpoint.__signature__ = _signature(task.optional, names)  # type: ignore[attr-defined]
    gr.Markdown(f"## {task.title}")
    files = [gr.File(label=name, type="filepath") for name in task.inputs]
    weights = gr.Textbox(label="Model (empty: the best that is here)")
    options = gr.JSON(label="Options", value={})
    extra = [gr.File(label=f"{name} (may be left out)", type="filepath", value=None) for name in task.optional]
    event = gr.JSON(label="Event")
    gr.Button(task.verb.capitalize()).click(
        endpoint,
        [*files, weights, options, *extra],
        event,
        api_name=task.verb,
        concurrency_id="device",
        concurrency_limit=server.place.size,
        preprocess=False,  # Of a file Gradio would make a path, and leave an empty temporary file behind.
    )


def _explain_tab(server: Server, page: Page) -> None:
    """`/explain`: why a model answers so, for every task. Its options are those of a Question, and `task`."""
    explained = {name: task for name, task in tasks().items() if task.explainable}
    if not explained:
        return
    optional = tuple(dict.fromkeys(name for task in explained.values() for name in task.load_explainable().optional))
    names = ("file", "weights", "options", *optional)

    def endpoint(*values: Any) -> Events:
        sent = dict(zip(names, values, strict=True))
        weights, options = sent.pop("weights"), dict(sent.pop("options") or {})
        try:
            task = explained.get(str(options.pop("task", "")))
            if task is None:
                raise BadInput(f"Say in the options which task this is about: {', '.join(explained)}.")
            if not sent["file"]:
                raise BadInput(f"No {task.inputs[0]} was sent; upload one first.")
        except BadInput as error:
            yield error_json(error)
            raise gr.Error(error.sentence, print_exception=False) from error
        inputs = {task.inputs[0] if key == "file" else key: Path(file["path"]) for key, file in sent.items() if file}
        with closing(server.explain(task, inputs, weights or "", options, _caller(page))) as events:
            yield from events

    endpoint.__signature__ = _signature(optional, names)  # type: ignore[attr-defined]
    gr.Markdown("## Why a model answered so")
    file = gr.File(label="file", type="filepath")
    weights = gr.Textbox(label="Model (empty: the best that is here)")
    options = gr.JSON(label="Task and question", value={"task": next(iter(explained))})
    extra = [gr.File(label=f"{name} (may be left out)", type="filepath", value=None) for name in optional]
    event = gr.JSON(label="Event")
    gr.Button("Explain").click(
        endpoint,
        [file, weights, options, *extra],
        event,
        api_name="explain",
        concurrency_id="device",
        concurrency_limit=server.place.size,
        preprocess=False,  # as above
    )


def _signature(optional: tuple[str, ...], names: tuple[str, ...]) -> inspect.Signature:
    """Gradio tells clients the names of an endpoint's arguments, and which of them may be left out."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    defaults = {name: None if name in optional else inspect.Parameter.empty for name in names}
    return inspect.Signature([inspect.Parameter(name, kind, default=default) for name, default in defaults.items()])


def build(
    host: Host,
    root: Path,
    keep: float = KEEP_SECONDS,
    sweep_every: float = SWEEP_SECONDS,
    address: str = "127.0.0.1",
    *,
    place: Place | None = None,
) -> FastAPI:
    """The whole backend as one ASGI app.

    Args:
        host: what runs the models.
        root: holds uploads and job folders.
        keep: seconds for which they are kept after their last use.
        sweep_every: seconds between two looks for those that are older.
        address: that the server listens on.
        place: what does the work of jobs; without it the device of this process.
    """
    uploads = root / "uploads"
    uploads.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
    server = Server(host, root, keep, place)
    api = FastAPI(title="Fourfold backend", version=__version__)
    api.state.server = server
    routes.add(api, server)
    api.add_middleware(routes.OwnRoutes, cancel=server.running.cancel)
    api.add_middleware(Guard, address=address)
    threading.Thread(target=server.warm_up, name="warm-up", daemon=True).start()
    threading.Thread(target=server.sweep, args=(sweep_every,), name="sweep", daemon=True).start()
    page = blocks(server)
    limit = routes.UPLOAD_BYTES
    return gr.mount_gradio_app(
        api, page, path="/", max_file_size=limit, show_error=True, ssr_mode=False, run_history=False
    )
