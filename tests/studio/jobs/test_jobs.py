"""Jobs against a real backend: what a page sees, what the library keeps, and what survives cancels and crashes."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from backends.core.info import Info
from studio.jobs import question
from studio.jobs.backend import Backend, EmbeddedBackend
from studio.jobs.client import LOST
from studio.jobs.jobs import Jobs
from studio.jobs.view import JobView, pace_of
from studio.library.library import Library, LibraryError
from tests.support import ticking
from tests.support.waiting import wait_for


@pytest.fixture
def jobs(ticking_server: str, library: Library) -> Iterator[Jobs]:
    made = Jobs(library, Backend(ticking_server))
    yield made
    made.stop()


def start(jobs: Jobs, text: str = "hello", **options: float) -> str:
    return jobs.submit("ticking", "../../my song.txt", io.BytesIO(text.encode()), "ticker", options)


def ended(jobs: Jobs, job_id: str) -> JobView:
    return wait_for(lambda: (view := jobs.get(job_id)) and view.ended and view)


def text_of(library: Library, run_id: str, kind: str) -> list[str]:
    return [library.open(run_id, stored).read().decode() for stored in library.artifacts(run_id, kind)]


@pytest.mark.slow
def test_a_finished_job_is_a_run_with_its_files_numbers_and_notices(jobs: Jobs, library: Library) -> None:
    job_id = start(jobs, ticks=3)
    assert ended(jobs, job_id).state == "done"
    run = library.get(job_id)
    assert run is not None and run.status == "done" and run.title == "my song"
    assert run.inputs[0]["sha256"] == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert run.metrics == {"ticks": {"value": 3, "unit": ""}}
    assert list(run.notices) == ["Counting is over."]
    assert run.facts["device"] == "cpu" and run.card["title"] == "Ticker" and run.versions["torch"]
    assert text_of(library, job_id, "part") == ["hello 0", "hello 1", "hello 2"]
    assert text_of(library, job_id, "whole") == ["hellohello"]
    assert text_of(library, job_id, "input") == ["hello"]


@pytest.mark.slow
def test_progress_is_true_and_files_arrive_before_the_end(jobs: Jobs, library: Library) -> None:
    job_id = start(jobs, ticks=3000, delay=0.1)
    seen = wait_for(lambda: (view := jobs.get(job_id)) and view.state == "running" and view.done >= 5 and view)
    assert seen.fraction == seen.done / 3000 and seen.stage == "Counting" and seen.unit == "ticks"
    assert 5 <= library.count(job_id, "part") < 3000
    jobs.cancel(job_id)
    ended(jobs, job_id)


def test_cancel_keeps_what_was_finished_and_frees_the_device(jobs: Jobs, library: Library) -> None:
    job_id = start(jobs, ticks=3000, delay=0.1)
    wait_for(lambda: library.count(job_id, "part") >= 3)
    closed = len(ticking.CLOSED)
    jobs.cancel(job_id)
    assert ended(jobs, job_id).state == "cancelled"
    wait_for(lambda: len(ticking.CLOSED) > closed)
    run = library.get(job_id)
    assert run is not None and run.status == "cancelled" and library.count(job_id, "part") >= 3


@pytest.mark.slow
def test_a_second_job_waits_its_turn_and_outlives_the_cancel_of_the_first(jobs: Jobs) -> None:
    first = start(jobs, ticks=3000, delay=0.1)
    wait_for(lambda: (view := jobs.get(first)) and view.done >= 2)
    second = start(jobs, ticks=3)
    third = start(jobs, ticks=3)
    waiting = wait_for(lambda: [view for view in map(jobs.get, (second, third)) if view and view.rank])
    assert waiting[0].state == "waiting" and waiting[0].rank >= 1
    assert {view.id for view in jobs.running("ticking")} == {first, second, third}
    jobs.cancel(first)
    for later in (second, third):
        view = ended(jobs, later)
        assert view.state == "done", view.sentence


@pytest.mark.parametrize(("text", "code", "words"), [("bad", "bad_input", "choose a good one"), ("crash", "crash", "")])
def test_a_failure_is_a_sentence_and_the_upload_is_kept(jobs: Jobs, library: Library, text: str, code: str, words: str):
    view = ended(jobs, start(jobs, text))
    assert (view.state, view.code) == ("failed", code) and words in view.sentence
    run = library.get(view.id)
    assert run is not None and run.error == view.sentence and text_of(library, view.id, "input") == [text]


@pytest.mark.slow
def test_run_again_uses_the_kept_file_and_options(jobs: Jobs, library: Library) -> None:
    first = start(jobs, ticks=2)
    ended(jobs, first)
    second = jobs.again(first)
    assert second != first and ended(jobs, second).state == "done"
    assert text_of(library, second, "part") == ["hello 0", "hello 1"]


@pytest.mark.slow
def test_further_files_travel_with_the_job_and_are_kept_for_the_next_time(jobs: Jobs, library: Library) -> None:
    extra = {"more": io.BytesIO(b" and more")}
    first = jobs.submit(
        "ticking", "a.txt", io.BytesIO(b"hello"), "ticker", {"ticks": 1}, extra=extra, asked={"why": "x"}
    )
    ended(jobs, first)
    again = jobs.again(first)
    ended(jobs, again)
    for run_id in (first, again):
        run = library.get(run_id)
        assert text_of(library, run_id, "whole") == ["hellohello and more"]
        assert library.only(run_id, "input").read_text() == "hello" and run is not None
        assert [item["name"] for item in run.inputs] == ["a.txt", "more"] and run.facts["asked"] == {"why": "x"}


def test_an_address_where_nobody_answers(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.jobs.jobs.READY_SECONDS", 0.5)
    monkeypatch.setattr("studio.jobs.jobs.BEGIN_SECONDS", 0.5)
    jobs = Jobs(library, Backend("http://127.0.0.1:9"))
    view = ended(jobs, start(jobs))
    assert (view.state, view.code) == ("failed", "unreachable") and "127.0.0.1:9" in view.sentence


def test_derived_files_are_kept_beside_those_that_arrive(ticking_server: str, library: Library) -> None:
    def derive(path: Path, artifact) -> Iterator[tuple[str, bytes]]:
        if artifact["kind"] == "part":
            yield "shout", path.read_bytes().upper()

    jobs = Jobs(library, Backend(ticking_server), {"ticking": derive})
    job_id = start(jobs, ticks=2)
    ended(jobs, job_id)
    assert text_of(library, job_id, "shout") == ["HELLO 0", "HELLO 1"]


def test_the_estimate_follows_the_pace() -> None:
    view = JobView("id", "t", "T", "c", state="running", done=25, total=100)
    assert pace_of(view, in_stage=10) == pytest.approx(2.5)
    assert pace_of(view, in_stage=0.5) is None


@pytest.fixture
def embedded() -> Iterator[EmbeddedBackend]:
    backend = EmbeddedBackend([sys.executable, "-m", "tests.support.ticking"])
    backend.start()
    assert backend.wait_ready(120).ready
    yield backend
    backend.stop()


@pytest.mark.slow
def test_a_backend_that_dies_is_started_again_the_job_can_be_run_again_and_stopping_ends_it(
    embedded: EmbeddedBackend, library: Library
) -> None:
    jobs = Jobs(library, embedded)
    job_id = start(jobs, ticks=3000, delay=0.1)
    wait_for(lambda: library.count(job_id, "part") >= 2)
    assert embedded.pid is not None
    os.kill(embedded.pid, signal.SIGKILL)
    view = ended(jobs, job_id)
    assert (view.state, view.code) == ("failed", "backend_lost") and "run it again" in view.sentence
    assert embedded.wait_ready(120).ready and embedded.restarts == 1
    run = library.get(job_id)
    assert run is not None
    again = jobs.submit("ticking", "x", library.local(job_id, library.artifacts(job_id, "input")[0]), "ticker", {})
    assert ended(jobs, again).state == "done"
    pid = embedded.pid
    assert pid is not None
    embedded.stop()
    wait_for(lambda: not psutil.pid_exists(pid))
    assert embedded.restarts == 1, "a backend that was stopped is not started again"


@pytest.mark.slow
def test_a_backend_that_dies_before_its_files_arrived_is_lost_all_the_same(
    embedded: EmbeddedBackend, library: Library
) -> None:
    def die(path: Path, artifact) -> Iterator[tuple[str, bytes]]:
        """Let events pile up on the first file; with the second, the server dies while others are still to come."""
        if not library.count(job_id, "part"):
            time.sleep(0.5)
        elif not embedded.restarts and embedded.pid is not None:
            os.kill(embedded.pid, signal.SIGKILL)
        yield from ()

    jobs = Jobs(library, embedded, {"ticking": die})
    job_id = start(jobs, ticks=3000, delay=0.05)
    view = ended(jobs, job_id)
    assert (view.state, view.code, view.sentence) == ("failed", "backend_lost", LOST)
    assert library.count(job_id, "part") == 2


def test_a_resumed_download_is_estimated_by_its_own_pace() -> None:
    view = JobView("id", "fetch", "T", "c", state="running", done=60, total=100)
    assert pace_of(view, in_stage=10, before=50) == pytest.approx(1)


def test_a_studio_that_cannot_keep_files_frees_the_device_and_ends_the_job(
    ticking_server: str, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(library, Backend(ticking_server))
    keep = library.keep

    def full(run_id: str, kind: str, *args: object, **kwargs: object) -> object:
        if kind == "part":
            raise LibraryError("The disk is full.")
        return keep(run_id, kind, *args, **kwargs)

    monkeypatch.setattr(library, "keep", full)
    closed = len(ticking.CLOSED)
    view = ended(jobs, start(jobs, ticks=3000, delay=0.1))
    assert (view.state, view.sentence) == ("failed", "The disk is full.")
    wait_for(lambda: len(ticking.CLOSED) > closed)


def test_a_job_ends_even_where_its_end_cannot_be_written_down(
    ticking_server: str, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(library, Backend(ticking_server))

    def locked(*_: object, **__: object) -> None:
        raise LibraryError("The library is busy.")

    monkeypatch.setattr(library, "finish", locked)
    view = ended(jobs, start(jobs, ticks=1))
    assert view.state == "done" and view.sentence == "The library is busy."


@pytest.mark.slow
def test_jobs_leave_no_threads_behind(jobs: Jobs) -> None:
    ended(jobs, start(jobs, ticks=1))
    before = threading.active_count()
    for _ in range(4):
        ended(jobs, start(jobs, ticks=1))
    wait_for(lambda: threading.active_count() <= before + 2)


@pytest.mark.slow
def test_a_question_is_a_job_without_a_run_that_can_be_watched_and_cancelled(
    jobs: Jobs, library: Library, tmp_path: Path
) -> None:
    (tmp_path / "input.txt").write_text("why")
    answers: list[question.Answer] = []

    def ask(job_id: str, **options: float) -> None:
        def request(info: Info) -> tuple[str, list[object]]:
            return info.tasks["ticking"].endpoint, [tmp_path / "input.txt", "ticker", options]

        jobs.ask(job_id, "Why?", "ticker", lambda call, update: answers.append(question.receive(call(request), update)))

    ask("why-1", ticks=2)
    assert ended(jobs, "why-1").state == "done" and library.total() == 0
    assert answers[0].notices == ["Counting is over."]
    assert [(file.kind, file.suffix, file.content) for file in answers[0].files][-1] == ("whole", ".txt", b"whywhy")
    ask("why-2", ticks=3000, delay=0.1)
    wait_for(lambda: (view := jobs.get("why-2")) and view.done >= 2)
    jobs.cancel("why-2")
    assert ended(jobs, "why-2").state == "cancelled" and len(answers) == 1
