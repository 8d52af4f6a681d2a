"""The Gradio app of a backend, mounted on FastAPI beside /healthz, /readyz, /info and the files of jobs.

Every endpoint is a generator, because Gradio can only cancel generators; one device runs one job at a time.
"""

from __future__ import annotations

import errno
import inspect
import logging
import math
import os
import secrets
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from fastapi import FastAPI
from fastapi.responses import FileResponse, JSONResponse

from backends import __version__
from backends.core.engine import Metric
from backends.core.errors import BadInput, EngineFailed, UserError
from backends.core.event_json import error_json, event_json
from backends.core.info import Info, QueueInfo
from backends.core.task import Task, tasks
from backends.serving import live
from backends.serving.host import Host
from backends.serving.job_folders import KEEP_SECONDS, JobFolder, JobFolders
from backends.serving.quick_gradio import gr
from backends.serving.run_job import JobRequest, run_job
from backends.serving.uploads import Uploads, named_files, refuse_addresses

log = logging.getLogger(__name__)

Events = Generator[dict[str, Any], None, None]

QUEUE_SIZE = 16
"""Jobs that may wait; one more is refused in words rather than kept waiting for hours."""

UPLOAD_BYTES = 4 * 1024**3

SWEEP_SECONDS = 180.0
"""Between two looks for files that nobody wants any more."""

CRASH = "The model stopped because of a fault of ours; your file is kept. Try again, or try another model."
FETCH_CRASH = "The download stopped because of a fault of ours; what has arrived is kept. Try again."
NO_MEMORY = "This machine ran out of memory; try a shorter file or a smaller model."
NO_ROOM = "The disk of the machine that runs the models is full; make room there and try again."


class Server:
    """A host and its job folders behind one FastAPI app. `boot` is another after every start, so that a client can
    tell that the jobs it knew are gone; `device` is held by whoever works on it."""

    def __init__(self, host: Host, root: Path, keep: float = KEEP_SECONDS) -> None:
        self.host = host
        self.folders = JobFolders(root / "jobs", keep)
        self.uploads = Uploads(root / "uploads", keep=keep)
        self.boot = secrets.token_hex(8)
        self.warm_error = ""
        self.warm = threading.Event()
        self.stopping = threading.Event()
        self.device = threading.Lock()

    def warm_up(self) -> None:
        """Load the default engine of the first task, so that the first job need not wait; /readyz tells."""
        try:
            task = next(iter(tasks().values()))
            self.host.info()  # Imports torch, for which no request should have to wait.
            with self.device:
                for _ in self.host.engine(task, *self.host.choose(task)):
                    pass
        except UserError as error:
            self.warm_error = error.sentence
        except Exception as error:
            log.exception("warm-up failed")
            self.warm_error = f"The default model could not be loaded ({error})."
        self.warm.set()

    def sweep(self, every: float) -> None:
        """Clear away, for ever, the results and uploads that nobody has come back for."""
        while True:
            time.sleep(every)
            try:
                self.folders.sweep()
                self.uploads.sweep()
            except OSError:
                log.exception("old files could not be cleared away")

    def work(self, task: Task, files: Mapping[str, Path], weights: str, options: Any) -> Events:
        """Run one job as JSON events. The last is a result or an error; closing frees the device within a chunk."""
        folder = self.folders.open()
        try:
            with self.uploads.used(files):
                yield from errors_as_events(self._events(task, files, weights, options, folder), task.name, CRASH)
        finally:
            self.folders.close(folder)

    def _events(self, task: Task, files: Mapping[str, Path], weights: str, options: Any, folder: JobFolder) -> Events:
        if not isinstance(options, dict | None):
            raise BadInput("The options must be a JSON object, such as {}.")
        if weights:
            self.host.card(task, weights)  # A path would let any client read files of this machine.
        if gone := [name for name, path in files.items() if not self.uploads.holds(path)]:
            raise BadInput(f"The {gone[0]} is not on the server any more; upload it again.")
        # Gradio's queue admits one job a device; the lock keeps the warm-up out of its way too.
        with self.device:
            card, paths = self.host.choose(task, weights=weights)
            yield {"type": "started", "job": folder.token, "card": card.id, "device": self.host.device}
            job = JobRequest(task, card, paths, files, options or {}, folder.path)
            with closing(run_job(self.host, job)) as events:
                for event in events:
                    self._go_on()
                    if isinstance(event, Metric) and not math.isfinite(event.value):
                        continue  # Not JSON: a number that could not be measured, or the level of silence, is left out.
                    yield event_json(event, lambda artifact: self.folders.locate(folder, artifact))

    def _go_on(self) -> None:
        if self.stopping.is_set():
            raise EngineFailed("The model server was stopped; start this again when it is back.")

    def fetch(self, card_id: str) -> Events:
        """Download the weights of a card as JSON events, ending with {"type": "fetched"}."""
        yield from errors_as_events(self._fetch_events(card_id), f"fetching {card_id}", FETCH_CRASH)

    def _fetch_events(self, card_id: str) -> Events:
        _, card = self.host.any_card(card_id)
        with closing(self.host.fetch(card)) as events:
            for event in events:
                self._go_on()
                yield event_json(event, lambda _: {})
        yield {"type": "fetched", "card": card.id, "bytes": card.download_bytes}


