"""Jobs outlive the page that started them: each has a thread, a state to watch, and a run in the library.

A job's id is its run's id, so a page that is reloaded with the id in its address finds either the running job
or the finished run. Files are kept as they arrive; what a cancelled or failed job made stays playable.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import httpx

from backends.core.errors import UndecodableFile, UserError
from backends.core.event_json import FetchedMessage, ProgressMessage
from backends.core.info import Info
from studio import visitors
from studio.jobs import quota
from studio.jobs.backend import Backend
from studio.jobs.client import LOST, CallFailed, Dropped, RemoteCall
from studio.jobs.endings import Endings
from studio.jobs.question import QUESTION, Ask, MakeCall
from studio.jobs.receiver import Derive, RunRecorder, Update
from studio.jobs.uploads import copy_upload
from studio.jobs.view import Job, JobView, State, pace_of
from studio.library.library import Library, UnknownRun
from studio.library.maintenance import INTERRUPTED

log = logging.getLogger(__name__)

READY_SECONDS = 120
BEGIN_SECONDS = 10
REMEMBERED = 100
"""Ended jobs whose last view is kept; the library knows all of them for good."""

STOP_SECONDS = 2.0
"""How long a studio that closes waits until the model server knows that its jobs are wanted no more."""

WITHOUT_RUN = ("fetch", QUESTION)
"""Tasks of jobs that are no runs of their own, so that nothing is written of how they ended."""

RESUBMISSIONS = 2
"""How often a job is asked for again that a broken connection took from the server's queue."""

FAULT = "The studio could not finish this because of a fault of ours. Your file is kept: try again."
STOPPED = "The download stopped; what arrived is kept, and it can go on from there."
INCOMPLETE = "A finished file did not arrive from the model server. Your file is kept: you can run it again."


