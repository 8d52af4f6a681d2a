"""The work behind the endpoints of a backend: jobs and downloads as JSON events, each in a thread of its own."""

from __future__ import annotations

import errno
import logging
import math
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from backends.core.engine import Metric
from backends.core.errors import BadInput, EngineFailed, UserError
from backends.core.event_json import error_json, event_json
from backends.core.task import Task, tasks
from backends.serving.host import Host
from backends.serving.job_folders import KEEP_SECONDS, JobFolder, JobFolders
from backends.serving.quick_gradio import gr
from backends.serving.run_job import JobRequest, run_job
from backends.serving.running_jobs import GRACE_SECONDS, ID, LOOK_SECONDS, Events, RunningJob, RunningJobs
from backends.serving.uploads import Uploads

log = logging.getLogger(__name__)

CRASH = "The model stopped because of a fault of ours; your file is kept. Try again, or try another model."
FETCH_CRASH = "The download stopped because of a fault of ours; what has arrived is kept. Try again."
NO_MEMORY = "This machine ran out of memory; try a shorter file or a smaller model."
NO_ROOM = "The disk of the machine that runs the models is full; make room there and try again."
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


class Server:
    """A host and its job folders. `boot` is another after every start, so that a client can tell that the jobs it
    knew are gone; `device` is held by whoever works on it."""

    def __init__(self, host: Host, root: Path, keep: float = KEEP_SECONDS) -> None:
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
        folder = self.folders.open(caller.job_id)

        def make(job: RunningJob) -> Events:
            try:
                with self.uploads.used(files):
                    events = self._events(task, files, weights, options, folder)
                    yield from errors_as_events(events, task.name, CRASH)
            finally:
                self.folders.close(folder)

        folder.job = RunningJob(make, caller.followed, caller.grace)
        yield from self._follow(folder.job, caller)

    def _follow(self, job: RunningJob, caller: Caller) -> Events:
        """Start a job and give its events for as long as its caller stays."""
        self.running.add((caller.event_id, caller.job_id if caller.grace else ""), job)
        job.start()
        with closing(job.follow()) as events:
            yield from events

    def _events(self, task: Task, files: Mapping[str, Path], weights: str, options: Any, folder: JobFolder) -> Events:
        if not isinstance(options, dict | None):
            raise BadInput("The options must be a JSON object, such as {}.")
        if self.draining.is_set():
            raise EngineFailed(STOPPED)
        if weights:
            self.host.card(task, weights)  # A path would let any client read files of this machine.
        if gone := [name for name, path in files.items() if not self.uploads.holds(path)]:
            raise BadInput(f"The {gone[0]} is not on the server any more; upload it again.")
        assert folder.job is not None
        # Gradio's queue admits one job a device; the lock keeps the warm-up, live pictures and jobs whose connection
        # broke out of its way too.
        with folder.job.device(self.device) as mine:
            if not mine:
                return
            card, paths = self.host.choose(task, weights=weights)
            yield {"type": "started", "job": folder.token, "card": card.id, "device": self.host.device}
            request = JobRequest(task, card, paths, files, options or {}, folder.path)
            with closing(run_job(self.host, request)) as events:
                for event in events:
                    self._go_on()
                    if isinstance(event, Metric) and not math.isfinite(event.value):
                        continue  # Not JSON: a number that could not be measured, or the level of silence, is left out.
                    yield event_json(event, partial(self.folders.locate, folder))

    def _go_on(self) -> None:
        if self.stopping.is_set():
            raise EngineFailed(STOPPED)

    def fetch(self, card_id: str, caller: Caller = ANYBODY) -> Events:
        """Download the weights of a card as JSON events, ending with {"type": "fetched"}."""
        yield from self._follow(
            RunningJob(
                lambda _: errors_as_events(self._fetch_events(card_id), f"fetching {card_id}", FETCH_CRASH),
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
