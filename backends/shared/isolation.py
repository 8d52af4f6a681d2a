"""Run a generator in a process of its own, so that a file which crashes a native library costs that call alone.

Decoders are large native libraries, and a file may be made so that one of them reads wild memory. `isolated` names a
generator function; a child process imports it, runs it, and sends every item back over a pipe.

A child that has finished a call waits for the next one, which then starts in milliseconds. A child that dies is thrown
away. What an earlier file did to a child's memory may come to light later, so a call whose child dies before its first
item is tried once more in a fresh child before its own file is blamed.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import backends
from backends.core import errors
from backends.shared.wire import receive, send

log = logging.getLogger(__name__)

IDLE_CHILDREN = 4
"""Children that are left waiting for another call: as many as pictures are decoded at once."""

STALL_SECONDS = 180.0
"""The longest time between two items. A decoder that is silent for longer goes round in circles."""

STOP_SECONDS = 1.0
"""How long a child may take to its next item once it was asked to stop; then it is killed."""

CRASHED = (
    "This file makes the decoder crash, so it cannot be used as it is: open it in another program, export it anew, "
    "such as to WAV or MP4, and choose that file."
)
STALLED = "This file keeps the decoder busy without end, so it cannot be used as it is: export it anew and choose that."
NO_MEMORY = "There is not enough memory on this machine to decode this file: close other programs or use a smaller one."

_ERRORS: dict[str, type[errors.UserError]] = {
    kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.UserError)
}


class ChildDied(Exception):
    """The child ended in the middle of a call; `returncode` is its status, negative for a signal."""

    def __init__(self, returncode: int) -> None:
        super().__init__(f"the child process ended with status {returncode}")
        self.returncode = returncode


class Child:
    """A process that runs one call after another. Not to be shared between threads."""

    def __init__(self) -> None:
        root = str(Path(backends.__file__).parents[1])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
        # -P: a module that lies in the working directory must not stand in for one of ours.
        command = [sys.executable, "-P", "-m", "backends.shared.isolated_process"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._requests = Connection(os.dup(self.process.stdin.fileno()), readable=False)
        self._items = Connection(os.dup(self.process.stdout.fileno()), writable=False)
        self.process.stdin.close()
        self.process.stdout.close()

    def call(self, target: str, arguments: dict[str, Any]) -> Iterator[Any]:
        """The items of one call. Raises what the generator raised, or ChildDied."""
        try:
            send(self._requests, {"target": target, "arguments": arguments})
            while True:
                if not self._items.poll(STALL_SECONDS):
                    raise errors.UndecodableFile(STALLED)
                message = receive(self._items)
                if message["kind"] == "end":
                    return
                if message["kind"] == "error":
                    raise _error(message)
                yield message["item"]
        except (EOFError, ConnectionError) as error:
            raise ChildDied(self.process.wait()) from error

    def stop(self) -> bool:
        """Ask a call that is under way to stop after its next item; False where it has not done so in time."""
        try:
            send(self._requests, {"stop": True})
            while self._items.poll(STOP_SECONDS):
                if receive(self._items)["kind"] != "item":
                    return True
        except (EOFError, ConnectionError):
            pass  # it died, which concerns nobody any more
        return False

    def end(self) -> None:
        """Kill the process, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        self._requests.close()
        self._items.close()


class _Children:
    """The children that wait for a call."""

    def __init__(self) -> None:
        self._idle: list[Child] = []
        self._lock = threading.Lock()

    def take(self) -> Child | None:
        """A child that waits and is alive, or None."""
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if child is None:
                return None
            if child.process.poll() is None:
                return child
            child.end()

    def give(self, child: Child) -> None:
        """Let a child wait, or end it where enough of them do."""
        with self._lock:
            if len(self._idle) < IDLE_CHILDREN:
                self._idle.append(child)
                return
        child.end()

    def end(self) -> None:
        """End all that wait."""
        while (child := self.take()) is not None:
            child.end()


_children = _Children()
atexit.register(_children.end)


def isolated(target: str, **arguments: Any) -> Iterator[Any]:
    """The items of a generator that runs in a child process. Closing the iterator ends the call and its process.

    Args:
        target: "module:function", a generator function that needs nothing but its arguments.
        arguments: of the function: strings, paths (which arrive as strings), numbers, None, lists, mappings.

    Yields:
        What the generator yields: JSON values, numpy arrays and bytes; tuples arrive as lists.

    Raises:
        UndecodableFile: the child crashed, or came to no end.
        UserError: as the function raised it.
        EngineFailed: the child was ended for lack of memory.
    """
    child = _children.take()
    fresh, first = child is None, True
    child = child or Child()
    while True:
        finished = False
        try:
            for item in child.call(target, arguments):
                first = False
                yield item
            finished = True
        except ChildDied as death:
            if fresh or not first:
                log.warning("%s crashed its process (status %d)", target, death.returncode)
                raise _crash(death.returncode) from death
        except errors.UndecodableFile:
            raise
        except Exception:
            finished = True  # the function raised and its process waits for the next call
            raise
        except GeneratorExit:
            finished = child.stop()
            raise
        finally:
            if finished:
                _children.give(child)
            else:
                child.end()
        if finished:
            return
        child, fresh = Child(), True


def isolated_call(target: str, **arguments: Any) -> Any:
    """The only item of a generator that runs in a child process; see `isolated`."""
    [item] = isolated(target, **arguments)
    return item


def _crash(returncode: int) -> errors.UserError:
    killed = returncode == -signal.SIGKILL  # as Linux ends processes when memory runs out
    return errors.EngineFailed(NO_MEMORY) if killed else errors.UndecodableFile(CRASHED)


def _error(message: dict[str, Any]) -> BaseException:
    """The exception that the function raised, as far as it can be made again here."""
    if message["code"] in _ERRORS:
        return _ERRORS[message["code"]](message["text"])
    if message["type"] == "MemoryError":
        return MemoryError(message["text"])
    if message["errno"] is not None:
        return OSError(message["errno"], message["text"])
    log.error("a function failed in its own process:\n%s", message["trace"])
    return RuntimeError(f"{message['type']}: {message['text']}")
