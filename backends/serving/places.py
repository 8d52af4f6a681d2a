"""Where the work of a job is done: on the device of this process, or on workers elsewhere (`backends.cluster`).

A place takes one piece of work and gives its events; closing them ends the work within one chunk. Whatever is said of
jobs, queues, files and errors is said around it, and the same for every place.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from prometheus_client.registry import Collector

from backends.core.engine import Event
from backends.core.task import task_named, tasks
from backends.serving.explain_job import ExplainRequest, explain_job
from backends.serving.host import Host
from backends.serving.metrics import DeviceMemory
from backends.serving.run_job import JobRequest, run_job
from backends.serving.running_jobs import RunningJob

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """What is to be done once a device is free; it can be sent to another process.

    Attributes:
        kind: "run" or "explain".
        task: the task's name.
        weights: the id of a card, or "" for the best that is there.
        files: the uploads by the names of the task's inputs.
        options: the engine's, or a question.
        out: folder for the results.
        token: the job's name.
    """

    kind: str
    task: str
    weights: str
    files: Mapping[str, Path]
    options: Mapping[str, Any]
    out: Path
    token: str


@dataclass(frozen=True)
class Begun:
    """The first thing that a piece of work says: which card does it, on which kind of device."""

    card: str
    device: str


WorkEvents = Generator[Begun | Event, None, None]

_KINDS: dict[str, tuple[Callable[..., Generator[Event, None, None]], Callable[..., Any]]] = {
    "run": (run_job, JobRequest),
    "explain": (explain_job, ExplainRequest),
}


def perform(host: Host, work: Work) -> WorkEvents:
    """Do a piece of work on the host's device, which the caller holds."""
    act, request = _KINDS[work.kind]
    task = task_named(work.task)
    card, paths = host.choose(task, weights=work.weights, files=work.files)
    yield Begun(card.id, host.device)
    with closing(act(host, request(task, card, paths, work.files, work.options, work.out))) as events:
        yield from events


class Place(Protocol):
    """Devices that do work. Safe to use from several threads."""

    size: int
    """How many jobs can be at work at once."""

    live: Host
    """What answers live pictures, which stay in this process."""

    numbers: Collector
    """Its share of `/metrics`."""

    @property
    def problem(self) -> str:
        """A sentence where no job could be done now, or ""."""

    def warm_up(self) -> None:
        """Load the default engine of the first task, so that the first job need not wait."""

    def run(self, work: Work, job: RunningJob) -> WorkEvents:
        """The events of a piece of work; none where `job` is no longer wanted before a device is free."""


class Site(Protocol):
    """Where a server has its place for work, if that is not its own process; it is closed when the server ends."""

    host: Host
    place: Place

    def close(self) -> None: ...


class LocalDevice:
    """The device of this process, held by one job at a time."""

    size = 1
    problem = ""

    def __init__(self, host: Host, lock: threading.Lock) -> None:
        self.live = host
        self.numbers: Collector = DeviceMemory()
        self._host = host
        self._lock = lock

    def warm_up(self) -> None:
        import torch  # noqa: F401 (no request should have to wait for it)

        task = next(iter(tasks().values()))
        with self._lock:
            for _ in self._host.engine(task, *self._host.choose(task)):
                pass

    def run(self, work: Work, job: RunningJob) -> WorkEvents:
        # Gradio's queue admits one job a device; the lock keeps the warm-up, live pictures and jobs whose connection
        # broke out of its way too.
        with job.device(self._lock) as mine:
            if mine:
                with closing(perform(self._host, work)) as events:
                    yield from events
