"""A studio's services without a model server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.pages import fresh_services


@pytest.fixture(autouse=True)
def studio_services(own_home: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Services of the test's own home."""
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    with fresh_services(wait=False):
        yield
