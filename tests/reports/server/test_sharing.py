"""Many people on one model server: turns, places in the queue, and room on the disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from backends.serving import gradio_internals, uploads
from backends.serving.gradio_internals import Page, in_turn
from backends.serving.uploads import Uploads
from studio.library.library import Library
from studio.web.routes import routes
from tests.support.waiting import run_async


def test_clients_take_turns() -> None:
    assert in_turn(["a1", "a2", "a3", "b1", "a4", "b2"], lambda item: item[0]) == ["a1", "b1", "a2", "b2", "a3", "a4"]
    assert in_turn([], str) == []


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Page:
    with Page() as page:
        pass
    page.queue(max_size=8)
    waiting = SimpleNamespace(queue=[])
    page._queue.event_queue_per_concurrency_id = {"device": waiting}

    async def push(body: Any, request: Any, username: str | None) -> Any:
        waiting.queue.append(SimpleNamespace(request=request, data=None))
        return True, "event", "success"

    page._queue.push = push  # type: ignore[method-assign]
    monkeypatch.setattr(page._queue, "broadcast_estimations", lambda name: None)
    page.mount(Uploads(tmp_path))
    return page


def ask(page: Page, client: str) -> tuple[bool, str, str]:
    return run_async(page._queue.push(None, SimpleNamespace(client=SimpleNamespace(host=client)), None))


def waiting(page: Page) -> list[str]:
    return [event.request.client.host for event in page._queued()]


def test_another_client_does_not_wait_behind_all_jobs_of_the_first(page: Page) -> None:
    for client in "aaabab":
        ask(page, client)
    assert waiting(page) == ["a", "b", "a", "b", "a", "a"]


def test_one_client_cannot_fill_the_queue(page: Page) -> None:
    taken = [ask(page, "a") for _ in range(8)]
    assert sum(answer[0] for answer in taken) == 8 - gradio_internals.RESERVED
    assert "queue is full" in taken[-1][1].lower() and taken[-1][2] == "queue_full"
    assert ask(page, "b")[0]


@pytest.fixture
def send(tmp_path: Path) -> Callable[..., Path]:
    def send(held: Uploads, name: str, size: int, age: float) -> Path:
        path = tmp_path / name
        path.write_bytes(b"x" * size)
        os.utime(path, (path.stat().st_mtime - age,) * 2)
        held.update([str(path)])
        return path

    return send


def test_uploads_that_nobody_uses_fill_no_disk(
    tmp_path: Path, send: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "UNUSED_BYTES", 250)
    held = Uploads(tmp_path)
    oldest, waits, old = (send(held, name, 100, age) for name, age in (("a", 900), ("b", 800), ("c", 700)))
    held.waiting = lambda: [str(waits)]
    fresh = [send(held, name, 100, 0) for name in "def"]
    assert not oldest.exists() and not old.exists()
    assert waits.exists() and all(path.exists() for path in fresh)  # asked for, or on the way to be


@pytest.mark.parametrize(("models", "status"), [(True, 200), (False, 503)])
def test_a_studio_is_ready_once_its_models_are(library: Library, models: bool, status: int) -> None:
    with TestClient(Starlette(routes=routes(library, lambda: models))) as client:
        assert client.get("/readyz").status_code == status
        assert client.get("/healthz").status_code == 200
