"""A worker: one process of the cluster, which does one job at a time, one event after another as it is asked.

Ray calls its methods in one thread, in the order in which the ingress asked. So a job runs where it began, as engines
need that hold `torch.inference_mode` over a yield; nothing is computed that nobody waits for; and `close` runs as soon
as the chunk under way has ended.
"""

from __future__ import annotations

import logging
import os
from contextlib import closing

import psutil

from backends.cluster.exchange import WorkerExchange
from backends.cluster.messages import Reply, Report, WorkerSpec, portable
from backends.core import logs, task
from backends.core.model_card import ModelCard
from backends.serving.host import Host
from backends.serving.metrics import device_memory
from backends.serving.places import Work, WorkEvents, perform

log = logging.getLogger(__name__)

NOT_SHARED = (
    "A worker does not see the folder {folder}: name one with --root that all machines of the cluster share, or a "
    "store for files with --exchange."
)


class WorkerHost(Host):
    """The models of a worker. Its speeds are kept by the ingress, which knows them of all workers."""

    def __init__(self, device: str, engines: int) -> None:
        super().__init__(device=device, engines=engines)
        self.measured: list[tuple[str, float, float]] = []

    def note_speed(self, card: ModelCard, seconds: float, amount: float) -> None:
        self.measured.append((card.id, seconds, amount))


class Worker:
    """What Ray makes an actor of."""

    def __init__(self, spec: WorkerSpec) -> None:
        os.environ.update(spec.environment)
        logs.configure()
        task.PACKAGES = spec.packages
        self._spec = spec
        self._host = WorkerHost(spec.device, spec.models)
        self._exchange = WorkerExchange(spec.exchange)
        self._events: WorkEvents | None = None
        self._works: tuple[Work, Work] | None = None  # as it is here, as it came

    def prepare(self) -> Report:
        """Load the default engine of the first task, if it is here, so that the first job need not wait."""
        if not (self._spec.exchange or self._spec.folder.is_dir()):
            return Report(self._host.device_info(), problem=NOT_SHARED.format(folder=self._spec.folder))
        first = next(iter(task.tasks().values()))
        if self._host.has_any(first):
            for _ in self._host.engine(first, *self._host.choose(first)):
                pass
        return self._report()

    def begin(self, work: Work) -> Reply:
        """Begin a job, and do its first step."""
        logs.begin_job(work.token)
        try:
            here = self._exchange.take(work)
        except Exception as error:
            return self._failed(error)
        self._works, self._events = (here, work), perform(self._host, here)
        return self.step()

    def step(self) -> Reply:
        """Work until the next event."""
        if self._events is None or self._works is None:
            return Reply()
        try:
            event = next(self._events, None)
            return Reply() if event is None else Reply(self._exchange.give(event, *self._works))
        except Exception as error:
            return self._failed(error)

    def ping(self) -> None:
        """Answer, as long as there is this worker."""

    def close(self) -> Report:
        """End the job, if it has not ended."""
        events, works, self._events, self._works = self._events, self._works, None, None
        if events is not None and works is not None:
            try:
                with closing(events):
                    pass
            except Exception:
                log.exception("a job did not end as it should")
            self._exchange.end(works[0])
        logs.end_job()
        return self._report()

    def _failed(self, error: Exception) -> Reply:
        sent = portable(error)
        if type(sent) is not type(error):
            log.error("a job failed", exc_info=error)
        return Reply(error=sent)

    def _report(self) -> Report:
        host, measured = self._host, tuple(self._host.measured)
        host.measured.clear()
        taken = psutil.Process().memory_info().rss
        return Report(
            host.device_info(), host.loaded, host.failures, measured, memory=taken, device_memory=device_memory()
        )
