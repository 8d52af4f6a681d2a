"""A PostgreSQL of the tests' own, where its programs are on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.waiting import wait_for


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, which Debian keeps apart from other programs."""
    found = [Path(where).parent for where in (shutil.which("initdb"),) if where]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


@contextmanager
def postgres() -> Iterator[str]:
    """Start a server with an empty data folder; the URL of its database. Skips the test where it cannot be started."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    # It refuses to run as root; its packages bring a user of its own.
    user = "postgres" if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="fourfold-pg-") as root, socket.create_server(("127.0.0.1", 0)) as probe:
        port, data = probe.getsockname()[1], Path(root) / "data"
        probe.close()
        if user:
            shutil.chown(root, user)
        made = [folder / "initdb", "--auth=trust", "--no-sync", "--username=fourfold", "--encoding=UTF8", "-D", data]
        subprocess.run(made, user=user, cwd=root, check=True, capture_output=True)
        command = [folder / "postgres", "-D", data, "-p", str(port), "-k", root, "-c", "fsync=off"]
        with subprocess.Popen([*command, "-h", "127.0.0.1"], user=user, cwd=root, stderr=subprocess.DEVNULL) as process:
            try:
                url = f"postgresql+psycopg://fourfold@127.0.0.1:{port}/postgres"
                wait_for(lambda: _answers(url))
                yield url
            finally:
                process.send_signal(signal.SIGINT)  # with SIGTERM it would wait for open connections


def _answers(url: str) -> bool:
    import psycopg

    try:
        with psycopg.connect(url.replace("+psycopg", "")):
            return True
    except psycopg.OperationalError:
        return False
