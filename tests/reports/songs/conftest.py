"""The studio on the shared model server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.pages import fresh_services, studio_app
from tests.support.servers import ModelServer


@pytest.fixture
def app(model_server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.setenv("FOURFOLD_BACKEND", model_server.address)
    with fresh_services():
        yield studio_app()
