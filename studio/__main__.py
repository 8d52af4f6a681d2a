"""`python -m studio`: the whole studio on one address, with its backend; Ctrl-C ends both.

HOST and PORT choose the address, loopback and 8501 by default.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from backends.core.errors import UserError
from backends.serving.workdir import WorkDir
from studio import startup

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Serve until stopped; what the user can put right is one sentence on standard error and exit code 2."""
    try:
        host, port = startup.address()
        folder = startup.own_temporary_folder()
    except UserError as error:
        return _refuse(error)
    try:
        return _serve(host, port, folder)
    except UserError as error:
        return _refuse(error)
    except KeyboardInterrupt:
        print("Stopped.", flush=True)  # noqa: T201
        return 0
    finally:
        folder.remove()


def _refuse(error: UserError) -> int:
    print(error.sentence, file=sys.stderr)  # noqa: T201
    return 2


def _serve(host: str, port: int, folder: WorkDir) -> int:
    os.chdir(ROOT)
    import streamlit as st
    from starlette.middleware import Middleware

    from backends.serving.guard import Guard
    from studio import services, streamlit_patches
    from studio.web.routes import routes

    streamlit_patches.apply()
    app = st.App(
        ROOT / "app.py",
        lifespan=lambda _app: _running(host, port, folder),
        routes=routes(services.library(), lambda: services.backend().state().ready),
        middleware=[Middleware(Guard, address=host, origins=False)],
    )
    app.run(config={"server.address": host, "server.port": port})
    return 0


@asynccontextmanager
async def _running(host: str, port: int, folder: WorkDir) -> AsyncIterator[None]:
    """From the first moment, when the backend begins to start, to the last, when it is stopped."""
    from studio import services, streamlit_patches

    services.backend()
    threading.Thread(target=_make_samples, name="samples", daemon=True).start()
    freeing = asyncio.create_task(streamlit_patches.free_closed_sessions())
    print(startup.greeting(host, port), flush=True)  # noqa: T201
    try:
        yield
    finally:
        freeing.cancel()
        services.stop()
        folder.remove()  # Here too: a signal ends the process right after this.


def _make_samples() -> None:
    """Make the samples once the first page and the backend no longer need the processor."""
    from studio import make_samples, services

    services.backend().wait_ready(60)
    make_samples.make(quick=True)
    if not make_samples.all_exist():
        # It ends with its standard input, which ends with this process.
        command = [sys.executable, "-m", "studio.make_samples"]
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True).wait()


if __name__ == "__main__":
    sys.exit(main())
