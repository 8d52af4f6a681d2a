"""Calls of the model server about pictures outside of a run, and the background tasks that make them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from backends.core import access
from backends.core.event_json import EventMessage, NoticeMessage, ProgressMessage, ResultMessage, StartedMessage
from studio.jobs.backend import Backend
from studio.jobs.background import BackgroundTasks, MemoryStore
from studio.jobs.client import LOST, CallFailed, RemoteCall
from studio.jobs.receiver import fetch_bytes

log = logging.getLogger(__name__)

TASK = "fewshot"
READY_SECONDS = 120
FAULT = "This could not be worked out because of a fault of ours. Your pictures are kept: try again."
CACHED = 60
"""Answers that are kept in memory; all of them can be worked out anew."""

BackgroundCache = BackgroundTasks[str, Any]


def background_cache() -> BackgroundCache:
    """What panels ask to be worked out, by a key that names the question and the state of the project."""
    return BackgroundTasks(MemoryStore(CACHED), fault=FAULT, name="picture answer")


class InferenceCall:
    """One call of the task's endpoint outside of a run. `cancel` from any thread ends it."""

    def __init__(self, backend: Backend, card_id: str, visitor: str = "") -> None:
        """`visitor` tells whose turn in the backend's queue it is; a project stands for those who work on it."""
        self.backend = backend
        self.card_id = card_id
        self.visitor = visitor
        self._call: RemoteCall | None = None
        self._stopped = False

    def cancel(self) -> None:
        self._stopped = True
        if self._call is not None:
            self._call.cancel()

    def results(
        self,
        sent: Mapping[str, Path],
        options: Mapping[str, Any],
        on_event: Callable[[ProgressMessage | NoticeMessage], object] = lambda event: None,
    ) -> dict[str, bytes]:
        """Run the call to its end.

        Args:
            sent: the files to send, by the names of the task's inputs; `query` must be among them.
            options: the engine's options.
            on_event: called with each event of progress and each notice.

        Returns:
            The files that the server made, by their kinds.

        Raises:
            CallFailed: the server refused, was lost, or a file did not arrive.
        """
        try:
            for event, address in self._events(sent, options):
                if isinstance(event, ProgressMessage | NoticeMessage):
                    on_event(event)
                elif isinstance(event, ResultMessage):
                    return {item.kind: fetch_bytes(f"{address}{item.url}") for item in event.artifacts}
        except httpx.HTTPError as error:
            log.warning("an answer did not arrive: %s", error)
            raise CallFailed("backend_lost", LOST) from error
        raise CallFailed("backend_lost", LOST)

    def _events(self, sent: Mapping[str, Path], options: Mapping[str, Any]) -> Iterator[tuple[EventMessage, str]]:
        """The events of the call, with the server's address; at the end its files are deleted."""
        state = self.backend.wait_ready(READY_SECONDS, lambda: not self._stopped)
        if not state.ready:
            raise CallFailed("unreachable", state.sentence)
        task, incarnation = state.info.tasks[TASK], self.backend.incarnation
        arguments = [sent["query"], self.card_id, dict(options), *(sent.get(name) for name in task.optional)]
        alive = lambda: self.backend.incarnation == incarnation  # noqa: E731
        call = self._call = RemoteCall(state.address, task.endpoint, arguments, alive, self.visitor)
        token = ""
        try:
            for event in call:
                token = event.job if isinstance(event, StartedMessage) else token
                yield event, state.address
        finally:
            self._call = None
            if token:
                with suppress(httpx.HTTPError):  # A server that is gone has no files to clear.
                    httpx.delete(f"{state.address}/jobs/{token}", timeout=5, headers=access.headers())
