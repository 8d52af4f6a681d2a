"""Fixtures that several folders share: a real backend in this process, a studio of its own for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clips import Small, small_clip
from tests.support.servers import ModelServer, serving
from tests.support.waiting import PATIENCE

# Two tests run side by side: with threads of their own inside, both wait for each other more than they work. Set before
# any test imports a library that reads it, and so that the servers that tests start have it too.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Files as parameters go by their argument's name: what is in them may hold the time at which they were packed,
    and two workers that name a test differently cannot share the tests."""
    return argname if isinstance(val, bytes) else None


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
        patch.setattr(task, "PACKAGES", ("tests.support.ticking",))
        yield from serving(tmp_path_factory.mktemp("ticking"))


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """A real backend, a process of its own as the studio starts it, with the real tasks; one for all tests."""
    from studio.jobs.backend import EmbeddedBackend

    weights = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOURFOLD_HOME", str(tmp_path_factory.mktemp("server")))
        patch.setenv("FOURFOLD_WEIGHTS", str(weights))
        patch.setenv("FOURFOLD_DEVICE", "cpu")
        backend = EmbeddedBackend()
        backend.start()
        state = backend.wait_ready(1.5 * PATIENCE)
    assert state.ready, state.sentence
    yield ModelServer(state.address, weights)
    backend.stop()


@pytest.fixture
def server_address(model_server: ModelServer) -> str:
    return model_server.address


@pytest.fixture(scope="session")
def short_song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of the sample song with its voice, as a WAV file; true stems lie beside it."""
    from evaluation.synthetic.song import make_song, write_sample

    return write_sample(tmp_path_factory.mktemp("song"), make_song(8.0), ".wav")["mix"]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Five seconds of the sample clip in 20 small frames."""
    return small_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def esmfold_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a complete ESMFold of two small blocks: `config.json` and `model.safetensors`."""
    from tests.support.folding import save_esmfold

    return save_esmfold(tmp_path_factory.mktemp("weights") / "tiny-esmfold")
