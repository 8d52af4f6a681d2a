"""The parts of a cluster's backend without a cluster: options, files through a store, a worker, the pool."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from backends.__main__ import main
from backends.cluster import options
from backends.cluster.exchange import Exchange, WorkerExchange
from backends.cluster.host import ClusterHost
from backends.cluster.messages import Report, WorkerFault, WorkerLost, WorkerSpec, portable
from backends.cluster.pool import AGAIN, LOST_TWICE, Pool
from backends.cluster.worker import Worker
from backends.core import task
from backends.core.engine import Notice, Partial, Progress, Result
from backends.core.errors import BadInput, EngineFailed, TooLarge
from backends.core.info import DeviceInfo
from backends.serving.host import Host
from backends.serving.metrics import device_memory
from backends.serving.places import Begun, Work, WorkEvents
from backends.serving.running_jobs import RunningJob
from backends.weights.store import WeightStore
from tests.support import ticking
from tests.support.waiting import wait_for


@pytest.fixture(autouse=True)
def only_ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "PACKAGES", ("tests.support.ticking",))


@pytest.fixture
def work(tmp_path: Path) -> Work:
    file, out = tmp_path / "uploads" / "in.txt", tmp_path / "jobs" / "token"
    for folder in (file.parent, out):
        folder.mkdir(parents=True)
    file.write_text("hello")
    return Work("run", "ticking", "ticker", {"file": file}, {"ticks": 2, "delay": 0.0}, out, "token")


# Options


def test_without_ray_a_sentence_says_how_to_add_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(options, "find_spec", lambda name: None)
    assert main(["serve", "--ray"]) != 0
    assert "pip install -r requirements-cluster.txt" in capsys.readouterr().err


def test_machines_without_a_place_for_files_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(options, "find_spec", lambda name: object())
    assert main(["serve", "--ray", "head:6379"]) != 0
    assert "--exchange" in capsys.readouterr().err


# Files


def test_files_go_through_a_store_and_nothing_is_left(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    store = tmp_path / "store"
    ingress, worker = Exchange(f"file://{store}"), WorkerExchange(f"file://{store}")
    here = worker.take(ingress.send(work))
    assert here.files["file"].read_text() == "hello" and here.out != work.out
    events = []
    for event in ticking.Ticking(ticking.TASK.cards[0]).run(here.files, here.options, here.out):
        sent = pickle.loads(pickle.dumps(worker.give(event, here, work)))
        ingress.receive(sent, work)
        events.append(sent)
    parts = [event.artifact.path for event in events if isinstance(event, Partial)]
    assert [path.read_text() for path in parts] == ["hello 0", "hello 1"]
    (whole,) = events[-1].artifacts
    assert whole.path == work.out / "whole.txt" and whole.path.read_text() == "hellohello"
    worker.end(here)
    ingress.forget(work)
    assert not here.out.exists() and not any(store.iterdir())


def test_what_a_killed_ingress_left_in_the_store_goes_after_a_day(tmp_path: Path) -> None:
    for name, age in (("old", 2 * 86400), ("new", 60)):
        file = tmp_path / name / "in" / "file"
        file.parent.mkdir(parents=True)
        file.write_text("x")
        os.utime(file, (file.stat().st_mtime - age,) * 2)
    Exchange(f"file://{tmp_path}")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_store_that_cannot_be_used_is_one_sentence() -> None:
    with pytest.raises(BadInput, match="Files cannot be exchanged through nothing://here"):
        Exchange("nothing://here")


# A worker


def test_a_worker_gives_one_event_a_step_and_ends_a_job_in_between(work: Work, tmp_path: Path) -> None:
    worker = Worker(WorkerSpec(task.PACKAGES, "cpu", 2, tmp_path))
    assert worker.prepare().loaded == ("ticker",)
    work.files["file"].write_text(text := "only a step")
    assert worker.begin(work).event == Begun("ticker", "cpu")
    assert isinstance(worker.step().event, Partial)
    assert ticking.TICKS.count(text) == 1
    worker.close()
    assert text in ticking.CLOSED and worker.step().event is None
    work.files["file"].write_text("bad")
    worker.begin(work)
    error = worker.step().error
    assert isinstance(error, BadInput) and error.sentence == "This file is bad; choose a good one."
    worker.close()


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    report = Worker(WorkerSpec(task.PACKAGES, "cpu", 1, tmp_path / "elsewhere")).prepare()
    assert "--root" in report.problem and "--exchange" in report.problem


def test_errors_cross_with_their_sentence_and_without_names_of_files() -> None:
    assert portable(TooLarge("It is too long.")).sentence == "It is too long."
    assert isinstance(portable(MemoryError("x")), MemoryError)
    assert portable(OSError(28, "No space left on device", "/data/diary.txt")).errno == 28
    fault = None
    try:
        raise KeyError("diary.txt")
    except KeyError as error:
        fault = portable(error)
    assert isinstance(fault, WorkerFault) and "KeyError" in str(fault) and "diary" not in str(fault)


def test_a_host_keeps_the_engines_that_were_used_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    cards = {name: replace(ticking.TASK.cards[0], id=name) for name in "abc"}
    monkeypatch.setattr("backends.serving.host.ENOUGH_MEMORY", 0.0)
    host = Host(WeightStore(tmp_path), "cpu", engines=2)

    def use(name: str) -> int:
        return sum(isinstance(step, Progress) for step in host.engine(ticking.TASK, cards[name], ()))

    assert [use(name) > 0 for name in "abacab"] == [True, True, False, True, False, True]
    assert host.loaded == ("a", "b")
    monkeypatch.setattr("backends.serving.host.ENOUGH_MEMORY", 1.1)  # memory is short: alone
    assert use("c") and host.loaded == ("c",)


# The pool


class FakeWorker:
    """A worker that gives the events of `act`; what it was asked is in `works`."""

    def __init__(self, number: int, act: Callable[[Work], WorkEvents], loaded: tuple[str, ...] = ()) -> None:
        self.number, self.since, self.act = number, 0.0, act
        self.report: Report | None = Report(DeviceInfo(kind="cpu", name="fake"), loaded)
        self.works: list[Work] = []
        self.killed = False

    @property
    def loaded(self) -> tuple[str, ...]:
        return self.report.loaded if self.report else ()

    def started(self) -> Report | None:
        return self.report

    def is_lost(self) -> bool:
        return self.report is None

    def kill(self) -> None:
        self.killed = True

    def run(self, work: Work, wanted: Callable[[], bool]) -> WorkEvents:
        self.works.append(work)
        try:
            yield from self.act(work)
        except WorkerLost:
            self.report = None
            raise


def counting(work: Work) -> WorkEvents:
    yield Begun("ticker", "cpu")
    yield Progress("Counting", 1, 1)
    yield Result(())


def dying(work: Work) -> WorkEvents:
    yield Begun("ticker", "cpu")
    yield Progress("Counting", 1, 2)
    raise WorkerLost(begun=True)


def dead(work: Work) -> WorkEvents:
    raise WorkerLost(begun=False)
    yield


Start = Callable[..., Pool]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    pools = []

    def pool(*workers: FakeWorker, least: int = 0, most: int = 0) -> Pool:
        waiting = list(workers)
        host = ClusterHost(WeightStore(tmp_path / "weights"))
        made = Pool(host, lambda: waiting.pop(0), Exchange(), least or len(workers), most or len(workers))  # type: ignore[arg-type, return-value]
        pools.append(made)
        return made

    yield pool
    for each in pools:
        each.close()


def a_job() -> RunningJob:
    return RunningJob(lambda job: iter(()), lambda: True)  # type: ignore[arg-type, return-value]


def test_a_job_goes_to_the_worker_that_has_its_model(start: Start, work: Work) -> None:
    others = [FakeWorker(1, counting), FakeWorker(2, counting, ("ticker",)), FakeWorker(3, counting, ("other",))]
    pool = start(*others)
    wait_for(lambda: pool.counts["idle"] == 3)
    assert isinstance(list(pool.run(work, a_job()))[-1], Result)
    assert [len(each.works) for each in others] == [0, 1, 0]


def test_a_lost_worker_means_one_more_try_apart_from_the_first(start: Start, work: Work) -> None:
    first, second = FakeWorker(1, dying, ("ticker",)), FakeWorker(2, counting)
    pool = start(first, second, least=1, most=1)
    events = list(pool.run(work, a_job()))
    assert [type(event) for event in events] == [Begun, Progress, Notice, Progress, Result]
    assert events[2] == Notice(AGAIN) and second.works[0].out == work.out / "again" and pool.deaths == 1


def test_a_second_lost_worker_ends_the_job_in_a_sentence(start: Start, work: Work) -> None:
    pool = start(FakeWorker(1, dying), FakeWorker(2, dying), FakeWorker(3, counting), least=1, most=1)
    with pytest.raises(EngineFailed, match=LOST_TWICE[:40]):
        list(pool.run(work, a_job()))


def test_a_worker_that_was_dead_already_costs_the_job_nothing(start: Start, work: Work) -> None:
    workers = [FakeWorker(number, dead) for number in range(3)]
    pool = start(*workers, FakeWorker(4, counting), least=1, most=1)
    assert [type(event) for event in pool.run(work, a_job())] == [Begun, Progress, Result]


def test_workers_are_started_while_jobs_wait_and_ended_when_idle(
    start: Start, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def holding(work: Work) -> WorkEvents:
        yield Begun("ticker", "cpu")
        go_on.wait(60)
        yield Result(())

    workers = [FakeWorker(number, holding) for number in range(3)]
    pool = start(*workers, least=1, most=3)
    threads = [threading.Thread(target=lambda: list(pool.run(work, a_job()))) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_for(lambda: pool.counts["busy"] == 2)
    monkeypatch.setattr("backends.cluster.pool.IDLE_SECONDS", 0.0)
    go_on.set()
    for thread in threads:
        thread.join()
    wait_for(lambda: sum(pool.counts.values()) == 1)
    assert sum(worker.killed for worker in workers) == 1 and not pool.problem


def test_a_job_that_is_not_wanted_any_more_stops_waiting(start: Start, work: Work) -> None:
    pool, job = start(FakeWorker(1, counting), least=1, most=1), a_job()
    wait_for(lambda: pool.counts["idle"])
    with pool._hold("ticker", a_job()):
        job.cancel()
        assert list(pool.run(work, job)) == []


def test_the_ingress_says_what_the_workers_report(tmp_path: Path) -> None:
    host = ClusterHost(WeightStore(tmp_path))
    card = ticking.TASK.cards[0]
    assert host.state(card).state == "present" and host.device_info().name == "no worker yet"
    device = DeviceInfo(kind="cpu", name="a processor", memory_bytes=7)
    host.note_report(1, Report(device, ("ticker",), speeds=(("ticker", 8.0, 4.0), ("yours/gone", 1.0, 1.0))))
    host.note_report(2, Report(device, (), {"ticker": "It did not load."}))
    assert (host.state(card).state, host.state(card).reason) == ("ready", "It did not load.")
    info = host.info().tasks["ticking"].cards[0]
    assert (info.speed, info.speed_measured_here) == (2.0, True)
    assert host.device_info().name == "2 × a processor"
    host.note_report(1, None)
    assert host.device_info().name == "a processor"


def test_metrics_tell_the_memory_of_each_worker_and_of_its_card(start: Start) -> None:
    """A worker of a processor has no card; one that is gone has nothing."""
    gpu, cpu = FakeWorker(1, counting), FakeWorker(2, counting)
    held = {"total": 80, "free": 50, "held": 20}
    gpu.report = Report(DeviceInfo(kind="cuda", name="a card"), memory=7, device_memory=held)
    cpu.report = Report(DeviceInfo(kind="cpu", name="a processor"), memory=9)
    pool = start(gpu, cpu)
    wait_for(lambda: pool.counts["idle"] == 2)
    samples = {
        (sample.name, *sample.labels.values()): sample.value for family in pool.collect() for sample in family.samples
    }
    memory = {key[1:]: value for key, value in samples.items() if "memory" in key[0]}
    assert memory == {("1",): 7, ("2",): 9, ("1", "total"): 80, ("1", "free"): 50, ("1", "held"): 20}
    pool._host.note_report(1, None)
    left = [sample.labels for family in pool.collect() for sample in family.samples if "worker" in sample.labels]
    assert left == [{"worker": "2"}]


def test_a_worker_says_what_its_process_and_its_card_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = SimpleNamespace(is_available=lambda: True, mem_get_info=lambda: (50, 80), memory_reserved=lambda: 20)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert device_memory() == {"total": 80, "free": 50, "held": 20}
    monkeypatch.delitem(sys.modules, "torch")
    assert device_memory() == {}
