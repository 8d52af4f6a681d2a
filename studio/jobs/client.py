"""One call of a backend's Gradio endpoint as an iterator of events, with queue position, cancel and typed errors.

What Gradio's client does not say plainly is put right here: one Client a call, because cancelling a job
ends every job of its Client; a vanished server, because the client may then wait for ever; a full queue. A connection
that breaks costs nothing: the backend keeps the events of a job, and they are asked for from where the stream broke.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import httpx

from backends.core import access
from backends.core.errors import UserError
from backends.core.event_json import JOB_HEADER, VISITOR_HEADER, ErrorMessage, EventMessage, parse_event

log = logging.getLogger(__name__)

POLL_SECONDS = 0.04
SILENCE_SECONDS = 4.0
"""After this long without an event the server is asked whether it is still there."""
MISSED_PROBES = 8
"""A server that dies is noticed by `alive`; one that answers late on a busy machine is given half a minute."""
PROBE_SECONDS = 2.0
"""Between two questions to a server that does not answer."""
WAIT_SECONDS = 15.0
"""How long the server may keep a question for new events waiting, once the stream of events is broken."""

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""A server whose cores all work on models answers late: after httpx's own five seconds a job would be given up."""

UNKNOWN = 404
JOINING = ("STARTING", "JOINING_QUEUE", "SENDING_DATA")
"""Gradio's names for a job that has not yet reached the queue: its file is on the way."""


@dataclass(frozen=True)
class News:
    """Events that were asked for, and whether the job has ended; `known` is false where there is no such job."""

    events: Sequence[Any] = ()
    ended: bool = False
    known: bool = True