class Jobs:
    """Every job of this studio. Safe to use from several threads."""

    def __init__(
        self,
        library: Library,
        backend: Backend,
        derivers: Mapping[str, Derive] | None = None,
        visitor: Callable[[], str] = lambda: "",
    ) -> None:
        """
        Args:
            library: where runs are kept.
            backend: that does the work.
            derivers: make further files, by task.
            visitor: tells whose turn a job is in the server's queue, in the thread that submits it; "" for nobody's in
                particular.
        """
        self.library = library
        self._visitor = visitor
        self.backend = backend
        self._derivers = derivers or {}
        self._endings = Endings(library)
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def submit(
        self,
        task: str,
        name: str,
        source: IO[bytes] | Path,
        card: str,
        options: Mapping[str, Any],
        *,
        extra: Mapping[str, IO[bytes] | Path] | None = None,
        asked: Mapping[str, Any] | None = None,
    ) -> str:
        """Start a job on a copy of `source`; returns its id at once. `name` is shown and never used as a path.

        Args:
            extra: further files by the names of the task's optional inputs, copied as well.
            asked: what a page wants to remember of how this was asked for; the run's `facts["asked"]`.

        Raises:
            TooLarge: whoever asks keeps as much as they may.
        """
        # Pages submit only once the backend has answered, so this waits in rare cases: it is just being restarted.
        info = self.backend.info() or self.backend.wait_ready(BEGIN_SECONDS).info
        with tempfile.TemporaryDirectory(prefix="fourfold-upload-") as folder:
            sent = {"input": source, **(extra or {})}
            copies = {key: Path(folder) / f"upload-{index}" for index, key in enumerate(sent)}
            inputs: list[dict[str, Any]] = []
            for key, copy in copies.items():
                digest, size = copy_upload(sent[key], copy)
                inputs.append({"name": name if key == "input" else key, "sha256": digest, "bytes": size})
            quota.check(self.library, sum(each["bytes"] for each in inputs))
            about = _card_info(info, task, card)
            run = self.library.begin(
                task=task,
                title=Path(name).stem or task,
                engine=about.get("engine", ""),
                weights=card,
                card=about,
                options=options,
                inputs=inputs,
                versions={"fourfold": info.version, **info.versions},
            )
            try:
                for key, copy in copies.items():
                    given = sent[key]
                    suffix = given.suffix if isinstance(given, Path) else ""
                    self.library.keep(run.id, "input", key, copy, file=f"{key}{suffix}", move=True)
                if asked:
                    self.library.note(run.id, facts={"asked": asked})
            except BaseException as error:  # no run may be left behind that nobody works on
                self._endings.write(run.id, "failed", 0.0, error.sentence if isinstance(error, UserError) else FAULT)
                raise
        self._start(run.id, JobView(run.id, task, run.title, card), lambda job: self._work(job, options))
        return run.id

    def again(self, run_id: str) -> str:
        """Run the same files with the same options once more, as a new job. Raises UserError where a file is gone."""
        run = self.library.get(run_id)
        if run is None:
            raise UnknownRun
        source, extra = self._inputs(run_id)
        name = run.inputs[0]["name"]
        return self.submit(run.task, name, source, run.weights, run.options, extra=extra, asked=run.facts.get("asked"))

    def _inputs(self, run_id: str) -> tuple[Path, dict[str, Path]]:
        """The file that a run is about, and its further ones by name."""
        stored = self.library.artifacts(run_id, "input")
        extra = {item.name: self.library.local(run_id, item) for item in stored if item.name != "input"}
        return self.library.only(run_id, "input", "input"), extra

    def fetch(self, card: str) -> str:
        """Start downloading a card's weights on the backend; the id of a fetch is "fetch-" and the card."""
        job_id = f"fetch-{card}"
        self._start(job_id, JobView(job_id, "fetch", card, card), self._fetch)
        return job_id

    def ask(self, job_id: str, title: str, card: str, work: Callable[[Ask, Update], object]) -> None:
        """Start a job that is no run of its own, such as a question about a finished run (`studio.jobs.question`).

        Args:
            job_id: names the question: while it is at work, asking it again changes nothing.
            title: what is asked, in words.
            card: the id of the model's card.
            work: makes the calls, one after the other, and keeps what they answer; its end is the job's end.
        """

        def begin(job: Job) -> None:
            self._retry(lambda: work(lambda request: self._call(job, request), job.set))

        self._start(job_id, JobView(job_id, QUESTION, title, card), begin)

    def get(self, job_id: str) -> JobView | None:
        """The job now, or None where this studio never ran it (the library may still know the run)."""
        job = self._mine(job_id)
        if job is None:
            return None
        with job.lock:
            view, call = job.view, job.call
            elapsed = (job.ended or time.monotonic()) - job.started
            pace = pace_of(view, time.monotonic() - job.stage_started, job.stage_done)
        if view.state == "waiting" and call is not None:
            rank, _ = call.queue()
            return replace(view, elapsed=elapsed, rank=rank)
        return replace(view, elapsed=elapsed, pace=pace, eta=(view.total - view.done) / pace if pace else None)

    def running(self, task: str | None = None) -> tuple[JobView, ...]:
        """Jobs that have not ended, oldest first."""
        views = (self.get(job_id) for job_id in tuple(self._jobs))
        return tuple(view for view in views if view and not view.ended and (task is None or view.task == task))

    def cancel(self, job_id: str) -> None:
        """End a job for its page, at once; its device is free within one chunk and what it finished is kept."""
        job = self._mine(job_id)
        if job is None or job.view.ended:
            return
        self._cut_short(job, "cancelled", "")

    def _mine(self, job_id: str) -> Job | None:
        """The job, if whoever asks may see it."""
        job = self._jobs.get(job_id)
        return job if job is not None and (job.owner is None or visitors.may_see(job.owner)) else None

    def stop(self) -> None:
        """Stop everything; the studio is closing."""
        running = [job for job in tuple(self._jobs.values()) if not job.view.ended]
        calls = [job.call for job in running if job.call is not None]
        for job in running:
            self._cut_short(job, "interrupted", INTERRUPTED)
        end = time.monotonic() + STOP_SECONDS
        for call in calls:
            call.wait_cancelled(max(0.0, end - time.monotonic()))
        self._endings.stop()

    def _cut_short(self, job: Job, state: State, sentence: str) -> None:
        job.cancelled.set()
        with job.lock:
            call = job.call
        if call is not None:
            call.cancel()
        self._end(job, state, "", sentence)

    def _start(self, job_id: str, view: JobView, work: Callable[[Job], None]) -> None:
        """Start a thread for the job, unless one of that id is still at work."""
        # Weights are fetched for all, so all see how far that is.
        owner = visitors.EVERYBODY if view.task == "fetch" else visitors.current()
        job = Job(view, visitor=self._visitor(), owner=owner)
        with self._lock:
            running = self._jobs.get(job_id)
            if running is not None and not running.view.ended:
                return
            self._jobs[job_id] = job
            for old in [key for key, other in self._jobs.items() if other.view.ended][:-REMEMBERED]:
                del self._jobs[old]
        begin = visitors.bind(lambda: self._guard(job, work))
        threading.Thread(target=begin, name=f"job {job_id}", daemon=True).start()

    def _guard(self, job: Job, work: Callable[[Job], None]) -> None:
        """Run `work` and turn every ending into a state; a fault of ours is logged and becomes a sentence."""
        state: State = "done"
        code, sentence = "", ""
        try:
            work(job)
        except UserError as error:
            state, code, sentence = "failed", error.code, error.sentence
        except httpx.HTTPError:
            log.exception("a file of job %s did not arrive", job.view.id)
            state, code, sentence = "failed", "backend_lost", INCOMPLETE
        except Exception:
            log.exception("job %s failed", job.view.id)
            state, code, sentence = "failed", "crash", FAULT
        if job.cancelled.is_set():
            state, code, sentence = "cancelled", "", ""
        self._end(job, state, code, sentence)

    def _end(self, job: Job, state: State, code: str, sentence: str) -> None:
        """Write down how a job ended, if it has a run, then let pages see it; the first ending stands."""
        if job.view.ended:
            return
        if job.view.task not in WITHOUT_RUN:
            failure = self._endings.write(job.view.id, state, time.monotonic() - job.started, sentence)
            sentence = sentence or failure
        job.set(state=state, code=code, sentence=sentence)

    def _call(self, job: Job, request: MakeCall) -> RemoteCall:
        """Wait for the backend, then call the endpoint, with the arguments, that follow from its /info."""
        state = self.backend.wait_ready(READY_SECONDS, lambda: not job.cancelled.is_set())
        if job.cancelled.is_set():
            raise CallFailed("cancelled", "Cancelled.")
        if not state.ready:
            raise CallFailed("unreachable", state.sentence)
        incarnation = self.backend.incarnation
        job.set(stage="Asking the model server" if job.view.task == "fetch" else "Sending the file")
        alive = lambda: self.backend.incarnation == incarnation  # noqa: E731
        call = RemoteCall(state.address, *request(state.info), alive, job.visitor)
        with job.lock:
            job.call = call
        if job.cancelled.is_set():
            call.cancel()
        job.set(state="waiting", stage="Waiting for the model")
        return call

    def _work(self, job: Job, options: Mapping[str, Any]) -> None:
        view = job.view
        upload, extra = self._inputs(view.id)

        def request(info: Info) -> tuple[str, list[Any]]:
            task = info.tasks[view.task]
            further = [extra.get(name) for name in task.optional]
            return task.endpoint, [upload, view.card, dict(options), *further]

        self._retry(lambda: self._record(job, self._call(job, request)))

    def _retry(self, work: Callable[[], object]) -> None:
        """Do work that a server let go of before it began, because the connection broke, once or twice more."""
        for _ in range(RESUBMISSIONS):
            try:
                work()
                return
            except Dropped as error:
                log.warning("the connection broke before the job began; asking again: %r", error)
        work()

    def _record(self, job: Job, call: RemoteCall) -> None:
        """Record the events of a call until it ends."""
        run_id, view = job.view.id, job.view
        recorder = RunRecorder(
            self.library,
            run_id,
            call.address,
            job.set,
            job.cancelled,
            derive=self._derivers.get(view.task),
            alive=call.alive,
        )
        try:
            for event in call:
                recorder.record(event)
        except CallFailed as error:
            if error.code == UndecodableFile.code:  # which its page has to know: the same file would fail again
                self.library.note(run_id, facts={"error_code": error.code})
            raise
        except httpx.TransportError as error:
            # A server that dies while a file is on its way is lost, not short of one file.
            if call.server_is_gone():
                raise CallFailed("backend_lost", LOST) from error
            raise
        finally:
            recorder.close()
        if not recorder.finished and not job.cancelled.is_set():
            raise CallFailed("backend_lost", LOST)

    def _fetch(self, job: Job) -> None:
        self._retry(lambda: self._fetch_once(job))

    def _fetch_once(self, job: Job) -> None:
        fetched = False
        for event in self._call(job, lambda _: ("/fetch", [job.view.card])):
            fetched = fetched or isinstance(event, FetchedMessage)
            if isinstance(event, ProgressMessage):
                job.set(state="running", stage=event.stage, done=event.done, total=event.total, unit=event.unit)
        if not fetched and not job.cancelled.is_set():
            raise CallFailed("backend_lost", STOPPED)


def _card_info(info: Info, task: str, card: str) -> dict[str, Any]:
    about = info.tasks[task].card(card) if task in info.tasks else None
    return about.model_dump(mode="json", exclude={"options"}, exclude_unset=True) if about else {"id": card}
