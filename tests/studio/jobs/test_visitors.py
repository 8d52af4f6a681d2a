"""Jobs of visitors who log in: nobody sees or ends another's, and none keeps more than they may."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest

from backends.core.errors import BadInput, TooLarge
from backends.core.info import Info
from studio import visitors
from studio.jobs import quota
from studio.jobs.backend import Backend, BackendState
from studio.jobs.background import BackgroundTasks, MemoryStore
from studio.jobs.jobs import Jobs
from studio.library.catalogue import Catalogue
from studio.library.library import Library
from studio.library.shelf import ShelfItem
from tests.support.waiting import wait_for

ADA, BOB = "https://id.example|ada", "https://id.example|bob"


class Asleep(Backend):
    """A backend that answers to no job for as long as the test lasts."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.awake = threading.Event()

    def info(self) -> Info:
        return Info(version="1")

    def wait_ready(self, seconds: float, wanted: object = None) -> BackendState:
        self.awake.wait(60)
        return BackendState("down", "The model server is away.", info=self.info())


@pytest.fixture
def jobs(library: Library) -> Iterator[Jobs]:
    backend = Asleep()
    made = Jobs(library, backend)
    yield made
    backend.awake.set()
    made.stop()


def submit(jobs: Jobs, visitor: str | None, size: int = 10) -> str:
    with visitors.acting(visitor):
        return jobs.submit("ticking", "song.wav", io.BytesIO(b"x" * size), "ticker", {})


def test_a_job_is_seen_and_ended_by_its_own_visitor_alone(jobs: Jobs, library: Library) -> None:
    job = submit(jobs, ADA)
    with visitors.acting(BOB):
        assert jobs.get(job) is None and jobs.running() == ()
        jobs.cancel(job)
    with visitors.acting(ADA):
        view = jobs.get(job)
        assert view is not None and not view.ended
        assert [one.id for one in jobs.running()] == [job]
        jobs.cancel(job)
    run = library.get(job)
    assert run is not None and run.status == "cancelled" and library.visitor_of(job) == ADA


def test_the_end_of_a_job_is_written_down_whoever_looks(jobs: Jobs, library: Library) -> None:
    job = submit(jobs, ADA)
    jobs.backend.awake.set()
    run = wait_for(lambda: (run := library.get(job)) and run.finished and run)
    assert run.status == "failed" and run.error == "The model server is away."


def test_all_see_how_far_weights_are(jobs: Jobs) -> None:
    with visitors.acting(ADA):
        job = jobs.fetch("htdemucs")
    with visitors.acting(BOB):
        view = jobs.get(job)
        assert view is not None and view.title == "htdemucs"


def test_a_job_that_would_be_too_much_is_refused_before_anything_is_kept(
    jobs: Jobs, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(quota.SETTING, "0.001")  # a megabyte
    first = submit(jobs, ADA, 600_000)
    with pytest.raises(TooLarge) as refused:
        submit(jobs, ADA, 600_000)
    assert refused.value.sentence == (
        "Your results take 0.6 MB of the 1.0 MB that each visitor may keep here, and this needs 0.6 MB more: delete "
        "some for good on the page Findings, where the trash counts too, then start again."
    )
    assert [run.id for run in library.list()] == [first]
    assert library.storage.runs() == {first}, "no folder is left behind"
    submit(jobs, BOB, 600_000)  # another one has room of their own
    jobs.cancel(first)
    library.delete(first)
    submit(jobs, ADA, 600_000)


def test_what_is_everybodys_counts_for_nobody(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalogue(library)
    catalogue.enter("separation", ShelfItem("a" * 32, "A study", 1.0, bytes=5000, visitor=visitors.SHARED), "study")
    catalogue.enter("fewshot", ShelfItem("b" * 32, "A project", 1.0, bytes=70, visitor=ADA), "project")
    with visitors.acting(ADA):
        assert quota.stored_bytes(library) == 70
    assert quota.stored_bytes(library) == 70


@pytest.mark.parametrize("text", ["much", "0", "-1", "inf", "nan"])
def test_a_limit_that_is_none_is_said_at_the_start(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(quota.SETTING, text)
    with pytest.raises(BadInput, match="a number of gigabytes"):
        quota.most_bytes()


def test_work_in_the_background_sees_what_its_visitor_sees() -> None:
    tasks: BackgroundTasks[str, str] = BackgroundTasks(MemoryStore(4))
    with visitors.acting(BOB):
        seen = wait_for(lambda: tasks.get("who", lambda: str(visitors.current())))
    assert seen == BOB
