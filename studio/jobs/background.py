"""Work in the background that a page waits for: asked for by a key at every rerun, done once, in a few threads.

A page asks at every rerun. The first time the work is queued; later the answer comes at once from a store: from the
library, where it outlives a restart and serves whoever opens the run next, or from memory, for what can be worked out
anew. A failure is one sentence that stays until the task is forgotten.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from backends.core.errors import UserError
from studio import visitors
from studio.library.library import Library

log = logging.getLogger(__name__)

FAULT = "This could not be worked out because of a fault of ours; the result itself is fine."

WORKERS = 2
"""At most so many tasks of one manager at once: looking at results must not starve the models of processor."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
StoreKey_contra = TypeVar("StoreKey_contra", contravariant=True)


class Store(Protocol[StoreKey_contra, Value]):
    """Keeps the answers of finished tasks."""

    def load(self, key: StoreKey_contra) -> Value | None: ...

    def has(self, key: StoreKey_contra) -> bool: ...

    def save(self, key: StoreKey_contra, value: Value) -> None: ...

    def drop(self, key: StoreKey_contra) -> None: ...


class Analysis(NamedTuple):
    """The key of what is worked out about a finished run. `kind` is also the kind of the artifact that holds it."""

    run_id: str
    kind: str


class LibraryStore:
    """Keeps each answer as an artifact of the run that it is about."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def load(self, key: Analysis) -> bytes | None:
        stored = self._library.artifacts(*key)
        if not stored:
            return None
        with self._library.open(key.run_id, stored[0]) as file:
            return file.read()

    def has(self, key: Analysis) -> bool:
        return bool(self._library.artifacts(*key))

    def save(self, key: Analysis, value: bytes) -> None:
        self._library.keep(key.run_id, key.kind, key.kind, value)

    def drop(self, key: Analysis) -> None:
        self._library.drop(*key)


class MemoryStore:
    """Keeps the `size` answers that were asked for last; with 0 none, for work that leaves its result elsewhere."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, key: Hashable) -> Any:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def has(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._values

    def save(self, key: Hashable, value: Any) -> None:
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._size:
                self._values.popitem(last=False)

    def drop(self, key: Hashable) -> None:
        with self._lock:
            self._values.pop(key, None)


class TaskFailed(UserError):
    """A task stopped because of a fault of ours."""

    code = "analysis_failed"


@dataclass(eq=False)
class _Task(Generic[Key, Value]):
    """One task that was asked for and has no stored answer: waiting, running or failed."""

    key: Key
    make: Callable[[], Value]
    asked: int
    running: bool = False
    error: UserError | None = None


class BackgroundTasks(Generic[Key, Value]):
    """Runs tasks in daemon threads, so that one which takes minutes never holds up the end of the program.

    Of those that wait, the one that a page asked for last comes first: an open page asks again and again, and so
    overtakes what nobody looks at any more.
    """

    def __init__(
        self,
        store: Store[Key, Value],
        *,
        fault: str = FAULT,
        group: Callable[[Key], Hashable] = lambda key: key,
        name: str = "background task",
    ) -> None:
        """
        Args:
            store: keeps the answers.
            fault: the sentence for a failure that is a fault of ours.
            group: of two tasks with the same group one waits for the other. By kind, minutes of scoring along one song
                do not keep somebody waiting who only wants to see another one's quality.
            name: of the threads.
        """
        self._store = store
        self._fault = fault
        self._group = group
        self._name = name
        self._tasks: dict[Key, _Task[Key, Value]] = {}
        self._clock = itertools.count()
        self._workers = 0
        self._stopped = False
        self._lock = threading.Lock()
        self._storing = threading.Lock()  # always taken before the other; a slow disk then stops no page from asking

    def get(self, key: Key, make: Callable[[], Value]) -> Value | None:
        """The answer that `make` gave, None while it works. Raises UserError where it failed."""
        if not self._known(key):
            stored = self._store.load(key)
            if stored is not None:
                return stored
        with self._lock:
            if self._stopped:
                return None
            now = next(self._clock)
            task = self._tasks.setdefault(key, _Task(key, visitors.bind(make), now))
            if task.error is not None:
                raise task.error.with_traceback(None)
            task.asked = now
            if self._workers < WORKERS and self._ready():
                self._workers += 1
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
        return None

    def is_pending(self, key: Key) -> bool:
        """Whether the task waits or runs."""
        with self._lock:
            task = self._tasks.get(key)
            return task is not None and task.error is None

    def failure(self, key: Key) -> str:
        """The sentence that the task failed with, or ""."""
        with self._lock:
            task = self._tasks.get(key)
            return task.error.sentence if task is not None and task.error is not None else ""

    def forget(self, key: Key) -> None:
        """Let a task that failed, or whose input changed, be done anew at the next `get`.

        An answer still being worked out from the old input is thrown away when it comes, and one that came between
        the change and this call goes too.
        """
        with self._storing:
            with self._lock:
                self._tasks.pop(key, None)
            self._store.drop(key)

    def stop(self) -> None:
        """Start nothing more and store nothing more; what is running ends by itself, or with the program."""
        with self._storing, self._lock:
            self._stopped = True
            self._tasks.clear()

    def _known(self, key: Key) -> bool:
        with self._lock:
            return key in self._tasks

    def _ready(self) -> list[_Task[Key, Value]]:
        """Those that could start now. One that was forgotten while it ran is not waited for."""
        busy = {self._group(task.key) for task in self._tasks.values() if task.running}
        return [task for task in self._tasks.values() if task.error is None and self._group(task.key) not in busy]

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                self._make(task)
            except UserError as error:
                self._fail(task, error)
            except Exception:
                log.exception("%s %s failed", self._name, task.key)
                self._fail(task, TaskFailed(self._fault))

    def _next(self) -> _Task[Key, Value] | None:
        with self._lock:
            ready = self._ready()
            if not ready:
                self._workers -= 1
                return None
            task = max(ready, key=lambda task: task.asked)
            task.running = True
            return task

    def _make(self, task: _Task[Key, Value]) -> None:
        """Work out and store one answer, unless it is there already or the task is not current any more."""
        # A `get` that found nothing stored may have come just before the same task was finished.
        if not self._store.has(task.key):
            value = task.make()
            with self._storing:
                if self._current(task):
                    self._store.save(task.key, value)
        with self._lock:
            if self._tasks.get(task.key) is task:
                del self._tasks[task.key]

    def _current(self, task: _Task[Key, Value]) -> bool:
        with self._lock:
            return self._tasks.get(task.key) is task

    def _fail(self, task: _Task[Key, Value], error: UserError) -> None:
        """Remember the sentence alone: a traceback would keep alive every array of the work that failed."""
        error.__cause__ = error.__context__ = None
        with self._lock:
            task.running, task.error = False, error.with_traceback(None)
