"""Jobs where the network, the disk or the model server fails for a while."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from backends.core.event_json import parse_event
from studio.jobs import endings, receiver
from studio.jobs.backend import Backend, EmbeddedBackend
from studio.jobs.client import RemoteCall
from studio.jobs.endings import Endings
from studio.jobs.jobs import Jobs
from studio.jobs.receiver import RunRecorder
from studio.library.library import Library, LibraryError
from tests.support.library import begin
from tests.support.waiting import wait_for

CONTENT = bytes(range(256)) * 40


class Cut(httpx.SyncByteStream):
    """A body whose connection breaks after `length` bytes."""

    def __init__(self, content: bytes, length: int) -> None:
        self.content, self.length = content, length

    def __iter__(self) -> Iterator[bytes]:
        yield self.content[: self.length]
        if self.length < len(self.content):
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def serve(broken: list[int], *, parts: bool, asked: list[str]) -> httpx.Client:
    """A client of a server that breaks off its answers after the lengths in `broken`, then gives them whole."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            return httpx.Response(200)
        wanted = request.headers.get("range", "")
        asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and parts else 0
        if start >= len(CONTENT):
            return httpx.Response(416)
        rest = CONTENT[start:]
        return httpx.Response(206 if start else 200, stream=Cut(rest, broken.pop(0) if broken else len(rest)))

    return httpx.Client(base_url="http://models", transport=httpx.MockTransport(answer))


def record_file(library: Library, files: httpx.Client, *, alive: bool = True) -> bytes:
    run = begin(library)
    stopped = threading.Event()
    recorder = RunRecorder(
        library, run.id, "http://models", lambda **_: None, stopped, derive=None, alive=lambda: alive
    )
    recorder._files = files
    artifact = {"kind": "stem", "name": "vocals", "url": "/jobs/a/vocals.wav", "bytes": len(CONTENT), "meta": {}}
    try:
        recorder.record(parse_event({"type": "partial", "artifact": artifact}))
    finally:
        recorder.close()
    return library.only(run.id, "stem").read_bytes()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "RETRY_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(endings, "PAUSES", (0.01,))


@pytest.mark.parametrize("parts", [True, False])
@pytest.mark.parametrize("broken", [[100], [100, 300, 0], [len(CONTENT) - 1]])
def test_a_finished_file_arrives_though_its_connection_breaks(library: Library, broken: list[int], parts: bool) -> None:
    asked: list[str] = []
    assert record_file(library, serve(list(broken), parts=parts, asked=asked)) == CONTENT
    assert len(asked) == len(broken) + 1 and asked[:2] == ["", f"bytes={broken[0]}-"]


def test_a_server_that_is_gone_is_not_asked_again(library: Library) -> None:
    asked: list[str] = []
    with pytest.raises(httpx.TransportError):
        record_file(library, serve([100] * 9, parts=True, asked=asked), alive=False)
    assert len(asked) == 1


def test_a_file_that_is_refused_is_not_asked_for_again(library: Library) -> None:
    asked: list[int] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(1)
        return httpx.Response(404)

    with pytest.raises(httpx.HTTPStatusError):
        record_file(library, httpx.Client(base_url="http://models", transport=httpx.MockTransport(refuse)))
    assert len(asked) <= 2  # the file once, and the deletion of the job's folder


def submit(jobs: Jobs, **options: float) -> str:
    return jobs.submit("ticking", "a.txt", io.BytesIO(b"hello"), "ticker", options)


def test_cancel_answers_at_once_while_a_step_is_under_way(ticking_server: str, library: Library) -> None:
    jobs = Jobs(library, Backend(ticking_server))
    job_id = submit(jobs, ticks=100, delay=1.5)
    wait_for(lambda: (view := jobs.get(job_id)) and view.state == "running")
    jobs.cancel(job_id)
    view, run = jobs.get(job_id), library.get(job_id)
    assert view is not None and run is not None
    assert (view.state, run.status) == ("cancelled", "cancelled")
    wait_for(lambda: not [thread for thread in threading.enumerate() if thread.name == f"job {job_id}"])
    assert jobs.get(job_id).state == "cancelled" and library.get(job_id).status == "cancelled"


def test_a_studio_that_closes_interrupts_its_runs(ticking_server: str, library: Library) -> None:
    jobs = Jobs(library, Backend(ticking_server))
    job_id = submit(jobs, ticks=100, delay=0.5)
    wait_for(lambda: (view := jobs.get(job_id)) and view.state == "running")
    jobs.stop()
    run = library.get(job_id)
    assert run is not None and run.status == "interrupted" and "closed or stopped" in run.error


def test_a_full_disk_leaves_no_run_behind_that_never_ends(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise LibraryError("The disk is full.")

    monkeypatch.setattr(library, "keep", full)
    monkeypatch.setattr("studio.jobs.jobs.BEGIN_SECONDS", 0.0)
    with pytest.raises(LibraryError, match="The disk is full"):
        submit(Jobs(library, Backend("http://127.0.0.1:9")))
    (run,) = library.list()
    assert (run.status, run.error) == ("failed", "The disk is full.")
    library.delete(run.id)
    assert library.list() == ()


def test_an_end_that_cannot_be_written_down_is_tried_again(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    run, finish, failures = begin(library), library.finish, ["away", "away", "away"]

    def away(*arguments: Any) -> Any:
        if failures:
            raise LibraryError(f"The library's database is {failures.pop()}.")
        return finish(*arguments)

    monkeypatch.setattr(library, "finish", away)
    assert Endings(library).write(run.id, "done", 1.0, "") == "The library's database is away."
    wait_for(lambda: library.get(run.id).status == "done")


def test_an_end_of_a_run_that_was_deleted_is_dropped(library: Library) -> None:
    assert Endings(library).write("no-such-run-0000", "done", 1.0, "") == ""


def test_a_model_server_that_answers_again_has_not_failed() -> None:
    backend = EmbeddedBackend(["true"])
    backend._failed, backend._address = "The model server keeps stopping; see its log.", "http://models"
    down = httpx.MockTransport(lambda request: httpx.Response(503))
    backend.__dict__["_http"] = httpx.Client(transport=down)
    assert backend._ask().state == "failed"
    up = httpx.MockTransport(lambda request: httpx.Response(200, json={"boot": "2"}))
    backend.__dict__["_http"] = httpx.Client(transport=up)
    assert backend._ask().state == "ready"
    backend.__dict__["_http"] = httpx.Client(transport=down)
    assert backend._ask().state == "starting"  # a new fault is counted anew


@pytest.mark.parametrize(("rank", "before"), [(0, 1), (3, 4), (None, None)])
def test_the_running_job_is_counted_among_those_before(rank: int | None, before: int | None) -> None:
    call = RemoteCall.__new__(RemoteCall)
    status = SimpleNamespace(code=SimpleNamespace(name="IN_QUEUE"), rank=rank, queue_size=5)
    call._job = SimpleNamespace(status=lambda: status)  # type: ignore[assignment]
    assert call.queue() == (before, 5)
