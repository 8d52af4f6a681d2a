"""One worker as the ingress sees it: Ray's errors end here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import ray

from backends.cluster.messages import Reply, Report, WorkerLost, WorkerSpec
from backends.cluster.worker import Worker
from backends.serving.places import Begun, Work, WorkEvents
from backends.serving.running_jobs import LOOK_SECONDS

log = logging.getLogger(__name__)

NOT_STARTED = "A worker of the cluster did not start; the log of the cluster says why."

CLOSE_SECONDS = 120.0
"""A worker whose chunk under way takes longer than this after a cancel is ended, and another started."""

_numbers = count(1)


class RemoteWorker:
    """A worker and its last report, None once it is lost. Used by one thread at a time."""

    def __init__(self, spec: WorkerSpec, cpus: float, gpus: float) -> None:
        self.number = next(_numbers)
        self.since = time.monotonic()
        self.report: Report | None = None
        # Not started anew by Ray: what it had loaded is gone, and the pool has to know.
        actor: Any = ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=0)(Worker)
        self._actor = actor.remote(spec)
        self._ready = self._actor.prepare.remote()
        self._ping: Any = None

    @property
    def loaded(self) -> tuple[str, ...]:
        return self.report.loaded if self.report else ()

    def started(self) -> Report | str | None:
        """Its first report, a sentence where it did not start, or None as long as neither is so."""
        if not ray.wait([self._ready], timeout=0)[0]:
            return None
        try:
            self.report = ray.get(self._ready)
        except ray.exceptions.RayError:
            log.exception("a worker did not start")
            return NOT_STARTED
        return self.report

    def is_lost(self) -> bool:
        """Whether it has died since it was last asked; it is asked again for the next time."""
        if self._ping is not None and not ray.wait([self._ping], timeout=0)[0]:
            return False
        try:
            if self._ping is not None:
                ray.get(self._ping)
            self._ping = self._actor.ping.remote()
        except ray.exceptions.RayError:
            self.report = None
        return self.report is None

    def run(self, work: Work, wanted: Callable[[], bool]) -> WorkEvents:
        """The events of a job, the next of which is asked for while one is read. Raises WorkerLost."""
        begun, step = False, self._actor.begin.remote(work)
        try:
            while (reply := self._wait(step, wanted, begun)) is not None:
                if reply.error is not None:
                    raise reply.error
                if reply.event is None:
                    return
                begun = begun or isinstance(reply.event, Begun)
                step = self._actor.step.remote()
                yield reply.event
        finally:
            self._end(begun)

    def _wait(self, step: Any, wanted: Callable[[], bool], begun: bool) -> Reply | None:
        """What a step gave; None once the job is not wanted."""
        try:
            while not ray.wait([step], timeout=LOOK_SECONDS)[0]:
                if not wanted():
                    return None
            reply: Reply = ray.get(step)
            return reply
        except ray.exceptions.RayError as error:
            self.report = None
            raise WorkerLost(begun) from error

    def _end(self, begun: bool) -> None:
        """Let the worker end the job, and wait until it has: before that it is not free."""
        if self.report is None:
            self.kill()
            return
        try:
            self.report = ray.get(self._actor.close.remote(), timeout=CLOSE_SECONDS)
        except ray.exceptions.RayError:  # its death, or a chunk without end
            log.exception("a worker did not end its job")
            self.report = None
            self.kill()

    def kill(self) -> None:
        ray.kill(self._actor)
