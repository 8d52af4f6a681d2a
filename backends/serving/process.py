"""The server's process: its port, its folder, and its end, whichever way it is asked to stop."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from backends.core.errors import BadInput
from backends.serving.workdir import WorkDir

if TYPE_CHECKING:
    from backends.serving.places import Site

STOPS = (signal.SIGTERM, signal.SIGINT)

GRACE_SECONDS = 2
"""How long open connections may go on once the server was asked to stop."""


CLOSE_SECONDS = 5
"""How long a cluster may take to be left."""


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 picks a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or else asyncio does not switch off the delay of small packets (Nagle), which live mattes feel.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError, UnicodeError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or "a port is a number from 0 to 65535"
        raise BadInput(f"Cannot listen on {host}:{port} ({reason}).") from error
    return listener


def make_root(root: Path) -> None:
    """Make the folder for uploads and results, and try that it can be written. Raises BadInput."""
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise BadInput(f"Uploads and results cannot be kept in {root} ({error.strerror}).") from error


def serve_until_stopped(
    listener: socket.socket,
    root: Path | None,
    supervised: bool,
    announce: Callable[[str], None],
    *,
    drain: float = 0.0,
    open_site: Callable[[Path], Site] | None = None,
) -> NoReturn:
    """Serve until SIGTERM, SIGINT or, with `supervised`, the end of standard input; then end the process.

    Args:
        listener: a bound socket.
        root: holds uploads and results and is kept; without one a temporary folder does, and goes at the end.
        supervised: whether the end of standard input is the end.
        announce: called with one line of JSON that has the address.
        drain: seconds that running jobs may take to finish after SIGTERM.
        open_site: finds another place for the work than this process, for a server with this folder.
    """
    temporary, folder = None, root
    sites: list[Site] = []
    if folder is None:
        temporary = WorkDir()
        folder = temporary.path

    def leave(*_: object) -> NoReturn:
        """At once: a model's step under way cannot be interrupted, and an orderly end would wait for it, or crash."""
        _close(sites)
        if temporary is not None:
            temporary.remove()
        os._exit(0)

    for number in STOPS:
        signal.signal(number, leave)
    if supervised:
        threading.Thread(target=_stop_with_parent, name="watch parent", daemon=True).start()
    try:
        if temporary is not None:
            temporary.make()
        if open_site is not None:
            sites.append(open_site(folder))
        _serve(listener, folder, leave, announce, drain=drain, site=sites[0] if sites else None)
    except BaseException:
        _close(sites)
        if temporary is not None:
            temporary.remove()
        raise
    leave()


def _close(sites: list[Site]) -> None:
    """Leave the place of work, which may not answer any more."""
    for site in sites:
        closing = threading.Thread(target=site.close, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)


def _serve(
    listener: socket.socket,
    folder: Path,
    leave: Callable[[], NoReturn],
    announce: Callable[[str], None],
    *,
    drain: float,
    site: Site | None = None,
) -> None:
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")  # Read as gradio is imported, and kept by it.
    import uvicorn

    from backends.serving.connections import uvicorn_options
    from backends.serving.gradio_app import build
    from backends.serving.host import Host
    from backends.serving.live_protocol import MESSAGE_BYTES

    address = listener.getsockname()[0]
    app = (
        build(site.host, folder, address=address, place=site.place) if site else build(Host(), folder, address=address)
    )

    class Server(uvicorn.Server):
        """Uvicorn, which would end the process by the same signal again and leave the folder behind."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            models = app.state.server
            if sig == signal.SIGTERM and drain and not models.draining.is_set():
                models.draining.set()
                threading.Thread(target=self._drain, name="drain", daemon=True).start()
            else:
                self._stop()

        def _drain(self) -> None:
            app.state.server.wait_idle(drain)
            self._stop()

        def _stop(self) -> None:
            app.state.server.stopping.set()
            self.should_exit = True
            # It tells of every stream that it cuts off after the time of grace, with a traceback for each.
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
            late = threading.Timer(GRACE_SECONDS + 1, leave)
            late.daemon = True
            late.start()

    # A message a little over what is allowed gets a sentence; one that is far over never gets into memory.
    most = 4 * MESSAGE_BYTES
    config = uvicorn.Config(
        app,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws_max_size=most,
        ws_max_queue=4,
        **uvicorn_options(),
    )
    server = Server(config)
    for number in STOPS:
        signal.signal(number, server.handle_exit)
    host, port = listener.getsockname()[:2]
    announce(json.dumps({"address": f"http://{f'[{host}]' if ':' in host else host}:{port}"}))
    server.run(sockets=[listener])


def _stop_with_parent() -> None:
    """Standard input ends when the parent dies, even by SIGKILL: then nobody is left to serve."""
    while os.read(0, 4096):  # Not through sys.stdin, whose lock this thread would hold when Python exits.
        pass
    signal.raise_signal(signal.SIGTERM)
