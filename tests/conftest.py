"""Fixtures that several folders share: a real backend in this process, a studio of its own for each test."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.clips import Small, small_clip

# Two tests run side by side: with threads of their own inside, both wait for each other more than they work. Set before
# any test imports a library that reads it, and so that the servers that tests start have it too.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


PATIENCE = 60.0
"""Seconds to wait for what has to happen: how soon says how busy the machine is and nothing of the code. Waiting costs
time only where it is in vain."""


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own data and weights folders and no network; none reads those of the person who runs it."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("FOURFOLD_HOME", str(folder))
    monkeypatch.setenv("FOURFOLD_WEIGHTS", str(folder / "weights"))
    monkeypatch.setenv("FOURFOLD_DEVICE", "cpu")
    for name in ("FOURFOLD_BACKEND", "FOURFOLD_DATABASE_URL", "FOURFOLD_STORAGE", "FOURFOLD_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture(scope="module")
def ticking_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real backend in a thread of this process that serves the counting task, and no other.

    One a module: while it lives, this process knows no other task.
    """
    from backends.core import task

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task, "PACKAGES", ("tests.ticking",))
        yield from serving(tmp_path_factory.mktemp("ticking"))


@pytest.fixture(scope="session")
def songs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real backend, a process of its own as the studio starts it, with the real tasks."""
    from studio.jobs.backend import EmbeddedBackend

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOURFOLD_WEIGHTS", str(tmp_path_factory.mktemp("weights")))
        patch.setenv("FOURFOLD_DEVICE", "cpu")
        backend = EmbeddedBackend()
        backend.start()
        state = backend.wait_ready(90)
    assert state.ready, state.sentence
    yield state.address
    backend.stop()


def serving(root: Path) -> Iterator[str]:
    """Serve the tasks of `backends.core.task` on a free port until the generator is closed."""
    import uvicorn

    from backends.serving.gradio_app import build
    from backends.serving.host import Host
    from backends.weights.store import WeightStore

    app = build(Host(WeightStore(root / "weights"), "cpu"), root)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    wait_for(lambda: answers(f"{address}/readyz"), 60)
    yield address
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def short_song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of the sample song with its voice, as a WAV file; true stems lie beside it."""
    from evaluation.synthetic.song import make_song, write_sample

    return write_sample(tmp_path_factory.mktemp("song"), make_song(8.0), ".wav")["mix"]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Five seconds of the sample clip in 20 small frames."""
    return small_clip(tmp_path_factory.mktemp("clip"))


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False


def wait_for(condition, seconds: float = PATIENCE, every: float = 0.02):
    """Poll until `condition` is true and return what it gave; fail after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(every)
    pytest.fail(f"still not so after {seconds} s: {condition}")