class CallFailed(UserError):
    """A call that ended without a result. `code` is that of the backend, or backend_lost, queue_full, unreachable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


LOST = "The model server stopped while it was working. Your file is kept: you can run it again."
FULL = "The model server has too many jobs waiting. Your file is kept: try again in a few minutes."
UNEXPLAINED = "The model server could not do this; its log says why. Your file is kept: try again, or another model."
UNREACHABLE = "The model server does not answer. Your file is kept: check that the server runs, then try again."


class Dropped(CallFailed):
    """The connection broke before the job had begun, and the server has let go of it: it can be asked for again."""

    def __init__(self) -> None:
        super().__init__("backend_lost", LOST)


class RemoteCall:
    """A running call. Iterate it once; `cancel` from any thread ends the iteration."""

    def __init__(
        self, address: str, endpoint: str, arguments: list[Any], alive: Callable[[], bool], visitor: str = ""
    ) -> None:
        """
        Args:
            address: the backend's URL.
            endpoint: the endpoint's api_name, such as "/separate".
            arguments: its arguments in order; a Path is uploaded.
            alive: says cheaply whether the same server process is still there.
            visitor: tells the visitors of this studio apart, so that they take turns in the backend's queue.
        """
        from gradio_client import Client, handle_file

        self.address = address
        self._id = secrets.token_urlsafe(24)
        self.alive = alive
        self._cancelled = threading.Event()
        self._cancelling: threading.Thread | None = None
        self._lock = threading.Lock()
        try:
            headers = {JOB_HEADER: self._id, **access.headers()}
            if visitor:
                headers[VISITOR_HEADER] = hashlib.sha256(visitor.encode()).hexdigest()[:32]  # it may be a secret
            self._client = Client(
                address,
                headers=headers,
                verbose=False,
                download_files=False,
                analytics_enabled=False,
                httpx_kwargs={"timeout": TIMEOUT},
            )
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

    def wait_cancelled(self, seconds: float) -> None:
        """After `cancel`, wait until the server has heard of it."""
        if self._cancelling is not None:
            self._cancelling.join(seconds)

    def _send_cancel(self) -> None:
        """Tell the server: of the job while it runs, then Gradio of its place in the queue, then once more of the job,
        which may have begun in between."""
        for send in (self._forget, self._job.cancel, self._forget):
            try:
                send()
            except (httpx.HTTPError, OSError) as error:
                log.info("a cancel request did not arrive: %s", error)

    def _forget(self) -> None:
        httpx.delete(f"{self.address}/jobs/{self._id}", timeout=5, headers=access.headers())

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
        seen, heard, missed, unknown = 0, time.monotonic(), 0, 0
        try:
            while not self._cancelled.is_set():
                finished = self._job.done()
                # A copy: the client hands out its own list, which grows while the events below are worked on.
                events = list(self._job.outputs())
                yield from map(_checked, events[seen:])
                if len(events) > seen:
                    seen, heard, missed, unknown = len(events), time.monotonic(), 0, 0
                elif finished:
                    yield from self._finish(seen)
                    return
                elif time.monotonic() - heard > SILENCE_SECONDS:
                    heard = time.monotonic() - SILENCE_SECONDS / 2
                    news = self._ask(seen, 0)
                    if news is not None and news.events:  # which the stream has not brought
                        yield from self._catch_up(seen)
                        return
                    missed = 0 if news is not None or self._answers() else missed + 1
                    unknown = unknown + 1 if self._is_dropped(news) else 0
                self._check(missed, unknown)
                self._cancelled.wait(POLL_SECONDS)
        finally:
            self._close()

    def _check(self, missed: int, unknown: int = 0) -> None:
        """Raise CallFailed once the server is lost, or has let go of the job."""
        if missed >= MISSED_PROBES or not self.alive():
            log.warning("lost %s: %d probes missed", self.address, missed)
            raise CallFailed("backend_lost", LOST)
        if unknown >= 2:  # not at the first: between queue and thread a job is known to neither
            raise Dropped

    def _is_dropped(self, news: News | None) -> bool:
        """Whether the server answers that it knows no such job, though the file has arrived there."""
        return news is not None and not news.known and self._job.status().code.name not in JOINING

    def _finish(self, seen: int) -> Iterator[EventMessage]:
        """What comes after the stream has ended: nothing, a failure, or events that a broken stream did not bring."""
        error = None if self._cancelled.is_set() else self._job.exception(timeout=5)
        if error is None:
            return
        news = None if _is_refusal(error) else self._ask(seen, 0)
        if not _is_refusal(error) and (self.alive() if news is None else news.known):
            log.info("the stream of events broke (%r); asking for them", error)
            yield from self._catch_up(seen)
        else:
            self._raise_failure(error)

    def _catch_up(self, seen: int) -> Iterator[EventMessage]:
        """The events from number `seen` on, asked for one batch at a time until the job has ended."""
        missed = 0
        while not self._cancelled.is_set():
            news = self._ask(seen, WAIT_SECONDS)
            if news is None:
                missed += 1
                self._check(missed)
                self._cancelled.wait(PROBE_SECONDS)
                continue
            if not news.known:
                raise CallFailed("backend_lost", LOST) if seen else Dropped
            yield from map(_checked, news.events)
            seen, missed = seen + len(news.events), 0
            if news.ended and not news.events:
                return

    def _ask(self, seen: int, seconds: float) -> News | None:
        """The events from number `seen` on, after at most `seconds` of waiting; None where no answer came."""
        question = {"after": seen, "wait": seconds}
        try:
            url, sent = f"{self.address}/jobs/{self._id}/events", access.headers()
            answer = httpx.get(url, params=question, timeout=seconds + 5, headers=sent)
            if answer.status_code == UNKNOWN:
                return News(known=False)
            answer.raise_for_status()
            return News(answer.json()["events"], answer.json()["ended"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            log.info("no answer about the job: %r", error)
            return None

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

    def _raise_failure(self, error: BaseException) -> NoReturn:
        """Turn the way a finished Gradio job failed into a CallFailed."""
        log.warning("the call failed: %r", error)
        if "queue is full" in str(error).lower():
            raise CallFailed("queue_full", FULL) from error
        if self.server_is_gone():
            raise CallFailed("backend_lost", LOST) from error
        if _is_refusal(error):
            raise CallFailed("too_large", "This file is larger than the model server accepts.") from error
        if isinstance(error, httpx.TransportError | CancelledError):  # by the client itself, as its stream broke
            raise Dropped from error
        raise CallFailed("crash", UNEXPLAINED) from error


def _checked(event: Any) -> EventMessage:
    """An event as it came, read. Raises CallFailed for the one that says why the job failed."""
    message = parse_event(event)
    if isinstance(message, ErrorMessage):
        raise CallFailed(message.code, message.sentence)
    return message


def _is_refusal(error: BaseException) -> bool:
    """Whether the server refused the job before it began: its queue is full, or the file too large."""
    text = str(error).lower()
    return any(words in text for words in ("queue is full", "max_file_size", "too large", "413"))
