"""A library of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.library.library import Library


@pytest.fixture
def absent_home(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that does not exist before something is kept."""
    monkeypatch.setenv("FOURFOLD_HOME", str(own_home / "home"))
    return own_home / "home"


@pytest.fixture
def library(absent_home: Path) -> Library:
    """An empty library."""
    return Library()
