"""A file server on loopback that can be told to misbehave, and that writes down what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from backends.core.model_card import ModelCard, WeightFile
from backends.weights.download import Patience
from tests.support.downloads import Hub, Shelf, card_with, fetching_program, handler_for


@pytest.fixture
def slow() -> Mapping[str, Any]:
    """An answer that takes 1.5 s for a file of 300 kB."""
    return {"drip": (10_000, 0.05)}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for name in ("FOURFOLD_WEIGHTS", "FOURFOLD_OFFLINE", "HF_HUB_OFFLINE", "HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(hub))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield hub
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def patience() -> Patience:
    """As in earnest, but in a hurry."""
    return Patience(connect=2.0, read=2.0, tries=4, pause=0.01)


@pytest.fixture
def store(tmp_path: Path, patience: Patience) -> Shelf:
    return Shelf(tmp_path / "weights", patience=patience)


@pytest.fixture
def card_of() -> Callable[..., ModelCard]:
    return card_with


@pytest.fixture
def program() -> Callable[[WeightFile, Path], str]:
    """Python source that fetches a file into a folder, printing the count, or the sentence and exit code 3."""
    return fetching_program
