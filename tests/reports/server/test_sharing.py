"""Many people on one model server: turns, places in the queue, and room on the disk."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio_client
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from backends.core import access
from backends.core.errors import BadInput
from backends.core.event_json import VISITOR_HEADER
from backends.serving import gradio_internals, uploads
from backends.serving.gradio_internals import Page, in_turn
from backends.serving.uploads import Uploads
from studio.jobs.backend import Backend
from studio.jobs.jobs import Jobs
from studio.library.library import Library
from studio.web.routes import routes
from tests.support.waiting import run_async, wait_for


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


def ask(page: Page, client: str, visitor: str = "") -> tuple[bool, str, str]:
    headers = {VISITOR_HEADER: visitor} if visitor else {}
    return run_async(
        page._queue.push(None, SimpleNamespace(client=SimpleNamespace(host=client), headers=headers), None)
    )


def waiting(page: Page) -> list[str]:
    return [event.request.headers.get(VISITOR_HEADER) or event.request.client.host for event in page._queued()]


def test_another_client_does_not_wait_behind_all_jobs_of_the_first(page: Page) -> None:
    for client in "aaabab":
        ask(page, client)
    assert waiting(page) == ["a", "b", "a", "b", "a", "a"]


def test_one_client_cannot_fill_the_queue(page: Page) -> None:
    taken = [ask(page, "a") for _ in range(8)]
    assert sum(answer[0] for answer in taken) == 8 - gradio_internals.RESERVED
    assert "queue is full" in taken[-1][1].lower() and taken[-1][2] == "queue_full"
    assert ask(page, "b")[0]


def test_an_operator_can_give_each_visitor_fewer_places(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(gradio_internals.WAITING_SETTING, "2")
    page = request.getfixturevalue("page")
    assert [ask(page, "127.0.0.1", visitor)[0] for visitor in "aaabab"] == [True, True, False, True, False, True]
    monkeypatch.setenv(gradio_internals.WAITING_SETTING, "many")
    with pytest.raises(BadInput, match="number of jobs"):
        gradio_internals.max_waiting()


def test_visitors_of_one_studio_take_turns(page: Page) -> None:
    for visitor in "aanab":
        ask(page, "127.0.0.1", visitor)
    assert waiting(page) == ["a", "n", "b", "a", "a"]


def test_a_stranger_takes_no_turns_under_many_names(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    for visitor in "abcd":
        ask(page, "192.168.1.9", visitor)
    ask(page, "192.168.1.7")
    assert waiting(page) == ["a", "192.168.1.7", "b", "c", "d"]
    monkeypatch.setenv(access.SETTING, "a word")  # which all know who come this far
    ask(page, "192.168.1.9", "d")
    assert waiting(page) == ["a", "192.168.1.7", "b", "c", "d", "d"]


@pytest.mark.slow
def test_a_studio_says_which_of_its_visitors_asks(
    library: Library, ticking_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, str]] = []

    class Client(gradio_client.Client):
        def __init__(self, *arguments: Any, headers: dict[str, str], **named: Any) -> None:
            sent.append(headers)
            super().__init__(*arguments, headers=headers, **named)

    monkeypatch.setattr(gradio_client, "Client", Client)
    jobs = Jobs(library, Backend(ticking_server), visitor=iter(["a", "b", "a"]).__next__)
    for _ in range(3):
        run_id = jobs.submit("ticking", "a.txt", io.BytesIO(b"x"), "ticker", {"ticks": 1})
        wait_for(lambda run_id=run_id: (view := jobs.get(run_id)) is not None and view.ended)
    first, second, third = (headers[VISITOR_HEADER] for headers in sent)
    assert first == third != second and first != "a"  # a visitor's token itself goes nowhere


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


def test_a_file_that_is_sent_again_as_its_first_job_ends_is_kept(tmp_path: Path) -> None:
    """Gradio puts the same content at the same place, and says so a moment later."""
    held, file = Uploads(tmp_path), tmp_path / "hash" / "song.wav"
    file.parent.mkdir()
    file.write_bytes(b"song")
    held.update([str(file)])
    with held.used({"song": file}):
        later = file.stat().st_mtime + 5
        os.utime(file, (later, later))  # the next upload is in place
    held.update([str(file)])
    assert held.holds(file)
    os.utime(file, (later - 100, later - 100))
    with held.used({"song": file}):
        pass
    assert not held.holds(file)
