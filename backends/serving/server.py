"""The work behind the endpoints of a backend: jobs and downloads as JSON events, each in a thread of its own."""

from __future__ import annotations

import errno
import logging
import math
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from backends.core import logs
from backends.core.engine import Metric
from backends.core.errors import BadInput, EngineFailed, UserError
from backends.core.event_json import error_json, event_json
from backends.core.task import Task
from backends.serving.host import Host
from backends.serving.job_folders import KEEP_SECONDS, JobFolder, JobFolders
from backends.serving.metrics import Metrics
from backends.serving.places import Begun, LocalDevice, Place, Work
from backends.serving.quick_gradio import gr
from backends.serving.running_jobs import GRACE_SECONDS, ID, LOOK_SECONDS, Events, RunningJob, RunningJobs
from backends.serving.uploads import Uploads

log = logging.getLogger(__name__)

CRASH = "The model stopped because of a fault of ours; your file is kept. Try again, or try another model."
FETCH_CRASH = "The download stopped because of a fault of ours; what has arrived is kept. Try again."
NO_MEMORY = "This machine ran out of memory; try a shorter file or a smaller model."
NO_ROOM = "The disk of the machine that runs the models is full; make room there and try again."
ROOM_BYTES = 64 * 1024**2
"""Space on the disk without which no job begins."""

STOPPED = "The model server was stopped; start this again when it is back."


@dataclass(frozen=True)
class Caller:
    """Who asks for a job.

    Attributes:
        event_id: Gradio's name for the request, by which it is cancelled; "" outside of Gradio.
        followed: whether the connection is still there.
        job_id: the client's own name for the job, by which it can come back; "" where it will not.
    """

    event_id: str = ""
    followed: Callable[[], bool] = lambda: True
    job_id: str = ""

    @property
    def grace(self) -> float:
        """Seconds that the job goes on without the connection."""
        return GRACE_SECONDS if ID.fullmatch(self.job_id) else 0.0


ANYBODY = Caller()


@dataclass(frozen=True)
class _Request:
    """What a client asks for: `kind` is "run" for a job, "explain" for a question about one."""

    kind: str
    task: Task
    files: Mapping[str, Path]
    weights: str
    options: Any


