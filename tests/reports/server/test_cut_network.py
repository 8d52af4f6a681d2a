"""A network that breaks for a moment costs no job: not one that runs, nor one that waits."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from backends.serving import server
from studio.jobs import client, receiver
from studio.jobs.backend import Backend
from studio.jobs.jobs import Jobs
from studio.jobs.view import JobView
from studio.library.library import Library
from tests.support import ticking
from tests.support.proxy import Network, network_to
from tests.support.waiting import wait_for


@pytest.fixture
def network(ticking_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    monkeypatch.setattr(client, "SILENCE_SECONDS", 0.5)
    monkeypatch.setattr(client, "PROBE_SECONDS", 0.1)
    monkeypatch.setattr(receiver, "RETRY_PAUSES", (0.1,) * 20)
    with network_to(ticking_server) as network:
        yield network


def submit(jobs: Jobs, text: bytes = b"hello", **options: float) -> str:
    return jobs.submit("ticking", "a.txt", io.BytesIO(text), "ticker", options)


def ended(jobs: Jobs, job_id: str) -> JobView:
    return wait_for(lambda: (view := jobs.get(job_id)) and view.ended and view)


@pytest.mark.slow
def test_a_job_that_runs_is_finished_after_a_cut(network: Network, library: Library) -> None:
    jobs = Jobs(library, Backend(network.address))
    job_id = submit(jobs, b"worked on once", ticks=60, delay=0.05)
    wait_for(lambda: library.count(job_id, "part") >= 2)
    network.cut()
    view = ended(jobs, job_id)
    assert (view.state, view.sentence) == ("done", "")
    assert library.count(job_id, "part") == 60 and ticking.TICKS.count("worked on once") == 60


@pytest.mark.slow
def test_a_job_whose_network_is_away_for_a_while_is_finished(network: Network, library: Library) -> None:
    jobs = Jobs(library, Backend(network.address))
    job_id = submit(jobs, ticks=60, delay=0.02)
    wait_for(lambda: library.count(job_id, "part") >= 2)
    ticked = len(ticking.TICKS)
    network.away = True
    network.cut()
    wait_for(lambda: len(ticking.TICKS) > ticked + 5)
    network.away = False
    assert ended(jobs, job_id).state == "done" and library.count(job_id, "part") == 60


@pytest.mark.slow
def test_a_waiting_job_is_asked_for_again_after_a_cut(network: Network, ticking_server: str, library: Library) -> None:
    first = Jobs(library, Backend(ticking_server))
    running = submit(first, ticks=3000, delay=0.05)
    wait_for(lambda: (view := first.get(running)) and view.state == "running")
    jobs = Jobs(library, Backend(network.address))
    waiting = submit(jobs, ticks=2)
    wait_for(lambda: (view := jobs.get(waiting)) and view.rank)
    network.cut()
    wait_for(lambda: jobs.get(waiting).rank is None)
    first.cancel(running)
    view = ended(jobs, waiting)
    assert (view.state, view.sentence) == ("done", "") and library.count(waiting, "part") == 2


def test_a_cancel_after_a_cut_frees_the_device(network: Network, library: Library) -> None:
    jobs = Jobs(library, Backend(network.address))
    job_id, closed = submit(jobs, ticks=3000, delay=0.05), len(ticking.CLOSED)
    wait_for(lambda: library.count(job_id, "part") >= 2)
    network.cut()
    jobs.cancel(job_id)
    wait_for(lambda: len(ticking.CLOSED) > closed)
    assert ended(jobs, job_id).state == "cancelled" and library.get(job_id).status == "cancelled"
    assert 2 <= library.count(job_id, "part") < 3000  # what was finished is kept


@pytest.mark.slow
def test_a_server_that_stays_away_is_lost(network: Network, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MISSED_PROBES", 3)
    monkeypatch.setattr(server, "GRACE_SECONDS", 0.5)
    jobs = Jobs(library, Backend(network.address))
    job_id, closed = submit(jobs, ticks=3000, delay=0.05), len(ticking.CLOSED)
    wait_for(lambda: library.count(job_id, "part") >= 2)
    network.away = True
    network.cut()
    view = ended(jobs, job_id)
    assert (view.state, view.code, view.sentence) == ("failed", "backend_lost", client.LOST)
    wait_for(lambda: len(ticking.CLOSED) > closed)  # and the server has let go of it
