"""What a server did, as numbers for Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).

Labels are names of this project only (tasks, cards, stages, codes): nothing of a visitor's file is among them.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from backends.serving.running_jobs import Events

STAGE_SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000)
log = logging.getLogger(__name__)

DEVICE_MEMORY = "fourfold_device_memory_bytes"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts the jobs of a server by what became of them, and the time of their stages."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self._jobs = Counter(
            "fourfold_jobs", "Jobs that ended, by what became of them.", ("task", "card", "state"), registry=registry
        )
        self._failures = Counter(
            "fourfold_failures", "Jobs that failed, by the code of the error.", ("task", "code"), registry=registry
        )
        self._stages = Histogram(
            "fourfold_stage_seconds", "How long each stage of a job took.", ("task", "stage"),
            buckets=STAGE_SECONDS, registry=registry,
        )  # fmt: skip

    def watch(self, task: str, events: Events) -> Events:
        """The same events, counted.

        Args:
            task: whose job it is.
            events: of the job, the last of them a result or an error; closed before that they count as cancelled.
        """
        card, state, code, stage, begin = "", "cancelled", "", _Stage(), time.monotonic()
        try:
            with closing(events):
                for event in events:
                    if event["type"] == "started":
                        card = event["card"].partition("/")[0]  # of somebody's own weights not the name
                    elif event["type"] == "progress":
                        self._end(task, stage.enter(event["stage"]))
                    elif event["type"] in ("result", "fetched"):
                        state = "done"
                    elif event["type"] == "error":
                        state, code = "failed", event["code"]
                        self._failures.labels(task, code).inc()
                    yield event
        finally:
            self._end(task, stage.enter(""))
            self._jobs.labels(task, card, state).inc()
            facts = {"task": task, "card": card, "state": state, "code": code}
            log.info("job ended", extra={"facts": facts | {"seconds": round(time.monotonic() - begin, 3)}})

    def _end(self, task: str, ended: tuple[str, float] | None) -> None:
        if ended is not None:
            name, seconds = ended
            self._stages.labels(task, name).observe(seconds)

    def show(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Let a number be asked for whenever the metrics are read."""
        Gauge(name, text, namespace="fourfold", registry=self.registry).set_function(value)

    def add(self, collector: Collector) -> None:
        self.registry.register(collector)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _Stage:
    """The stage that a job is in, and since when."""

    def __init__(self) -> None:
        self._name, self._since = "", 0.0

    def enter(self, name: str) -> tuple[str, float] | None:
        """Begin the next stage; the one that ends with it and its seconds, where there is one."""
        if name == self._name:
            return None
        ended = (self._name, time.monotonic() - self._since) if self._name else None
        self._name, self._since = name, time.monotonic()
        return ended


class DeviceMemory(Collector):
    """Memory that this process holds on its graphics card, where it has one and has used it."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if memory := device_memory():
            family = GaugeMetricFamily(DEVICE_MEMORY, "Memory of the graphics card.", labels=("kind",))
            for kind, size in memory.items():
                family.add_metric([kind], size)
            yield family


def device_memory() -> dict[str, int]:
    """Bytes of this process's graphics card by kind: in all, free, and held by this process; empty without a card."""
    torch = sys.modules.get("torch")  # whoever asks for numbers should not have to wait for an import
    if torch is None or not torch.cuda.is_available():
        return {}
    free, total = torch.cuda.mem_get_info()
    return {"total": total, "free": free, "held": torch.cuda.memory_reserved()}
