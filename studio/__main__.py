"""`python -m studio`: the whole studio on one address, with its backend; Ctrl-C ends both.

HOST and PORT choose the address, loopback and 8501 by default. Where others can reach it, it asks for a token:
FOURFOLD_TOKEN, or one that it makes and prints; with `--open` (or FOURFOLD_OPEN=1) everybody comes in.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from backends.core import access
from backends.core.errors import UserError
from backends.serving.workdir import WorkDir
from studio import startup

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] = ()) -> int:
    """Serve until stopped; what the user can put right is one sentence on standard error and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m studio", description="The whole studio on one address.")
    parser.add_argument("--open", action="store_true", help="no token, though others can reach the address")
    if parser.parse_args(arguments).open:
        os.environ[access.OPEN_SETTING] = "1"
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
    made_token = startup.admit(host)
    os.chdir(ROOT)
    import streamlit as st
    from starlette.middleware import Middleware

    from backends.serving.guard import Guard
    from studio import login, services, streamlit_patches
    from studio.findings.routes import routes as finding_routes
    from studio.jobs import quota
    from studio.library import retention
    from studio.web import urls
    from studio.web.routes import routes
    from studio.web.upload_limit import UploadLimit

    retention.keep_days()  # so that a mistake in the settings is said now
    quota.most_bytes()
    login.check()
    streamlit_patches.apply()
    app = st.App(
        ROOT / "app.py",
        lifespan=lambda _app: _running(startup.greeting(host, port, made_token), folder),
        routes=[
            *routes(services.library(), lambda: services.backend().state().ready),
            *finding_routes(urls.base_path()),
        ],
        middleware=[
            Middleware(Guard, address=host, origins=False, tokens=not login.is_asked()),
            Middleware(login.Visitors),
            Middleware(UploadLimit, bytes_in_memory=streamlit_patches.bytes_of_uploads),
        ],
    )
    app.run(config={"server.address": host, "server.port": port})
    return 0


@asynccontextmanager
async def _running(greeting: str, folder: WorkDir) -> AsyncIterator[None]:
    """From the first moment, when the backend begins to start, to the last, when it is stopped."""
    from studio import services, streamlit_patches

    services.backend()
    threading.Thread(target=_after_start, name="after-start", daemon=True).start()
    freeing = asyncio.create_task(streamlit_patches.free_closed_sessions())
    print(greeting, flush=True)  # noqa: T201
    try:
        yield
    finally:
        freeing.cancel()
        services.stop()
        folder.remove()  # Here too: a signal ends the process right after this.


def _after_start() -> None:
    """Once the first page and the backend no longer need the processor: spare the collector, and make the samples."""
    from studio import make_samples, services
    from studio.library import retention

    if (days := retention.keep_days()) is not None:
        arguments = services.library(), services.catalogue(), days
        threading.Thread(target=retention.clear_hourly, args=arguments, name="retention", daemon=True).start()
    services.backend().wait_ready(60)
    # Streamlit collects all garbage after every run of a page; what was imported by now is none and need not be seen.
    gc.collect()
    gc.freeze()
    make_samples.make(quick=True)
    if not make_samples.all_exist():
        # It ends with its standard input, which ends with this process.
        command = [sys.executable, "-m", "studio.make_samples"]
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True).wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
