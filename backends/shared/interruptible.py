"""Run a computation that is no generator in a thread, so that its progress can be followed and it can be stopped."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

HEARTBEAT_SECONDS = 0.5
"""The longest time between two yields, in seconds: the caller can stop a computation that reports nothing."""


class Stopped(Exception):
    """Raised inside the computation, by its `report`, once the caller has closed the generator."""


def run_interruptible(work: Callable[[Callable[[Any], None]], Any], *, wait: bool = True) -> Iterator[Any]:
    """Run `work(report)` in a thread; yields each reported item, None as a heartbeat, and last the result.

    Closing stops the computation at its next `report`. What it raises is raised here.

    Args:
        work: the computation.
        wait: whether closing waits for its end. Not for one that reports nothing and needs no device, such as reading
            a file: it comes to its end unheard.
    """
    messages: queue.Queue[tuple[str, Any]] = queue.Queue()
    stopped = threading.Event()

    def report(item: Any) -> None:
        if stopped.is_set():
            raise Stopped
        messages.put(("report", item))

    def run() -> None:
        try:
            messages.put(("done", work(report)))
        except BaseException as error:
            messages.put(("failed", error))

    thread = threading.Thread(target=run, name="interruptible", daemon=True)
    thread.start()
    try:
        while True:
            try:
                kind, item = messages.get(timeout=HEARTBEAT_SECONDS)
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
        if wait:
            thread.join()
