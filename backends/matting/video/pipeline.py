"""A bounded queue between threads that can be abandoned, and a group of threads that fails as one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Abandoned(Exception):
    """The queue was abandoned: the thread that works on it should stop."""


class Channel(Generic[Item]):
    """A queue of at most `size` items: a fast producer waits, so memory does not grow with the length of a video."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closed = self._abandoned = False

    def put(self, item: Item) -> None:
        """Add an item, waiting while the queue is full. Raises Abandoned."""
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or len(self._items) < self._size)
            if self._abandoned:
                raise Abandoned
            self._items.append(item)
            self._changed.notify_all()

    def close(self) -> None:
        """Say that no more items will come: iteration ends after the last one."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Drop the items that wait, and make both sides raise Abandoned."""
        with self._changed:
            self._abandoned = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._abandoned or self._closed or self._items)
                if self._abandoned:
                    raise Abandoned
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item


class WorkerGroup:
    """Threads that work on one job. An error in one stops them all and is raised by `check` and `wait`."""

    def __init__(self, *channels: Channel) -> None:
        self._channels = channels
        self._threads: list[threading.Thread] = []
        self._error: BaseException | None = None

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run `work` in a thread of its own."""
        thread = threading.Thread(target=self._run_guarded, args=(work,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run_guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Abandoned:
            return
        except BaseException as error:
            self._error = self._error or error
            self.abandon()

    def check(self) -> None:
        """Raise the error that stopped the group, if there is one."""
        if self._error is not None:
            raise self._error

    def wait(self, seconds: float) -> Iterator[None]:
        """Yield every `seconds` until all threads are done, then raise the error of the one that failed, if any."""
        for thread in self._threads:
            while thread.is_alive():
                thread.join(seconds)
                if thread.is_alive():
                    yield
        self.check()

    def abandon(self) -> None:
        for channel in self._channels:
            channel.abandon()

    def stop(self) -> None:
        """Stop all threads and wait until they have ended."""
        self.abandon()
        for thread in self._threads:
            thread.join()
