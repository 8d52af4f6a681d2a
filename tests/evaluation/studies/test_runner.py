"""A study that is killed at any moment goes on: each row once, and the numbers of an unbroken run."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from backends.core.errors import BadInput, EngineFailed
from evaluation.datasets.base import Sample, Unit
from evaluation.studies import runner
from evaluation.studies.results import StudyResults
from evaluation.studies.runner import Progress, run
from evaluation.studies.store import StudyFolder
from tests.support import studies
from tests.support.clusters import AT_ONCE


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def dying(step: Callable[..., Any], luck: random.Random, late: bool) -> Callable[..., Any]:
    """`step`, which dies now and then: before it does anything, or after."""

    def run_step(*arguments: Any, **more: Any) -> Any:
        if not late and luck.random() < 0.03:
            raise Killed
        result = step(*arguments, **more)
        if late and luck.random() < 0.03:
            raise Killed
        return result

    return run_step


def values(store: StudyFolder) -> pd.DataFrame:
    return store.rows().drop(columns="seconds")


@pytest.mark.slow
def test_twenty_kills_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 units and 3 systems; the run dies before and after files are written, renamed, joined and deleted."""
    studies.use(monkeypatch, 200)
    whole = values(run(studies.study(), tmp_path / "whole"))
    luck, kills = random.Random(3), 0
    with monkeypatch.context() as dangerous:
        for owner, name in ((StudyFolder, "_write_table"), (StudyFolder, "add"), (Path, "unlink"), (Path, "replace")):
            late = name in ("_write_table", "add")
            dangerous.setattr(owner, name, dying(getattr(owner, name), luck, late))
        while kills < 20:
            try:
                run(studies.study(), tmp_path / "broken")
                break
            except Killed:
                kills += 1
    assert kills >= 15
    broken = values(run(studies.study(), tmp_path / "broken"))
    assert len(broken) == 600
    assert not broken.duplicated(["unit", "system"]).any()
    pd.testing.assert_frame_equal(broken, whole)
    assert not list((tmp_path / "broken" / "parts").glob("*.parquet"))


def test_a_finished_study_runs_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies.use(monkeypatch, 5)
    run(studies.study(), tmp_path)
    monkeypatch.setattr(runner, "measure", lambda *_: pytest.fail("measured again"))
    assert len(run(studies.study(), tmp_path).rows()) == 15
    assert StudyFolder(tmp_path).progress()["state"] == "done"


def test_joined_parts_and_single_ones_are_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies.use(monkeypatch, 10)
    monkeypatch.setattr("evaluation.studies.store.JOINED", 4)
    monkeypatch.setattr(StudyFolder.join, "__defaults__", (4,))
    seen: list[int] = []
    run(studies.study(), tmp_path, watch=lambda progress, store: seen.append(len(store.rows())))
    assert seen == [3 * (count + 1) for count in range(10)]


def test_a_folder_belongs_to_one_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies.use(monkeypatch, 5)
    run(studies.study(), tmp_path)
    with pytest.raises(BadInput, match="holds another study"):
        run(studies.study(seeds=[1]), tmp_path)
    studies.use(monkeypatch, 6)
    with pytest.raises(BadInput, match="other units"):
        run(studies.study(), tmp_path)


def test_two_runs_do_not_write_into_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies.use(monkeypatch, 5)
    with StudyFolder(tmp_path).writing(), pytest.raises(BadInput, match="Another run"):
        run(studies.study(), tmp_path)


def test_a_unit_that_cannot_be_read_is_a_row_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged() -> Sample:
        raise BadInput("The song is damaged.")

    studies.use(monkeypatch, 3)
    units = [*runner.units_of(studies.study()), Unit("song 999", "song 999", damaged)]
    monkeypatch.setattr(runner, "units_of", lambda study: units)
    results = StudyResults.read(run(studies.study(), tmp_path))
    assert results.faults() == {"The song is damaged.": 3}
    found = results.findings(results.measured[0])
    assert [(system.n, system.missing) for system in found.systems] == [(3, 1)] * 3


