"""A backend on a real Ray with two workers, as clients meet it: the same events, and nothing lost with a worker."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.cluster.pool import AGAIN, LOST_TWICE
from tests.support import http
from tests.support.clusters import Cluster, cluster
from tests.support.waiting import wait_for

KILLS = 4
"""Workers killed while jobs run, in the quick test; the one at night kills 30."""


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "input.txt"
    path.write_text("hello")
    return path


@pytest.fixture(autouse=True)
def both_free(backend: Cluster) -> Iterator[None]:
    yield
    wait_for(lambda: backend.counts()["idle"] == 2)


def test_a_ray_that_does_not_start_is_tried_again_and_then_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from backends.cluster import start
    from backends.cluster.options import ClusterOptions
    from backends.core.errors import EngineFailed

    def fail(options: ClusterOptions, folder: start.WorkDir) -> None:
        folders.append(folder.path)
        raise Exception("The current node timed out during startup.")

    folders: list[Path] = []
    monkeypatch.setattr(start, "_start_here", fail)
    monkeypatch.setattr(start.ray, "shutdown", lambda: None)
    with pytest.raises(EngineFailed, match="Ray did not start"):
        start.connect(ClusterOptions(workers=(1, 1)))
    assert len(folders) == start.STARTS and not folders[0].exists()


def result_of(job) -> dict[str, object]:
    job.exception(timeout=120)
    return job.outputs()[-1]


def test_a_job_gives_the_events_and_files_of_the_plain_server(
    backend: Cluster, ticking_server: str, text_file: Path
) -> None:
    from tests.backends.serving.test_gradio_app import submit

    here, there = submit(ticking_server, text_file, ticks=3), backend.submit(text_file, ticks=3)
    both = [(job.result(timeout=60), job.outputs())[1] for job in (here, there)]
    events, others = ([{k: v for k, v in event.items() if k != "job"} for event in job] for job in both)
    loading = [event for event in events if event.get("stage") == "Loading the model"]
    assert [event["type"] for event in others] == [event["type"] for event in events if event not in loading]
    assert others[0] == {"type": "started", "card": "ticker", "device": "cpu"}
    urls = [artifact["url"] for event in both[1] if event["type"] == "result" for artifact in event["artifacts"]]
    assert [http.get(backend.address + url).text for url in urls] == ["hellohello"]
    info = http.get(f"{backend.address}/info").json()
    assert info["device"]["name"].startswith("2 × ") and info["queue"]["size"] == 32
    assert info["tasks"]["ticking"]["cards"][0]["state"] == "ready"


def test_two_jobs_are_at_work_at_once_and_the_third_waits(backend: Cluster, text_file: Path) -> None:
    jobs = [backend.submit(text_file, ticks=1000, delay=0.1) for _ in range(2)]
    wait_for(lambda: all(len(job.outputs()) > 2 for job in jobs))
    third = backend.submit(text_file, ticks=2)
    wait_for(lambda: third.status().code.name == "IN_QUEUE")
    assert third.status().rank == 0 and backend.counts()["busy"] == 2
    jobs[0].cancel()
    assert result_of(third)["type"] == "result"
    jobs[1].cancel()


def test_cancel_frees_the_worker_within_one_chunk(backend: Cluster, text_file: Path) -> None:
    """Work done after cancel is counted: at most the chunk under way and the one that noticed."""
    job = backend.submit(text_file, ticks=200, delay=1.0)
    wait_for(lambda: len(job.outputs()) > 3)
    before = backend.parts(job)
    job.cancel()
    wait_for(lambda: backend.counts()["idle"] == 2)
    after = backend.parts(job)
    assert after - before <= 2
    jobs = [backend.submit(text_file, ticks=2, delay=1.0) for _ in range(2)]  # both workers are free
    assert [result_of(each)["type"] for each in jobs] == ["result"] * 2
    assert backend.parts(job) == after


@pytest.mark.parametrize(
    ("content", "options", "code", "words"),
    [
        ("bad", {}, "bad_input", "This file is bad; choose a good one."),
        ("good", {"colour": 1}, "bad_input", "no option called “colour”"),
        ("crash", {}, "crash", "a fault of ours"),
    ],
)
def test_an_error_of_a_worker_is_one_sentence_and_a_code(
    backend: Cluster, text_file: Path, content: str, options: dict[str, int], code: str, words: str
) -> None:
    text_file.write_text(content)
    error = result_of(backend.submit(text_file, **options))
    assert (error["type"], error["code"]) == ("error", code) and words in str(error["sentence"])


def test_a_job_whose_worker_is_killed_is_done_on_another(backend: Cluster, text_file: Path) -> None:
    lost = backend.counts()["fourfold_lost_workers_total"]
    job = backend.submit(text_file, ticks=8, delay=0.25)
    wait_for(lambda: len(job.outputs()) > 3)
    (at_work,) = backend.busy()
    at_work.kill()
    result = result_of(job)
    assert next(event["sentence"] for event in job.outputs() if event["type"] == "notice") == AGAIN
    assert [event["type"] for event in job.outputs()].count("started") == 1
    assert http.get(f"{backend.address}{result['artifacts'][0]['url']}").text == "hellohello"
    wait_for(lambda: backend.counts()["idle"] == 2)  # another was started in its place
    assert backend.counts()["fourfold_lost_workers_total"] == lost + 1


@pytest.mark.slow
def test_a_job_that_loses_two_workers_is_given_up_in_a_sentence(backend: Cluster, text_file: Path) -> None:
    job = backend.submit(text_file, ticks=1000, delay=0.25)
    for notices in (0, 1):
        seen = len(job.outputs()) if notices else 0
        wait_for(lambda: sum(event["type"] == "notice" for event in job.outputs()) == notices)  # noqa: B023
        wait_for(lambda: len(job.outputs()) > seen + 3)  # noqa: B023
        wait_for(backend.busy)[0].kill()
    assert result_of(job) == {"type": "error", "code": "engine_failed", "sentence": LOST_TWICE}


def kill_under_load(backend: Cluster, text_file: Path, kills: int) -> None:
    """Kill workers at random moments while four visitors' jobs run. Each job ends in the right result or a sentence."""
    chance, jobs, finished = random.Random(1), [], []
    for number in range(kills):
        while len(jobs) < 4:
            jobs.append(backend.submit(text_file, f"visitor {number} {len(jobs)}", ticks=6, delay=0.05))
        moment = chance.randrange(4 * 8)
        wait_for(lambda: sum(len(job.outputs()) for job in jobs) >= moment)  # noqa: B023
        chance.choice(wait_for(backend.workers)).kill()
        finished += [job for job in jobs if job.done()]
        jobs = [job for job in jobs if not job.done()]
    for job in finished + jobs:
        end = result_of(job)
        if end["type"] == "result":
            assert http.get(f"{backend.address}{end['artifacts'][0]['url']}").text == "hellohello"
        else:
            assert end["sentence"] == LOST_TWICE


@pytest.mark.slow
def test_jobs_survive_random_kills_of_workers(backend: Cluster, text_file: Path) -> None:
    kill_under_load(backend, text_file, KILLS)


@pytest.mark.nightly
def test_jobs_survive_thirty_random_kills(backend: Cluster, text_file: Path) -> None:
    kill_under_load(backend, text_file, 30)


@pytest.mark.nightly
def test_a_killed_ingress_leaves_no_process_and_no_file(tmp_path: Path, text_file: Path) -> None:
    import shutil
    import tempfile

    for number in range(5):
        with cluster(tmp_path / "cluster") as running:
            job = running.submit(text_file, ticks=100 + number, delay=0.05)
            wait_for(lambda: len(job.outputs()) > 3)  # noqa: B023
            family = running.process.children(recursive=True)
            running.process.kill()
            wait_for(lambda: not any(each.is_running() for each in family), 240)  # noqa: B023
        left = [
            path for path in Path(tempfile.gettempdir()).glob("fourfold-ray-*") if not (path / "in-use.lock").exists()
        ]
        assert not left
    with cluster(tmp_path / "cluster", 2):  # which clears away what the killed ones left
        pass
    shutil.rmtree(tmp_path / "cluster")
