"""Watch a computation that cannot be left and entered again, and stop it where it tells how far it is."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

HEARTBEAT = 0.5
"""Seconds between two chances to stop while the computation says nothing."""


class Stopped(Exception):
    """Raised inside the computation, by its `tell`, once nobody listens any more."""


def watched(work: Callable[[Callable[[Any], None]], Any]) -> Iterator[Any]:
    """Run `work(tell)` in a thread of its own; yields what it tells as it does, None now and then, and last its result.

    Closing stops the computation at its next `tell`, and waits for that. What it raises is raised here.
    """
    told: queue.Queue[tuple[str, Any]] = queue.Queue()
    stopped = threading.Event()

    def tell(item: Any) -> None:
        if stopped.is_set():
            raise Stopped
        told.put(("told", item))

    def run() -> None:
        try:
            told.put(("done", work(tell)))
        except BaseException as error:
            told.put(("failed", error))

    thread = threading.Thread(target=run, name="folding", daemon=True)
    thread.start()
    try:
        while True:
            try:
                kind, item = told.get(timeout=HEARTBEAT)
            except queue.Empty:
                yield None
                continue
            if kind == "failed":
                raise item
            yield item
            if kind == "done":
                return
    finally:
        stopped.set()
        thread.join()
