"""Jobs that work in threads of their own, apart from the connections that follow them.

A job holds the device and its files for as long as its thread runs. Who follows it only reads its events, and may come
again after a broken connection. A job that nobody wants any more ends at its next event.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, contextmanager
from typing import Any

Events = Generator[dict[str, Any], None, None]

LOOK_SECONDS = 0.25
"""Between two looks whether a job is still wanted."""

GRACE_SECONDS = 30.0
"""How long a job goes on whose follower can come back after its connection broke."""

REMEMBERED = 32
"""Ids of ended jobs whose last events can still be asked for."""

ID = re.compile(r"[A-Za-z0-9_-]{22,64}")
"""What a client may call its job: long enough that nobody guesses it."""


class RunningJob:
    """One job: its thread, the events so far, and whether it is wanted.

    Args:
        make: gives the job's events; it runs in the job's thread, and closing it frees whatever the job holds.
        wanted: whether the connection that asked for the job is still there.
        grace: seconds that the job goes on without it, since somebody last asked for events.
    """

    def __init__(self, make: Callable[[RunningJob], Events], wanted: Callable[[], bool], grace: float = 0.0) -> None:
        self._make = make
        self._is_followed = wanted
        self._grace = grace
        self._events: list[dict[str, Any]] = []
        self._error: BaseException | None = None
        self.ended = False
        self._cancelled = threading.Event()
        self._change = threading.Condition()
        self._last_asked = time.monotonic()

    def start(self) -> None:
        threading.Thread(target=self._work, name="job", daemon=True).start()

    def cancel(self) -> None:
        """End the job at its next event."""
        self._cancelled.set()
        with self._change:
            self._change.notify_all()

    @property
    def goes_on(self) -> bool:
        """Whether to go on."""
        if self._cancelled.is_set():
            return False
        if self._is_followed():
            self._last_asked = time.monotonic()
        return time.monotonic() - self._last_asked <= self._grace if self._grace else self._is_followed()

    def follow(self, followed: Callable[[], bool] | None = None) -> Events:
        """Every event as it comes. Raises what the job raised; ends early once the job is cancelled or not followed.

        Args:
            followed: whether this follower is still there, where it is another than the one who asked for the job.
        """
        start, over, followed = 0, False, followed or self._is_followed
        try:
            while not over and followed() and not self._cancelled.is_set():
                events, ended = self.since(start, LOOK_SECONDS)
                yield from events
                start, over = start + len(events), ended and not events
            if over and self._error is not None:
                raise self._error
        finally:
            if not (over or self._grace):
                self.cancel()

    def since(self, start: int, seconds: float) -> tuple[list[dict[str, Any]], bool]:
        """The events from number `start` on, after at most `seconds` of waiting for one, and whether the job ended."""
        self._last_asked = time.monotonic()
        with self._change:
            self._change.wait_for(lambda: len(self._events) > start or self.ended or self._cancelled.is_set(), seconds)
            return self._events[start:], self.ended

    @contextmanager
    def device(self, lock: threading.Lock) -> Generator[bool, None, None]:
        """Hold the device, and give True; False, without it, where the job was no longer wanted before it was free."""
        while not (taken := lock.acquire(timeout=LOOK_SECONDS)) and self.goes_on:
            pass
        try:
            yield taken and self.goes_on
        finally:
            if taken:
                lock.release()

    def _work(self) -> None:
        error: BaseException | None = None
        try:
            with closing(self._make(self)) as events:
                for event in events:
                    if not self.goes_on:
                        break
                    with self._change:
                        self._events.append(event)
                        self._change.notify_all()
        except BaseException as raised:  # it is the follower's, who has a connection to tell it to
            error = raised
        with self._change:
            self._error, self.ended = error, True
            self._change.notify_all()


class RunningJobs:
    """The jobs of a server by their ids. Safe to use from several threads."""

    def __init__(self) -> None:
        self._jobs: dict[str, RunningJob] = {}
        self._lock = threading.Lock()

    def add(self, ids: Iterable[str], job: RunningJob) -> None:
        """Know a job by these ids while it runs, and for some jobs more."""
        with self._lock:
            ended = [key for key, other in self._jobs.items() if other.ended]
            for key in ended[:-REMEMBERED]:
                del self._jobs[key]
            self._jobs |= {key: job for key in ids if key}

    @property
    def busy(self) -> bool:
        """Whether any job has not ended."""
        return self.count > 0

    @property
    def count(self) -> int:
        """How many jobs have not ended."""
        with self._lock:
            return len({id(job) for job in self._jobs.values() if not job.ended})

    def get(self, job_id: str) -> RunningJob | None:
        with self._lock:
            return self._jobs.get(job_id)

    def cancel(self, job_id: str) -> bool:
        """End the job of that id at its next event; whether there is one."""
        with self._lock:
            job = self._jobs.pop(job_id, None)
        if job is not None:
            job.cancel()
        return job is not None
