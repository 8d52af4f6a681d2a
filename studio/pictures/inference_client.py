"""Asking the model server about pictures outside of a run, and work in the background that a page waits for."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from backends.core.errors import UserError
from studio.jobs.backend import Backend
from studio.jobs.client import LOST, Call, StreamError

log = logging.getLogger(__name__)

TASK = "fewshot"
READY_SECONDS = 120
FAULT = "This could not be worked out because of a fault of ours. Your pictures are kept: try again."
KEPT = 60
WORKERS = 2


class Asking:
    """One call of the task's endpoint. `cancel` from any thread ends it."""

    def __init__(self, backend: Backend, card_id: str) -> None:
        self.backend = backend
        self.card_id = card_id
        self._call: Call | None = None
        self._stopped = False

    def cancel(self) -> None:
        self._stopped = True
        if self._call is not None:
            self._call.cancel()

    def results(
        self,
        sent: Mapping[str, Path],
        options: Mapping[str, Any],
        tell: Callable[[Mapping[str, Any]], object] = lambda event: None,
    ) -> dict[str, bytes]:
        """The files that the server made, by their kinds; `tell` hears each event of progress."""
        made: dict[str, bytes] = {}
        finished = False
        for event, address in self._events(sent, options):
            if event["type"] == "progress":
                tell(event)
            elif event["type"] == "result":
                finished = True
                for item in event["artifacts"]:
                    answer = httpx.get(f"{address}{item['url']}", timeout=60)
                    answer.raise_for_status()
                    made[item["kind"]] = answer.content
        if not finished:
            raise StreamError("backend_lost", LOST)
        return made

    def _events(self, sent: Mapping[str, Path], options: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
        """The events of the call, with the server's address; at the end its files are let go."""
        state = self.backend.wait_ready(READY_SECONDS, lambda: not self._stopped)
        if not state.ready:
            raise StreamError("unreachable", state.sentence)
        task, incarnation = state.info["tasks"][TASK], self.backend.incarnation
        arguments = [sent["query"], self.card_id, dict(options), *(sent.get(name) for name in task["optional"])]
        alive = lambda: self.backend.incarnation == incarnation  # noqa: E731
        call = self._call = Call(state.address, task["endpoint"], arguments, alive)
        token = ""
        try:
            for event in call:
                token = event["job"] if event["type"] == "started" else token
                yield event, state.address
        finally:
            self._call = None
            if token:
                with suppress(httpx.HTTPError):  # A server that is gone has no files to clear.
                    httpx.delete(f"{state.address}/jobs/{token}", timeout=5)


@dataclass
class _Errand:
    done: bool = False
    value: Any = None
    error: UserError | None = None


class Errands:
    """Work that takes longer than a page may: asked for again and again by its key, there once it is done.

    The newest answers are kept in memory, and none on disk: all of it can be worked out anew.
    """

    def __init__(self) -> None:
        self._errands: OrderedDict[str, _Errand] = OrderedDict()
        self._lock = threading.Lock()
        self._turn = threading.Semaphore(WORKERS)
        self._stopped = False

    def get(self, key: str, make: Callable[[], Any]) -> Any:
        """What `make` gave, None while it works. Raises UserError where it failed."""
        with self._lock:
            errand = self._errands.get(key)
            if errand is None:
                if self._stopped:
                    return None
                errand = self._errands[key] = _Errand()
                threading.Thread(target=self._work, args=(errand, make), name="errand", daemon=True).start()
            self._errands.move_to_end(key)
            for old in [name for name, one in self._errands.items() if one.done][:-KEPT]:
                del self._errands[old]
        if errand.error is not None:
            raise errand.error.with_traceback(None)
        return errand.value

    def done(self, key: str) -> bool:
        """Whether there is an answer or a failure to be told, or nobody knows of it any more."""
        with self._lock:
            errand = self._errands.get(key)
        return errand is None or errand.done

    def forget(self, key: str) -> None:
        """Let it be worked out anew at the next `get`."""
        with self._lock:
            self._errands.pop(key, None)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            self._errands.clear()

    def _work(self, errand: _Errand, make: Callable[[], Any]) -> None:
        with self._turn:
            if self._stopped:
                return
            try:
                errand.value = make()
            except UserError as error:
                errand.error = error
            except StreamError as error:
                errand.error = UserError(error.sentence)
            except httpx.HTTPError as error:
                log.warning("an answer did not arrive: %s", error)
                errand.error = UserError(LOST)
            except Exception:
                log.exception("an errand failed")
                errand.error = UserError(FAULT)
            finally:
                errand.done = True