def errors_as_events(events: Events, what: str, crash: str) -> Events:
    """The same events; whatever goes wrong becomes an error event of one sentence, and Gradio's error."""
    try:
        yield from events
        return
    except UserError as error:
        failure = error_json(error)
    except MemoryError:
        failure = error_json(EngineFailed(NO_MEMORY))
    except Exception as error:
        log.exception("%s failed", what)
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        failure = error_json(EngineFailed(NO_ROOM)) if full else {"type": "error", "code": "crash", "sentence": crash}
    yield failure
    raise gr.Error(failure["sentence"], print_exception=False)


class Page(gr.Blocks):
    """Gradio's page, which tells the server of its uploads and takes no file from elsewhere."""

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *rest: Any, **named: Any) -> Any:
        """Every way into an endpoint leads through here, before Gradio moves a file or fetches one."""
        try:
            refuse_addresses(inputs)
        except UserError as error:
            raise gr.Error(error.sentence, print_exception=False) from error
        return await super().preprocess_data(block_fn, inputs, *rest, **named)

    def waiting(self) -> list[str]:
        """The files of the jobs in the queue."""
        queues = list(self._queue.event_queue_per_concurrency_id.values())
        events = [event for queue in queues for event in list(queue.queue)]
        return [file["path"] for event in events if event.data for file in named_files(event.data.data)]


def blocks(server: Server) -> gr.Blocks:
    """One generator endpoint a task, and `/fetch` for weights, with a plain page for whoever opens the address."""
    with Page(title="Fourfold backend", analytics_enabled=False) as page:
        gr.Markdown("# Fourfold backend\nThis machine runs the models. People use the studio; programs use the API.")
        for task in tasks().values():
            _task_tab(server, task)
        with gr.Accordion("Fetch published weights", open=False):
            card = gr.Textbox(label="Model", placeholder="htdemucs")
            progress = gr.JSON(label="Event")
            gr.Button("Fetch").click(
                server.fetch, card, progress, api_name="fetch", concurrency_id="network", concurrency_limit=2
            )
    page.queue(max_size=QUEUE_SIZE, default_concurrency_limit=1, api_open=False)  # Nobody passes the queue by.
    page.upload_file_set = server.uploads
    server.uploads.waiting = page.waiting
    # Gradio checks that an input file was really uploaded only on pages that were launched; a mounted page never
    # is, and would read any file of this machine that a client names.
    page.has_launched = True
    return page


def _task_tab(server: Server, task: Task) -> None:
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
        with closing(server.work(task, inputs, weights or "", options)) as events:
            yield from events

    endpoint.__signature__ = _signature(task, names)  # type: ignore[attr-defined]
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
        concurrency_limit=1,
        preprocess=False,  # Of a file Gradio would make a path, and leave an empty temporary file behind.
    )


def _signature(task: Task, names: tuple[str, ...]) -> inspect.Signature:
    """Gradio tells clients the names of an endpoint's arguments, and which of them may be left out."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    defaults = {name: None if name in task.optional else inspect.Parameter.empty for name in names}
    return inspect.Signature([inspect.Parameter(name, kind, default=default) for name, default in defaults.items()])


def build(host: Host, root: Path, keep: float = KEEP_SECONDS, sweep_every: float = SWEEP_SECONDS) -> FastAPI:
    """The whole backend as one ASGI app; `root` holds uploads and job folders, for `keep` seconds after their use."""
    uploads = root / "uploads"
    uploads.mkdir(parents=True, exist_ok=True)
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
    server = Server(host, root, keep)
    api = FastAPI(title="Fourfold backend", version=__version__)
    api.state.server = server
    _routes(api, server)
    threading.Thread(target=server.warm_up, name="warm-up", daemon=True).start()
    threading.Thread(target=server.sweep, args=(sweep_every,), name="sweep", daemon=True).start()
    return gr.mount_gradio_app(
        api, blocks(server), path="/", max_file_size=UPLOAD_BYTES, show_error=True, ssr_mode=False, run_history=False
    )


def _routes(api: FastAPI, server: Server) -> None:
    live.mount(api, server.host, server.device, server.stopping)

    @api.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @api.get("/readyz")
    def readyz() -> JSONResponse:
        if not server.warm.is_set():
            return JSONResponse({"status": "starting"}, 503)
        if server.warm_error:
            return JSONResponse({"status": "failed", "reason": server.warm_error}, 503)
        return JSONResponse({"status": "ready"})

    @api.get("/info")
    def info() -> Info:
        queue = QueueInfo(size=QUEUE_SIZE, upload_bytes=UPLOAD_BYTES)
        return server.host.info().model_copy(update={"boot": server.boot, "queue": queue})

    @api.get("/gradio_api/file={name:path}")
    def gradio_file(name: str) -> JSONResponse:
        """In place of Gradio's own, which hands out uploads and fetches web addresses; results are under /jobs."""
        return JSONResponse({"error": "There are no files to be had here."}, 404)

    @api.get("/jobs/{token}/{name}")
    def job_file(token: str, name: str) -> FileResponse:
        path = server.folders.find(token, name)
        if path is None or not path.is_file():
            return JSONResponse({"error": "This file is not here; the job may have been cleared away."}, 404)  # type: ignore[return-value]
        return FileResponse(path, headers={"X-Content-Type-Options": "nosniff"})

    @api.delete("/jobs/{token}")
    def forget(token: str) -> JSONResponse:
        return JSONResponse({"discarded": server.folders.discard(token)})
