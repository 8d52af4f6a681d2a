"""A job as pages see it, and as its thread changes it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from studio.jobs.client import RemoteCall

State = Literal["preparing", "waiting", "running", "done", "failed", "cancelled", "interrupted"]
ENDED = ("done", "failed", "cancelled", "interrupted")


@dataclass(frozen=True)
class JobView:
    """A job as a page sees it at one moment. `fraction` is None while nothing countable happens.

    `pace` is units of this stage a second, None before it can be told.
    """

    id: str
    task: str
    title: str
    card: str
    state: State = "preparing"
    stage: str = "Getting ready"
    done: float = 0.0
    total: float = 0.0
    unit: str = ""
    rank: int | None = None
    elapsed: float = 0.0
    eta: float | None = None
    pace: float | None = None
    code: str = ""
    sentence: str = ""

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def fraction(self) -> float | None:
        return min(1.0, self.done / self.total) if self.total else None


@dataclass
class Job:
    view: JobView
    visitor: str = ""
    owner: str | None = None
    """Who may see it, as in `studio.visitors`; None for everybody."""

    started: float = field(default_factory=time.monotonic)
    stage_started: float = 0.0
    stage_done: float = 0.0
    ended: float = 0.0
    call: RemoteCall | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, **changes: Any) -> None:
        with self.lock:
            if self.view.ended:  # what arrives after a cancel changes nothing any more
                return
            if changes.get("stage", self.view.stage) != self.view.stage:
                self.stage_started, self.stage_done = time.monotonic(), changes.get("done", 0.0)
                changes = {"done": 0.0, "total": 0.0, "unit": "", **changes}
            self.view = replace(self.view, **changes)
            if self.view.ended and not self.ended:
                self.ended, self.call = time.monotonic(), None


def pace_of(view: JobView, in_stage: float, before: float = 0.0) -> float | None:
    """Units of this stage a second; `before` was done when it began, as in a resumed download."""
    gained = view.done - before
    if view.state != "running" or not view.total or in_stage < 1.0 or gained < 0.01 * view.total:
        return None
    return gained / in_stage
