"""A job holds the device for as long as it is wanted, and no longer, whatever happens to its connection."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import handle_file

from backends.serving.running_jobs import Events, RunningJob
from tests.support import http, ticking
from tests.support.waiting import wait_for


class Connection:
    """Whether somebody follows, as a test decides."""

    def __init__(self) -> None:
        self.there = True

    def __call__(self) -> bool:
        return self.there


def counting(device: threading.Lock, go_on: threading.Event, counted: list[int]) -> Callable[[RunningJob], Events]:
    """Events 0, 1, 2… while the device is held; each after the first waits for `go_on`."""

    def make(job: RunningJob) -> Events:
        with job.device(device) as mine:
            for number in range(10_000) if mine else ():
                counted.append(number)
                yield {"number": number}
                go_on.wait(0.01)

    return make


def is_free(device: threading.Lock) -> bool:
    taken = device.acquire(blocking=False)
    if taken:
        device.release()
    return taken


def test_a_job_that_is_cancelled_while_it_waits_never_takes_the_device() -> None:
    device, counted, connection = threading.Lock(), [], Connection()
    job = RunningJob(counting(device, threading.Event(), counted), connection)
    with device:
        job.start()
        connection.there = False
        wait_for(lambda: job.ended)
    assert is_free(device) and counted == []


@pytest.mark.parametrize("how", ["cancelled", "abandoned", "closed"])
def test_a_follower_that_is_never_closed_does_not_keep_the_device(how: str) -> None:
    """Gradio may keep a generator that it will never ask again; the job must not wait for that."""
    device, connection = threading.Lock(), Connection()
    job = RunningJob(counting(device, threading.Event(), []), connection)
    job.start()
    follower = job.follow()
    assert next(follower) == {"number": 0}
    if how == "cancelled":
        job.cancel()
    elif how == "abandoned":
        connection.there = False
    else:
        follower.close()
    wait_for(lambda: is_free(device) and job.ended)


def test_a_job_goes_on_for_a_while_without_its_connection_and_can_be_followed_again() -> None:
    device, go_on, connection = threading.Lock(), threading.Event(), Connection()

    def make(job: RunningJob) -> Events:
        with job.device(device):
            yield {"number": 0}
            go_on.wait(60)
            yield {"number": 1}

    job = RunningJob(make, connection, grace=60)
    job.start()
    follower = job.follow()
    assert next(follower) == {"number": 0}
    connection.there = False
    follower.close()
    go_on.set()
    wait_for(lambda: job.ended)
    assert job.since(1, 0) == ([{"number": 1}], True)


def test_a_job_whose_client_does_not_come_back_ends() -> None:
    device, connection, counted = threading.Lock(), Connection(), []
    job = RunningJob(counting(device, threading.Event(), counted), connection, grace=0.1)
    job.start()
    wait_for(lambda: job.since(0, 0)[0])
    connection.there = False
    wait_for(lambda: job.ended and is_free(device))
    events, over = job.since(0, 0)
    assert over and [event["number"] for event in events] == list(range(len(events)))
    assert len(events) <= len(counted) < 10_000  # cut short, and not a chunk more than was told


def test_what_a_job_raises_reaches_its_follower() -> None:
    def make(job: RunningJob) -> Events:
        yield {"number": 0}
        raise ValueError("broken")

    job = RunningJob(make, Connection())
    job.start()
    follower = job.follow()
    assert next(follower) == {"number": 0}
    with pytest.raises(ValueError, match="broken"):
        next(follower)


def join(address: str, job_id: str, session: str, **options: float) -> None:
    """Ask for a job as Gradio's client does, without listening."""
    upload = http.post(f"{address}/gradio_api/upload", files={"files": ("a.txt", b"hello")}).json()
    config = http.get(f"{address}/config").json()
    index = next(item["id"] for item in config["dependencies"] if item["api_name"] == "tick")
    data: list[Any] = [{"path": upload[0], "meta": {"_type": "gradio.FileData"}}, "", options, None]
    body = {"fn_index": index, "session_hash": session, "data": data}
    headers = {"X-Fourfold-Job": job_id}
    assert http.post(f"{address}/gradio_api/queue/join", json=body, headers=headers).is_success


