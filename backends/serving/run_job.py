"""One job from request to last event, the same for the terminal and for the server."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.core.engine import Engine, Event, Progress, Result
from backends.core.model_card import ModelCard
from backends.core.task import Task
from backends.serving.host import Host
from backends.serving.inputs import check_options
from backends.weights.user_models import is_listed


@dataclass(frozen=True)
class JobRequest:
    """One request: which task, with which model, on which files, into which folder."""

    task: Task
    card: ModelCard
    weights: tuple[Path, ...]
    inputs: Mapping[str, Path]
    options: Mapping[str, Any]
    out: Path


def run_job(host: Host, job: JobRequest) -> Generator[Event, None, None]:
    """Load the engine if it is not loaded, run it, and remember its speed on this machine."""
    check_options(job.task, job.options)
    engine = yield from _engine(host, job)
    started, last, result = time.monotonic(), None, None
    events = engine.run(job.inputs, job.options, job.out)
    try:
        for event in events:
            last = event if isinstance(event, Progress) else last
            result = event if isinstance(event, Result) else result
            yield event
    finally:
        # An explicit close: a cancelled job must free the device now, not at the next garbage collection.
        close = getattr(events, "close", None)
        if close is not None:
            close()
    if last is not None and result is not None and (job.card.tier != "yours" or is_listed(job.card)):
        host.note_speed(job.card, time.monotonic() - started, engine.amount(job.inputs, last, result))


def _engine(host: Host, job: JobRequest) -> Generator[Event, None, Engine]:
    """The engine of the job, ready for it: loaded, unless these files can do without the model."""
    made = job.task.engine_class(job.card.engine)
    if not made.needs_model(job.inputs):
        return made(job.card, job.weights)
    for step in host.engine(job.task, job.card, job.weights):
        if not isinstance(step, Progress):
            return step
        yield step
    raise AssertionError("a host gives an engine or raises")