class Server:
    """A host and its job folders. `boot` is another after every start, so that a client can tell that the jobs it
    knew are gone; `device` is held by whoever works on that of this process; `place` does the work of jobs."""

    def __init__(self, host: Host, root: Path, keep: float = KEEP_SECONDS, place: Place | None = None) -> None:
        self.host = host
        self.folders = JobFolders(root / "jobs", keep)
        self.uploads = Uploads(root / "uploads", keep=keep)
        self.running = RunningJobs()
        self.is_queued: Callable[[str], bool] = lambda job_id: False
        self.boot = secrets.token_hex(8)
        self.warm_error = ""
        self.warm = threading.Event()
        self.stopping = threading.Event()
        self.draining = threading.Event()
        self.device = threading.Lock()
        self.place: Place = place or LocalDevice(host, self.device)
        self.metrics = Metrics()
        self.metrics.show("jobs_running", "Jobs that have begun and not ended.", lambda: self.running.count)
        self.metrics.add(self.place.numbers)

    def warm_up(self) -> None:
        """Load the default engine of the first task, so that the first job need not wait; /readyz tells."""
        try:
            self.place.warm_up()
        except UserError as error:
            self.warm_error = error.sentence
        except Exception as error:
            log.exception("warm-up failed")
            self.warm_error = f"The default model could not be loaded ({error})."
        self.warm.set()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until no job runs any more, at most so many seconds; whether that is so."""
        end = time.monotonic() + seconds
        while self.running.busy and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
        return not self.running.busy

    def sweep(self, every: float) -> None:
        """Clear away, for ever, the results and uploads that nobody has come back for."""
        while True:
            time.sleep(every)
            try:
                self.folders.sweep()
                self.uploads.sweep()
            except OSError:
                log.exception("old files could not be cleared away")

    def work(
        self, task: Task, files: Mapping[str, Path], weights: str, options: Any, caller: Caller = ANYBODY
    ) -> Events:
        """Run one job and give its JSON events; the last is a result or an error.

        Args:
            task: what to do.
            files: the uploads by the names of the task's inputs.
            weights: the id of a card, or "" for the best.
            options: the engine's, as they came.
            caller: who asks; the job ends once they are gone, or have cancelled it.
        """
        request = _Request("run", task, files, weights, options)
        yield from self._in_folder(request, caller)

    def explain(
        self, task: Task, files: Mapping[str, Path], weights: str, question: Any, caller: Caller = ANYBODY
    ) -> Events:
        """Say why a model answers as it does, as JSON events like those of a job.

        Args:
            task: whose model.
            files: the uploads by the names of the task's inputs.
            weights: the id of a card, or "" for the best.
            question: a `backends.attribution.question.Question` as JSON.
            caller: who asks.
        """
        request = _Request("explain", task, files, weights, question)
        yield from self._in_folder(request, caller)

    def _in_folder(self, request: _Request, caller: Caller) -> Events:
        """The events of a request, whose files go into a folder of its own; one asked for again is the same job."""
        if (known := self.folders.job(caller.job_id)) is not None:
            with closing(known.follow(caller.followed)) as events:
                yield from events
            return
        folder = self.folders.open(caller.job_id)
        name = request.task.name

        def make(job: RunningJob) -> Events:
            logs.begin_job(folder.token)
            try:
                with self.uploads.used(request.files):
                    yield from self.metrics.watch(name, errors_as_events(self._events(request, folder), name, CRASH))
            finally:
                self.folders.close(folder)
                logs.end_job()

        folder.job = RunningJob(make, caller.followed, caller.grace)
        yield from self._follow(folder.job, caller)

    def _follow(self, job: RunningJob, caller: Caller) -> Events:
        """Start a job and give its events for as long as its caller stays."""
        self.running.add((caller.event_id, caller.job_id if caller.grace else ""), job)
        job.start()
        with closing(job.follow()) as events:
            yield from events

    def _events(self, request: _Request, folder: JobFolder) -> Events:
        task, files, weights, options = request.task, request.files, request.weights, request.options
        if not isinstance(options, dict | None):
            raise BadInput("The options must be a JSON object, such as {}.")
        if self.draining.is_set():
            raise EngineFailed(STOPPED)
        if weights:
            self.host.card(task, weights)  # A path would let any client read files of this machine.
        if gone := [name for name, path in files.items() if not self.uploads.holds(path)]:
            raise BadInput(f"The {gone[0]} is not on the server any more; upload it again.")
        assert folder.job is not None
        _check_room(folder.path, files)
        work = Work(request.kind, task.name, weights, files, options or {}, folder.path, folder.token)
        with closing(self.place.run(work, folder.job)) as events:
            for event in events:
                self._go_on()
                if isinstance(event, Begun):
                    yield {"type": "started", "job": folder.token, "card": event.card, "device": event.device}
                # Not JSON: a number that could not be measured, or the level of silence, is left out.
                elif not isinstance(event, Metric) or math.isfinite(event.value):
                    yield event_json(event, partial(self.folders.locate, folder))

    def _go_on(self) -> None:
        if self.stopping.is_set():
            raise EngineFailed(STOPPED)

    def fetch(self, card_id: str, caller: Caller = ANYBODY) -> Events:
        """Download the weights of a card as JSON events, ending with {"type": "fetched"}."""
        yield from self._follow(
            RunningJob(
                lambda _: self.metrics.watch(
                    "fetch", errors_as_events(self._fetch_events(card_id), f"fetching {card_id}", FETCH_CRASH)
                ),
                caller.followed,
                caller.grace,
            ),
            caller,
        )

    def _fetch_events(self, card_id: str) -> Events:
        _, card = self.host.any_card(card_id)
        with closing(self.host.fetch(card)) as events:
            for event in events:
                self._go_on()
                yield event_json(event, lambda _: {})
        yield {"type": "fetched", "card": card.id, "bytes": card.download_bytes}


def _check_room(folder: Path, files: Mapping[str, Path]) -> None:
    """Raise EngineFailed where the disk is too full to begin: results take about as much as what was sent, or more."""
    if shutil.disk_usage(folder).free < ROOM_BYTES + sum(path.stat().st_size for path in files.values()):
        raise EngineFailed(NO_ROOM)


def errors_as_events(events: Events, what: str, crash: str) -> Events:
    """The same events; whatever goes wrong becomes an error event of one sentence, and Gradio's error."""
    try:
        with closing(events):
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
