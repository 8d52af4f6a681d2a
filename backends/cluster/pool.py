"""The workers of a cluster as a place for work: which worker gets a job, and what happens when one is lost.

Jobs get a worker in the order in which they asked, and of the free workers the one that has their model loaded. A
thread keeps as many workers as are wanted: it starts one in the place of one that died, more while jobs wait, and
ends those that had nothing to do for a while.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from backends.cluster.exchange import Exchange
from backends.cluster.host import ClusterHost
from backends.cluster.messages import Report, WorkerLost
from backends.core.engine import Notice
from backends.core.errors import EngineFailed
from backends.core.task import task_named
from backends.serving.host import Host
from backends.serving.metrics import DEVICE_MEMORY
from backends.serving.places import Begun, Work, WorkEvents
from backends.serving.running_jobs import LOOK_SECONDS, RunningJob

if TYPE_CHECKING:
    from backends.cluster.remote import RemoteWorker

log = logging.getLogger(__name__)

AGAIN = "The machine that worked on this stopped; it was begun again on another."
LOST_TWICE = (
    "The machine that worked on this stopped, and so did the one that tried it again. Your file is kept: try a shorter "
    "one, or another model."
)
NO_WORKER = "No machine of the cluster could take this job. Your file is kept: try again in a few minutes."
NOT_READY = "No worker of the cluster is ready."

TRIES = 5
"""How often a job is handed to a worker that turns out to be dead before it has begun."""

PATIENCE_SECONDS = 600.0
"""How long a job waits for a worker while there is none at all; a machine may have to be started for it."""

IDLE_SECONDS = 600.0
"""How long a worker beyond the least number may have nothing to do."""

PING_SECONDS = 5.0
"""Between two looks whether free workers are still there."""

PAUSE_SECONDS = 5.0
"""Before a worker is started again where one did not start."""


class Pool(Collector):
    """Between `least` and `most` workers, which `start` makes. Safe to use from several threads."""

    def __init__(
        self, host: ClusterHost, start: Callable[[], RemoteWorker], exchange: Exchange, least: int, most: int
    ) -> None:
        self.size = most
        self.live = Host(host.store, "cpu")  # camera pictures cannot travel to another machine and back in time
        self.numbers: Collector = self
        self.deaths = 0
        self._host = host
        self._start = start
        self._exchange = exchange
        self._least = least
        self._starting: list[RemoteWorker] = []
        self._idle: list[RemoteWorker] = []
        self._busy: list[RemoteWorker] = []
        self._line: list[object] = []  # a ticket for each job that waits, in order
        self._problem = ""
        self._pause_until = self._pinged = 0.0
        self._change = threading.Condition()
        self._closed = threading.Event()
        threading.Thread(target=self._keep, name="workers", daemon=True).start()

    @property
    def counts(self) -> dict[str, int]:
        """The workers by what they do."""
        with self._change:
            return {"starting": len(self._starting), "idle": len(self._idle), "busy": len(self._busy)}

    @property
    def problem(self) -> str:
        with self._change:
            return "" if self._idle or self._busy else self._problem or NOT_READY

    def collect(self) -> Iterator[Metric]:
        """The workers, for Prometheus."""
        family = GaugeMetricFamily("fourfold_workers", "Workers by what they do.", labels=("state",))
        for state, number in self.counts.items():
            family.add_metric([state], number)
        yield family
        yield CounterMetricFamily("fourfold_lost_workers", "Workers that died.", value=self.deaths)
        yield from self._memory()

    def _memory(self) -> Iterator[Metric]:
        """What each worker took when it was free last."""
        own = GaugeMetricFamily("fourfold_worker_memory_bytes", "Memory of a worker's process.", labels=("worker",))
        card = GaugeMetricFamily(DEVICE_MEMORY, "Memory of a worker's graphics card.", labels=("worker", "kind"))
        for number, report in self._host.reports.items():
            own.add_metric([str(number)], report.memory)
            for kind, size in report.device_memory.items():
                card.add_metric([str(number), kind], size)
        yield from (own, card)

    def warm_up(self) -> None:
        """Wait for the first worker, which has loaded the default engine then."""
        self._host.info()
        with self._change:
            self._change.wait_for(lambda: self._idle or self._busy or self._problem, PATIENCE_SECONDS)

    def run(self, work: Work, job: RunningJob) -> WorkEvents:
        card, _ = self._host.choose(task_named(work.task), weights=work.weights, files=work.files)
        work, begun = replace(work, weights=card.id), False
        sent = self._exchange.send(work)
        try:
            for _ in range(TRIES):
                try:
                    with closing(self._try(sent, job)) as events:
                        for event in events:
                            if not (begun and isinstance(event, Begun)):
                                yield event
                            begun = begun or isinstance(event, Begun)
                    return
                except WorkerLost as lost:
                    if lost.begun and sent.out != work.out:
                        raise EngineFailed(LOST_TWICE) from lost
                    if lost.begun:  # what is left of the first try stays apart from the second
                        sent = replace(sent, out=work.out / "again")
                        yield Notice(AGAIN)
            raise EngineFailed(NO_WORKER)
        finally:
            self._exchange.forget(work)

    def _try(self, work: Work, job: RunningJob) -> WorkEvents:
        """The events of one try. Raises WorkerLost."""
        with self._hold(work.weights, job) as worker:
            if worker is None:
                return
            with closing(worker.run(work, lambda: job.goes_on)) as events:
                for event in events:
                    self._exchange.receive(event, work)
                    yield event

    @contextmanager
    def _hold(self, card_id: str, job: RunningJob) -> Generator[RemoteWorker | None, None, None]:
        """A worker of one's own; None where the job was no longer wanted before one was free."""
        worker = self._take(card_id, job)
        try:
            yield worker
        finally:
            if worker is not None:
                self._give_back(worker)

    def _take(self, card_id: str, job: RunningJob) -> RemoteWorker | None:
        ticket, since = object(), time.monotonic()
        with self._change:
            self._line.append(ticket)
            try:
                while not (self._idle and self._line[0] is ticket):
                    self._change.wait(LOOK_SECONDS)
                    if not job.goes_on:
                        return None
                    if self._busy or self._idle:
                        since = time.monotonic()
                    if time.monotonic() - since > PATIENCE_SECONDS:
                        raise EngineFailed(self._problem or NO_WORKER)
                worker = min(self._idle, key=lambda each: (card_id not in each.loaded, len(each.loaded), each.since))
                self._idle.remove(worker)
                self._busy.append(worker)
                return worker
            finally:
                self._line.remove(ticket)
                self._change.notify_all()

    def _give_back(self, worker: RemoteWorker) -> None:
        """Put a worker back; the job's end has been waited for, so that it does nothing any more."""
        with self._change:
            self._busy.remove(worker)
            if worker.report is not None:
                worker.since = time.monotonic()
                self._idle.append(worker)
            self._change.notify_all()
        self._note(worker)

    def _note(self, worker: RemoteWorker) -> None:
        if worker.report is None:
            self.deaths += 1
            log.warning("a worker was lost")
        self._host.note_report(worker.number, worker.report)

    def _drop_lost(self) -> None:
        """Take away the free workers that died; a job would find out only by being handed to one."""
        now = time.monotonic()
        if now - self._pinged < PING_SECONDS:
            return
        self._pinged = now
        with self._change:
            lost = [worker for worker in self._idle if worker.is_lost()]
            self._idle = [worker for worker in self._idle if worker not in lost]
        for worker in lost:
            self._note(worker)

    def _keep(self) -> None:
        """Keep as many workers as are wanted, until `close`."""
        while not self._closed.is_set():
            try:
                self._settle_started()
                self._drop_lost()
                self._adjust()
            except Exception:
                log.exception("the workers could not be looked after")
            with self._change:
                self._change.wait(LOOK_SECONDS)

    def _settle_started(self) -> None:
        for worker in list(self._starting):
            outcome = worker.started()
            if outcome is None:
                continue
            problem = outcome.problem if isinstance(outcome, Report) else outcome
            if problem:
                log.error("a worker did not start: %s", problem)
                worker.kill()
            else:
                self._host.note_report(worker.number, worker.report)
            with self._change:
                self._starting.remove(worker)
                if not problem:
                    self._idle.append(worker)
                self._problem = problem
                self._pause_until = time.monotonic() + PAUSE_SECONDS if problem else 0.0
                self._change.notify_all()

    def _adjust(self) -> None:
        now = time.monotonic()
        with self._change:
            there = len(self._starting) + len(self._idle) + len(self._busy)
            wanted = min(self.size, max(self._least, len(self._busy) + len(self._line)))
            missing = wanted - there if now >= self._pause_until else 0
            spare = max(there - max(wanted, self._least), 0)
            old = [worker for worker in self._idle if now - worker.since > IDLE_SECONDS][:spare]
            self._idle = [worker for worker in self._idle if worker not in old]
        for worker in old:
            worker.kill()
            self._host.note_report(worker.number, None)
        for _ in range(missing):
            worker = self._start()
            with self._change:
                self._starting.append(worker)

    def close(self) -> None:
        self._closed.set()
        with self._change:
            self._change.notify_all()