@pytest.mark.slow
def test_a_cut_connection_costs_no_job(ticking_server: str) -> None:
    job_id = secrets.token_urlsafe(24)
    join(ticking_server, job_id, "cut", ticks=40, delay=0.02)
    with httpx.stream("GET", f"{ticking_server}/gradio_api/queue/data?session_hash=cut", timeout=60) as stream:
        next(stream.iter_lines())

    def events() -> Any:
        answer = http.get(f"{ticking_server}/jobs/{job_id}/events?wait=1")
        return answer.json() if answer.is_success and answer.json()["ended"] else None

    whole = wait_for(events)["events"]
    assert whole[0]["job"] == job_id and whole[-1]["type"] == "result"
    assert [event["done"] for event in whole if event["type"] == "progress" and event["total"] == 40][-1] == 40
    rest = http.get(f"{ticking_server}/jobs/{job_id}/events?after={len(whole) - 1}").json()
    assert rest == {"events": whole[-1:], "ended": True}


def test_deleting_a_job_that_runs_ends_it(ticking_server: str) -> None:
    job_id, closed = secrets.token_urlsafe(24), len(ticking.CLOSED)
    join(ticking_server, job_id, "deleted", ticks=3000, delay=0.05)
    wait_for(lambda: http.get(f"{ticking_server}/jobs/{job_id}/events?wait=1").is_success)
    http.delete(f"{ticking_server}/jobs/{job_id}")
    wait_for(lambda: len(ticking.CLOSED) > closed)
    assert http.get(f"{ticking_server}/jobs/{job_id}/events").status_code == 404


def test_a_job_nobody_could_guess_is_the_only_one_that_is_told_of(ticking_server: str) -> None:
    assert http.get(f"{ticking_server}/jobs/{secrets.token_urlsafe(24)}/events").status_code == 404


@pytest.mark.slow
def test_the_next_job_starts_after_one_was_cancelled_while_it_waited_for_the_device(
    ticking_server: str, tmp_path: Path
) -> None:
    """The job that is cancelled has no event yet: another works on the device, without its connection."""
    (tmp_path / "a.txt").write_text("hello")
    job_id = secrets.token_urlsafe(24)
    join(ticking_server, job_id, "first", ticks=3000, delay=0.05)
    wait_for(lambda: http.get(f"{ticking_server}/jobs/{job_id}/events?wait=1").is_success)
    with httpx.stream("GET", f"{ticking_server}/gradio_api/queue/data?session_hash=first", timeout=60) as stream:
        next(stream.iter_lines())

    def submit(**options: float) -> Any:
        client = http.client(ticking_server)
        return client.submit(handle_file(tmp_path / "a.txt"), "", options, api_name="/tick")

    waiting = submit(ticks=1)
    wait_for(lambda: waiting.status().code.name == "PROCESSING")
    waiting.cancel()
    http.delete(f"{ticking_server}/jobs/{job_id}")
    last = submit(ticks=1)
    last.result(timeout=60)
    assert last.outputs()[-1]["type"] == "result"


def test_a_server_that_is_told_to_stop_can_finish_its_job_first(tmp_path: Path) -> None:
    from backends.serving.host import Host
    from backends.serving.server import STOPPED, Server
    from backends.weights.store import WeightStore

    server, go_on = Server(Host(WeightStore(tmp_path / "weights"), "cpu"), tmp_path), threading.Event()

    def make(job: RunningJob) -> Events:
        go_on.wait(60)
        yield {"number": 0}

    job = RunningJob(make, Connection())
    server.running.add(["a"], job)
    job.start()
    server.draining.set()
    assert not server.wait_idle(0)
    go_on.set()
    assert server.wait_idle(60) and job.since(0, 0) == ([{"number": 0}], True)
    late = server.work(ticking.TASK, {"file": tmp_path / "a.txt"}, "", {})
    assert next(late) == {"type": "error", "code": "engine_failed", "sentence": STOPPED}
