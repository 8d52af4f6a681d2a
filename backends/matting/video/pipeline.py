"""A bounded pipe between threads, and threads whose errors come out where they are waited for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Abandoned(Exception):
    """The other side is gone: stop working."""


class Channel(Generic[Item]):
    """At most `size` items wait in it: a fast producer sleeps, so memory does not grow with the length of a video."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closed = self._abandoned = False

    def put(self, item: Item) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or len(self._items) < self._size)
            if self._abandoned:
                raise Abandoned
            self._items.append(item)
            self._changed.notify_all()

    def close(self) -> None:
        """No more will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Wake both sides and let them stop; what waits is dropped."""
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


class Crew:
    """Threads that work on one job. An error in one stops them all and is raised by `check` and `join`."""

    def __init__(self, *channels: Channel) -> None:
        self._channels = channels
        self._threads: list[threading.Thread] = []
        self._error: BaseException | None = None

    def start(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Abandoned:
            return
        except BaseException as error:
            self._error = self._error or error
            self.abandon()

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def waiting(self, seconds: float) -> Iterator[None]:
        """Yield every so often until all threads are done, then raise what went wrong, if anything."""
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
        """Tell all threads to stop and wait until they have."""
        self.abandon()
        for thread in self._threads:
            thread.join()
