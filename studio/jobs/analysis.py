"""What is worked out about a finished run beside the job: made once, in the background.

A page asks at every rerun; the first time the work is queued, later the stored answer comes at once, also after a
restart and for whoever opens the run next.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from backends.core.errors import UserError
from studio.library.library import Library

log = logging.getLogger(__name__)

FAULT = "This could not be worked out because of a fault of ours; the result itself is fine."

WORKERS = 2
"""At most so many analyses at once, no two of a kind: looking at results must not starve the models of processor, and
minutes of scoring along one song must not keep somebody waiting who only wants to see another one's quality."""


class AnalysisFailed(UserError):
    """An analysis stopped because of a fault; the results it was about are untouched."""

    code = "analysis_failed"


@dataclass(eq=False)
class _Task:
    """One analysis that was asked for and has no stored answer: waiting, running or failed."""

    run_id: str
    kind: str
    make: Callable[[], bytes]
    asked: int
    running: bool = False
    error: UserError | None = None


class Analyses:
    """Makes analyses in daemon threads, so that one which takes minutes never holds up the end of the program.

    Of those that wait, the one that a page asked for last comes first: an open page asks again and again, and so
    overtakes what nobody looks at any more.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._tasks: dict[tuple[str, str], _Task] = {}
        self._clock = itertools.count()
        self._workers = 0
        self._stopped = False
        self._lock = threading.Lock()
        self._storing = threading.Lock()  # always taken before the other; a slow disk then stops no page from asking

    def get(self, run_id: str, kind: str, make: Callable[[], bytes]) -> bytes | None:
        """The bytes that `make` gave for this run, None while it works. Raises UserError where it failed."""
        if not self._known(run_id, kind):
            stored = self._library.artifacts(run_id, kind)
            if stored:
                with self._library.open(run_id, stored[0]) as file:
                    return file.read()
        with self._lock:
            if self._stopped:
                return None
            now = next(self._clock)
            task = self._tasks.setdefault((run_id, kind), _Task(run_id, kind, make, now))
            if task.error is not None:
                raise task.error.with_traceback(None)
            task.asked = now
            if self._workers < WORKERS and self._ready():
                self._workers += 1
                threading.Thread(target=self._work, name="analysis", daemon=True).start()
        return None

    def forget(self, run_id: str, kind: str) -> None:
        """Let an analysis that failed, or whose input changed, be made anew at the next `get`.

        An answer still being worked out from the old input is thrown away when it comes, and one that came between
        the change and this call goes too.
        """
        with self._storing:
            with self._lock:
                self._tasks.pop((run_id, kind), None)
            self._library.drop(run_id, kind)

    def stop(self) -> None:
        """Start nothing more and store nothing more; what is running ends by itself, or with the program."""
        with self._storing, self._lock:
            self._stopped = True
            self._tasks.clear()

    def _known(self, run_id: str, kind: str) -> bool:
        with self._lock:
            return (run_id, kind) in self._tasks

    def _ready(self) -> list[_Task]:
        """Those that could start now. One that was forgotten while it ran is not waited for."""
        busy = {task.kind for task in self._tasks.values() if task.running}
        return [task for task in self._tasks.values() if task.error is None and task.kind not in busy]

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                self._make(task)
            except UserError as error:
                self._fail(task, error)
            except Exception:
                log.exception("analysis %s of run %s failed", task.kind, task.run_id)
                self._fail(task, AnalysisFailed(FAULT))

    def _next(self) -> _Task | None:
        with self._lock:
            ready = self._ready()
            if not ready:
                self._workers -= 1
                return None
            task = max(ready, key=lambda task: task.asked)
            task.running = True
            return task

    def _make(self, task: _Task) -> None:
        """Work out and store one answer, unless it is there already or the task is not current any more."""
        # A `get` that found nothing stored may have come just before the same analysis was finished.
        if not self._library.artifacts(task.run_id, task.kind):
            content = task.make()
            with self._storing:
                if self._current(task):
                    self._library.keep(task.run_id, task.kind, task.kind, content)
        with self._lock:
            if self._tasks.get((task.run_id, task.kind)) is task:
                del self._tasks[task.run_id, task.kind]

    def _current(self, task: _Task) -> bool:
        with self._lock:
            return self._tasks.get((task.run_id, task.kind)) is task

    def _fail(self, task: _Task, error: UserError) -> None:
        """Remember the sentence alone: a traceback would keep alive every array of the work that failed."""
        error.__cause__ = error.__context__ = None
        with self._lock:
            task.running, task.error = False, error.with_traceback(None)
