"""The data folder of somebody who used version 0.1.0, and the studio on it."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.library.library import Library
from tests.support.earlier import EARLIER
from tests.support.pages import fresh_services


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("earlier")
    with zipfile.ZipFile(EARLIER / "home.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def home(own_home: Path, unpacked: Path) -> Path:
    """The data folder of somebody who used version 0.1.0, as this user's own."""
    shutil.copytree(unpacked, own_home, dirs_exist_ok=True)
    return own_home


@pytest.fixture
def library(home: Path) -> Library:
    return Library()


@pytest.fixture
def pages(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The studio on those records, without any model server."""
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    with fresh_services(wait=False):
        yield


@pytest.fixture
def server(home: Path, server_address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The studio on those records, with a model server of today."""
    monkeypatch.setenv("FOURFOLD_BACKEND", server_address)
    with fresh_services():
        yield server_address
