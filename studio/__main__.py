"""`python -m studio`: the whole studio on one address, with its backend; Ctrl-C ends both.

HOST and PORT choose the address, loopback and 8501 by default.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    host, port = os.environ.get("HOST") or "127.0.0.1", _port()
    if not _free(host, port):
        print(  # noqa: T201
            f"Port {port} on {host} is taken. Choose another: make app PORT={port + 1}", file=sys.stderr
        )
        return 2
    os.chdir(ROOT)
    import streamlit as st

    from studio import services
    from studio.web.routes import routes

    _settle_streamlit()
    app = st.App(ROOT / "app.py", lifespan=lambda _app: _running(host, port), routes=routes(services.library()))
    try:
        app.run(config={"server.address": host, "server.port": port})
    except KeyboardInterrupt:
        print("Stopped.", flush=True)  # noqa: T201
    return 0


def _settle_streamlit() -> None:
    """End two habits that Streamlit has when its own command did not start it."""
    from streamlit.runtime.pages_manager import PagesManager

    # Streamlit takes a folder called pages/ for its older kind of navigation until app.py has run once; whoever opens
    # the address of a page first would then see that page without its frame.
    PagesManager.uses_pages_directory = False
    # It also takes the address that it is given for an edit of its configuration file and asks for a restart.
    logging.getLogger("streamlit.config").addFilter(lambda record: "[server]" not in record.getMessage())


@asynccontextmanager
async def _running(host: str, port: int) -> AsyncIterator[None]:
    """From the first moment, when the backend begins to start, to the last, when it is stopped."""
    from studio import services

    services.backend()
    threading.Thread(target=_make_samples, name="samples", daemon=True).start()
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::1") else host
    print(f"\n  Fourfold is at http://{shown}:{port}\n  Press Ctrl-C to stop it.\n", flush=True)  # noqa: T201
    try:
        yield
    finally:
        services.stop()


def _make_samples() -> None:
    """Make the samples once the first page and the backend no longer need the processor."""
    from studio import make_samples, services

    services.backend().wait_ready(60)
    make_samples.make(quick=True)
    if not make_samples.all_made():
        # It ends with its standard input, which ends with this process.
        command = [sys.executable, "-m", "studio.make_samples"]
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True).wait()


def _port() -> int:
    text = os.environ.get("PORT") or "8501"
    if not text.isdigit() or not 0 < int(text) < 65536:
        sys.exit(f"PORT must be a number between 1 and 65535, not {text!r}.")
    return int(text)


def _free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
