"""Where the models run: a backend of our own on loopback, started and watched here, or one at a given address."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from pathlib import Path

import httpx

from backends.core import access
from backends.core.info import Info

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS, STARTING_SECONDS = 2.0, 0.25
"""How often the watching thread asks /info, while the backend is ready and while it is not."""

BACKOFF = (0.5, 1, 2, 5, 10, 30)
"""Seconds before each restart in a row; a backend that stayed up for a minute starts again from the first."""


@dataclass(frozen=True)
class BackendState:
    """`state` is starting, ready, down or failed; `sentence` is for people; `restarts` counts unexpected ends."""

    state: str
    sentence: str
    address: str = ""
    restarts: int = 0
    info: Info = field(default_factory=Info)

    @property
    def ready(self) -> bool:
        return self.state == "ready"


class Backend:
    """A backend at an address. A thread asks it, so that a page never waits for an answer."""

    place = "a GPU machine"

    def __init__(self, address: str = "") -> None:
        self._address = address.rstrip("/")
        self._info = Info()
        self._state = BackendState("starting", "Looking for the model server…", self._address)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    @cached_property
    def _http(self) -> httpx.Client:
        """Made once, for it reads certificates and the environment; no connection outlives its question."""
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(timeout=10, limits=limits, headers=access.headers())

    @property
    def address(self) -> str:
        return self._address

    @property
    def restarts(self) -> int:
        return 0

    @property
    def incarnation(self) -> tuple[str, int, str]:
        """Another value means another server process, as far as anybody has noticed yet."""
        return (self.address, self.restarts, self._info.boot)

    def start(self) -> None:
        """Begin whatever must run; a given address needs nothing."""

    def stop(self) -> None:
        """End whatever `start` began."""
        self._stopping.set()

    def state(self, fresh: bool = False) -> BackendState:
        """What a watching thread last heard; with `fresh`, ask now and wait for the answer."""
        with self._lock:
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="backend watcher", daemon=True)
                self._watcher.start()
        if fresh:
            self._state = self._ask()
        return self._state

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self._state = self._ask()
            self._stopping.wait(READY_SECONDS if self._state.ready else STARTING_SECONDS)

    def info(self) -> Info:
        """The last /info that arrived, or an empty one, which is false, before the first."""
        return self.state().info or self._info

    def wait_ready(self, seconds: float, wanted: Callable[[], bool] = lambda: True) -> BackendState:
        """Wait until the backend answers, at most `seconds`, or until nobody wants it any more."""
        end = time.monotonic() + seconds
        state = self.state(fresh=True)
        while not state.ready and state.state != "failed" and time.monotonic() < end and wanted():
            time.sleep(0.1)
            state = self.state(fresh=True)
        return state

    def _ask(self) -> BackendState:
        if not self._address:
            return BackendState("starting", "The model server is starting…", "", self.restarts)
        try:
            answer = self._http.get(f"{self._address}/info")
            answer.raise_for_status()
            self._info = Info.model_validate_json(answer.content)
        except (httpx.HTTPError, ValueError) as error:
            return self._unreachable(error)
        return BackendState("ready", "Ready.", self._address, self.restarts, self._info)

    def _unreachable(self, error: Exception) -> BackendState:
        sentence = f"The model server at {self._address} does not answer: {_reason(error)}."
        return BackendState("down", sentence, self._address, self.restarts)


def _reason(error: Exception) -> str:
    """Why no `/info` came, in the words of who has to mend it."""
    if isinstance(error, httpx.HTTPStatusError):
        code = error.response.status_code
        if code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return "it turns this studio away, so FOURFOLD_TOKEN has to be the same for both"
        return f"what is there says “{code} {error.response.reason_phrase}”"
    if isinstance(error, httpx.TimeoutException):
        return "nothing came in time, so it is busy or hangs"
    if isinstance(error, httpx.HTTPError):
        return "nobody listens there, so it is not running or cannot be reached"
    return "what is there is no model server of this version"


class EmbeddedBackend(Backend):
    """A child process on loopback. If it dies it is started again, and `state` says that it was."""

    place = "this computer"

    def __init__(self, command: list[str] | None = None) -> None:
        super().__init__()
        self._command = command or [sys.executable, "-m", "backends", "serve", "--port", "0", "--supervised"]
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._restarts = 0
        self._failed = ""

    @property
    def restarts(self) -> int:
        return self._restarts

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        if self._thread is None:
            _without_proxy()
            self._thread = threading.Thread(target=self._supervise, name="backend supervisor", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the child: closing its standard input is the request, a signal the insistence."""
        super().stop()
        process = self._process
        if process is None or process.poll() is not None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _supervise(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            self._run_once()
            if self._stopping.is_set():
                return
            self._address = ""
            failures = 0 if time.monotonic() - started > 60 else failures + 1
            self._restarts += 1
            log.warning("the backend ended unexpectedly; starting it again (%d)", self._restarts)
            self._failed = "" if failures < len(BACKOFF) else "The model server keeps stopping; see its log."
            self._stopping.wait(BACKOFF[min(failures, len(BACKOFF) - 1)])

    def _run_once(self) -> None:
        """Start the child, read its address from the first line, and wait until it ends."""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the studio, which then ends its backend itself.
        )
        self._process = process
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('{"address"'):
                self._address = json.loads(line)["address"]
        process.wait()

    def _ask(self) -> BackendState:
        state = super()._ask()
        if state.ready:
            self._failed = ""  # One that answers works again, however many ended before it.
        elif self._failed:
            return BackendState("failed", self._failed, "", self.restarts)
        if state.state == "down":
            return BackendState("starting", "The model server is starting…", self._address, self.restarts)
        return state


def _without_proxy() -> None:
    """Talk to loopback directly, whatever proxy the machine uses for the rest of the world."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*hosts, "127.0.0.1", "localhost", "::1"]))


def from_environment() -> Backend:
    """FOURFOLD_BACKEND names a machine; without it the studio starts its own backend."""
    address = os.environ.get("FOURFOLD_BACKEND", "")
    return Backend(address) if address else EmbeddedBackend()