@pytest.mark.slow
def test_harder_inputs_that_are_done_first_are_no_result_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With several workers a part under a condition may come before the first one without."""
    from evaluation.commands.run import Screen
    from evaluation.studies.study import Study

    studies.use(monkeypatch, 7)
    clean_last = Study.levels
    monkeypatch.setattr(Study, "levels", lambda study: reversed(list(clean_last(study))))
    heard: list[int] = []

    def watch(progress: Progress, store: StudyFolder) -> None:
        Screen().show(progress, store)
        heard.append(len(StudyResults.read(store).measured))

    run(studies.study(conditions=[{"noise": [3]}]), tmp_path, watch=watch)
    assert heard[0] == 0 and heard[-1] == 1


def test_the_first_units_are_of_many_groups() -> None:
    units = [Unit(f"{group}{number}", group, lambda: Sample({})) for group in "abc" for number in range(3)]
    assert [unit.id for unit in runner._spread(units)[:4]] == ["a0", "b0", "c0", "a1"]


def test_progress_says_rate_and_time_left() -> None:
    progress = Progress(done=30, total=50, before=10, seconds=10.0)
    assert (progress.rate, progress.left) == (2.0, 10.0)
    assert Progress(10, 50, 10, 0.0).left is None


def test_conditions_seeds_and_units_make_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies.use(monkeypatch, 9)
    asked = studies.study(conditions=["clean", {"noise": [1, 5]}], seeds=[0, 1], units=4)
    rows = run(asked, tmp_path).rows()
    assert len(rows) == 4 * 3 * 3 * 2
    assert sorted(set(zip(rows["condition"], rows["severity"], strict=True))) == [
        ("clean", 0),
        ("noise", 1),
        ("noise", 5),
    ]
    table = StudyResults.read(tmp_path).table(StudyResults.read(tmp_path).measured[0])
    assert table.shape == (4, 3)  # seeds are averaged


def test_a_dead_worker_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures.process import BrokenProcessPool

    def broken(*_: Any) -> Any:
        raise BrokenProcessPool

    studies.use(monkeypatch, 3)
    monkeypatch.setattr("evaluation.studies.pools.Processes.submit", broken)
    with pytest.raises(EngineFailed, match="goes on from here"):
        run(studies.study(), tmp_path, workers=2)
    assert StudyFolder(tmp_path).progress()["state"] == "stopped"


class FakeRay:
    """Ray's functions as the pool of a cluster uses them; `lost` tasks fail for good."""

    class exceptions:
        class RayError(Exception):
            pass

    def __init__(self, lost: int = 10**9) -> None:
        self.lost, self.open, self.most = lost, 0, 0

    def init(self, address: str, **_: Any) -> None:
        if address == "local":
            raise Exception("The current node timed out during startup.")
        if address != "ray://head:10001":
            raise ConnectionError(address)

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 3.0}

    def remote(self, **_: Any) -> Callable[..., Any]:
        def task(work: Callable[..., Any]) -> Any:
            def begin(*arguments: Any) -> Callable[[], Any]:
                self.open += 1
                self.most = max(self.most, self.open)
                return partial(work, *arguments)

            return type("Task", (), {"remote": staticmethod(begin)})

        return task

    def wait(self, references: list[Any], num_returns: int) -> tuple[list[Any], list[Any]]:
        return references[-1:], references[:-1]  # not in order

    def get(self, reference: Callable[[], Any]) -> Any:
        self.open, self.lost = self.open - 1, self.lost - 1
        if not self.lost:
            raise self.exceptions.RayError
        return reference()

    def shutdown(self) -> None:
        pass


def test_a_cluster_gives_the_rows_of_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    studies.use(monkeypatch, 8)
    here = values(run(studies.study(conditions=[{"noise": [2]}]), tmp_path / "here"))
    monkeypatch.setattr(runner, "_units", lambda text: {unit.id: unit for unit in runner.units_of(studies.study())})
    for lost in (5, 10**9):  # one part is lost for good; the same command goes on
        ray = FakeRay(lost)
        monkeypatch.setitem(sys.modules, "ray", ray)
        try:
            run(studies.study(conditions=[{"noise": [2]}]), tmp_path / "there", cluster="ray://head:10001")
        except EngineFailed as error:
            assert lost == 5 and "same command again" in error.sentence
        assert ray.most == 6  # two pieces a processor
    pd.testing.assert_frame_equal(values(StudyFolder(tmp_path / "there")), here)


@pytest.mark.slow
@pytest.mark.flaky(reruns=1)  # a busy machine may not start Ray in the time that Ray gives itself
def test_a_real_cluster_gives_the_rows_of_one_machine(tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "study.yaml").write_text(
        "title: Drawn pictures\ntask: fewshot\ndataset: drawn-pictures\ncards: [prototypes]\nmetrics: [accuracy]\n"
        "units: 3\nconditions: [clean, {noise: [3]}]\n"
    )
    command = [sys.executable, "-m", "evaluation", "run", str(tmp_path / "study.yaml"), "--out"]
    for name, more in (("here", []), ("there", ["--ray", "local"])):
        subprocess.run([*command, str(tmp_path / name), *more], check=True, env=os.environ | AT_ONCE)
    here, there = (StudyFolder(tmp_path / name) for name in ("here", "there"))
    assert len(values(here)) >= 6
    pd.testing.assert_frame_equal(values(there), values(here))


def test_a_cluster_that_is_not_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    studies.use(monkeypatch, 2)
    monkeypatch.setitem(sys.modules, "ray", FakeRay())
    with pytest.raises(BadInput, match="No Ray cluster answers"):
        run(studies.study(), tmp_path, cluster="ray://nowhere:1")
    with pytest.raises(BadInput, match="Ray did not start on this machine"):
        run(studies.study(), tmp_path, cluster="local")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BadInput, match="requirements-cluster"):
        run(studies.study(), tmp_path, cluster="ray://head:10001")


@pytest.mark.nightly
def test_a_process_that_is_killed_for_real_goes_on(tmp_path: Path) -> None:
    import subprocess
    import sys
    import time

    command = [sys.executable, "-m", "evaluation", "run", "proteins-samples", "--out"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True)
    for seconds in (12, 20, 9, 15):
        process = subprocess.Popen([*command, str(tmp_path / "broken")])
        time.sleep(seconds)
        process.kill()
        process.wait()
    subprocess.run([*command, str(tmp_path / "broken"), "--workers", "2"], check=True)
    pd.testing.assert_frame_equal(values(StudyFolder(tmp_path / "whole")), values(StudyFolder(tmp_path / "broken")))
