"""One call of a backend's Gradio endpoint as an iterator of events, with queue position, cancel and typed errors.

What Gradio's client does not say plainly is put right here: one Client a call, because cancelling a job
ends every job of its Client; a vanished server, because the client may then wait for ever; a full queue.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from backends.core.errors import UserError
from backends.core.event_json import ErrorMessage, EventMessage, parse_event

log = logging.getLogger(__name__)

POLL_SECONDS = 0.04
SILENCE_SECONDS = 4.0
"""After this long without an event the server is asked whether it is still there."""
MISSED_PROBES = 8
"""A server that dies is noticed by `alive`; one that answers late on a busy machine is given half a minute."""


class CallFailed(UserError):
    """A call that ended without a result. `code` is that of the backend, or backend_lost, queue_full, unreachable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


LOST = "The model server stopped while it was working. Your file is kept: you can run it again."
FULL = "The model server has too many jobs waiting. Your file is kept: try again in a few minutes."
REFUSED = "The model server could not do this; its log says why. Your file is kept: try again, or another model."
UNREACHABLE = "The model server does not answer. Your file is kept: check that the server runs, then try again."


class RemoteCall:
    """A running call. Iterate it once; `cancel` from any thread ends the iteration."""

    def __init__(self, address: str, endpoint: str, arguments: list[Any], alive: Callable[[], bool]) -> None:
        """
        Args:
            address: the backend's URL.
            endpoint: the endpoint's api_name, such as "/separate".
            arguments: its arguments in order; a Path is uploaded.
            alive: says cheaply whether the same server process is still there.
        """
        from gradio_client import Client, handle_file

        self.address = address
        self.alive = alive
        self._cancelled = threading.Event()
        self._cancelling: threading.Thread | None = None
        self._lock = threading.Lock()
        try:
            self._client = Client(address, verbose=False, download_files=False, analytics_enabled=False)
            sent = [handle_file(item) if isinstance(item, Path) else item for item in arguments]
            self._job = self._client.submit(*sent, api_name=endpoint)
        except (httpx.HTTPError, OSError, ValueError) as error:
            log.warning("cannot reach %s: %s", address, error)
            raise CallFailed("unreachable", UNREACHABLE) from error

    def cancel(self) -> None:
        """Free the device at its next chunk. Returns at once; safe to call at any time, also twice."""
        with self._lock:
            self._cancelled.set()
            if self._cancelling is None:
                self._cancelling = threading.Thread(target=self._send_cancel, name="cancel", daemon=True)
                self._cancelling.start()

    def _send_cancel(self) -> None:
        """Tell the server, which answers only once the step under way has ended."""
        try:
            self._job.cancel()
        except (httpx.HTTPError, OSError) as error:
            log.info("the cancel request did not arrive: %s", error)

    def queue(self) -> tuple[int | None, int | None]:
        """(jobs before this one, jobs in the queue) while it waits, else (None, None).

        Gradio's rank counts the jobs that wait; the one that runs is before this one too.
        """
        status = self._job.status()
        waiting = status.code.name in ("IN_QUEUE", "JOINING_QUEUE", "QUEUE_FULL", "STARTING")
        if not waiting:
            return None, None
        return (None if status.rank is None else status.rank + 1), status.queue_size

    def server_is_gone(self) -> bool:
        """Whether the server that took this call is there no more; asks it, so only once something went wrong."""
        return not self._answers() or not self.alive()

    def __iter__(self) -> Iterator[EventMessage]:
        seen, heard, missed = 0, time.monotonic(), 0
        try:
            while not self._cancelled.is_set():
                finished = self._job.done()
                # A copy: the client hands out its own list, which grows while the events below are worked on.
                events = list(self._job.outputs())
                for event in map(parse_event, events[seen:]):
                    if isinstance(event, ErrorMessage):
                        raise CallFailed(event.code, event.sentence)
                    yield event
                if len(events) > seen:
                    seen, heard, missed = len(events), time.monotonic(), 0
                elif finished:
                    self._raise_failure()
                    return
                elif time.monotonic() - heard > SILENCE_SECONDS:
                    missed, heard = (0 if self._answers() else missed + 1), time.monotonic() - SILENCE_SECONDS / 2
                if missed >= MISSED_PROBES or not self.alive():
                    log.warning("lost %s: %d probes missed", self.address, missed)
                    raise CallFailed("backend_lost", LOST)
                self._cancelled.wait(POLL_SECONDS)
        finally:
            self._close()

    def _close(self) -> None:
        """Stop the work if it is still going, since nobody listens any more, and end the client's threads."""
        if not self._job.done():
            self.cancel()
        if self._cancelling is None:
            self._close_client()
        else:
            threading.Thread(target=self._close_client, name="close client", daemon=True).start()

    def _close_client(self) -> None:
        """End the client's threads, once the server knows of a cancel."""
        if self._cancelling is not None:
            self._cancelling.join()
        self._client.close()
        self._client.executor.shutdown(wait=False)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/healthz", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def _raise_failure(self) -> None:
        """Turn the way a finished Gradio job failed, if it did, into a CallFailed."""
        error = None if self._cancelled.is_set() else self._job.exception(timeout=5)
        if error is None:
            return
        log.warning("the call failed: %r", error)
        if "queue is full" in str(error).lower():
            raise CallFailed("queue_full", FULL) from error
        if self.server_is_gone():
            raise CallFailed("backend_lost", LOST) from error
        if "max_file_size" in str(error) or "too large" in str(error).lower() or "413" in str(error):
            raise CallFailed("too_large", "This file is larger than the model server accepts.") from error
        raise CallFailed("crash", REFUSED) from error
