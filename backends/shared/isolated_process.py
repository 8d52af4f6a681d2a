"""The child process of `isolation.isolated`: reads calls from standard input, writes items to standard output."""

from __future__ import annotations

import os
import queue
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator
from contextlib import closing
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from backends.core.errors import UserError
from backends.shared.wire import receive, send


def main() -> None:
    """Serve calls until standard input ends, which it does when the parent process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends this process
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash here is expected, and needs no image of the memory
    requests = Connection(os.dup(0), writable=False)
    items = Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # what a library prints must not get between the items
    calls: queue.Queue[dict[str, Any]] = queue.Queue()
    stop = threading.Event()
    threading.Thread(target=_read, args=(requests, calls, stop), daemon=True).start()
    while True:
        call = calls.get()
        try:
            _answer(call, items, stop)
        except ConnectionError:
            os._exit(0)


def _read(requests: Connection, calls: queue.Queue[dict[str, Any]], stop: threading.Event) -> None:
    """Pass calls on, and the wish to stop one.

    Reading goes on during a call, so that the end of the parent ends a decoder that is stuck.
    """
    try:
        while True:
            message = receive(requests)
            if "stop" in message:
                stop.set()
            else:
                stop.clear()
                calls.put(message)
    except (EOFError, ConnectionError):
        os._exit(0)


def _answer(call: dict[str, Any], items: Connection, stop: threading.Event) -> None:
    try:
        module, _, name = call["target"].partition(":")
        function: Callable[..., Generator[Any, None, None]] = getattr(import_module(module), name)
        with closing(function(**call["arguments"])) as answers:
            for item in answers:
                send(items, {"kind": "item", "item": item})
                if stop.is_set():
                    break
    except ConnectionError:
        raise
    except Exception as error:
        send(items, _error_message(error))
    else:
        send(items, {"kind": "end"})


def _error_message(error: Exception) -> dict[str, Any]:
    return {
        "kind": "error",
        "type": type(error).__name__,
        "code": error.code if isinstance(error, UserError) else "",
        "text": (error.strerror if isinstance(error, OSError) else None) or str(error),
        "errno": error.errno if isinstance(error, OSError) else None,
        "trace": traceback.format_exc(),
    }


if __name__ == "__main__":
    main()
    sys.exit()
