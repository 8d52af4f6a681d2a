"""Trainings as the studio sees them: files from a browser, a process of its own, a stop, and what a killed one is."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from backends.core.adapting import LOCK, STOP, Standing, folder_of_training, write_standing
from backends.core.errors import BadInput
from backends.core.task import task_named
from backends.weights.locations import default_root
from studio.adapt import material, trainings
from studio.jobs.processes import Processes
from tests.support.waiting import wait_for


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    own = Processes()
    monkeypatch.setattr(trainings, "_processes", own)
    yield own
    own.stop("matting/mine")


@pytest.fixture
def folder() -> Path:
    made = folder_of_training(default_root(), "matting", "mine")
    made.mkdir(parents=True)
    return made


def test_names_from_a_browser_are_no_paths(tmp_path: Path) -> None:
    about = task_named("fewshot").material
    assert about is not None
    names = ["birds/owl/1.jpg", "birds/owl/1?.JPG", "birds/owl/1*.jpg", "../../../etc/evil.png", "birds/owl/notes.txt"]
    names += ["birds/.hidden/2.jpg", "a\\b\\owl\\3.jpg", "/root/x.png"]
    count = material.write([(name, io.BytesIO(b"x")) for name in names], tmp_path / "into", about)
    found = sorted(path.relative_to(tmp_path / "into").as_posix() for path in (tmp_path / "into").rglob("*.*"))
    assert found == ["evil.png", "owl/1.jpg", "owl/1_.JPG", "owl/1_.jpg", "owl/3.jpg", "x.png"]
    assert count == len(found) and not (tmp_path / "evil.png").exists()


def test_material_replaces_what_was_there(tmp_path: Path) -> None:
    about = task_named("fewshot").material
    assert about is not None
    material.write([("a/one/1.jpg", io.BytesIO(b"1"))], tmp_path / "into", about)
    assert material.write([("a/two/2.jpg", io.BytesIO(b"22"))], tmp_path / "into", about) == 1
    assert [path.name for path in (tmp_path / "into").iterdir()] == ["two"]
    assert (tmp_path / "into/two/2.jpg").read_bytes() == b"22"


def test_one_that_says_running_and_holds_no_lock_was_killed_and_can_go_on(folder: Path) -> None:
    write_standing(folder, Standing(task="matting", name="mine", stage="Learning", done=3, total=9))
    with FileLock(folder / LOCK):
        found = trainings.find("matting", "mine")
        assert found is not None and found.running and found.state == "running"
    found = trainings.find("matting", "mine")
    assert found is not None and not found.running and found.state == "stopped" and not found.can_go_on
    (folder / trainings.MATERIAL).mkdir()
    (folder / trainings.ABOUT).write_text("modnet-starter 9")
    found = trainings.find("matting", "mine")
    assert found is not None and found.can_go_on


def test_a_training_runs_as_a_process_and_is_asked_to_stop_by_a_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import sys, time; from pathlib import Path; folder = Path(sys.argv[3]).parent\n"
        "while not (folder / 'stop').exists(): time.sleep(0.02)\n"
        "print('stopped', sys.argv[1:]); sys.exit(130)"
    )
    monkeypatch.setattr(trainings, "COMMAND", (sys.executable, "-c", code))
    (folder / STOP).touch()
    trainings.start("matting", "mine", "modnet-starter", 7)
    found = trainings.find("matting", "mine")
    assert found is not None and found.running and found.standing.stage == "Starting"
    assert [one.key for one in trainings.known()] == ["matting/mine"]
    with pytest.raises(BadInput, match="stop it first"):
        trainings.delete(found)
    trainings.stop(found)
    wait_for(lambda: not trainings.find("matting", "mine").running)
    said = (folder / trainings.LOG).read_text()
    assert "'adapt', 'matting'" in said and "'--base', 'modnet-starter', '--steps', '7'" in said
    trainings.delete(trainings.find("matting", "mine"))
    assert trainings.known() == []


def test_pages_that_look_at_once_do_not_take_each_other_for_a_training(folder: Path) -> None:
    write_standing(folder, Standing(task="matting", name="mine", state="refused"))
    with FileLock(folder / LOCK):
        pass
    with ThreadPoolExecutor(8) as pages:
        seen = list(pages.map(lambda _: trainings.find("matting", "mine"), range(800)))
    assert not any(one is None or one.running for one in seen)


def test_one_that_was_just_begun_is_the_first_on_the_list(folder: Path) -> None:
    (folder / trainings.LOG).touch()
    folder.with_name("earlier").mkdir()
    write_standing(folder.with_name("earlier"), Standing(task="matting", name="earlier", state="refused", updated=9.0))
    assert [one.name for one in trainings.known()] == ["mine", "earlier"]


def test_a_crash_is_told_by_what_it_said_last(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainings, "COMMAND", (sys.executable, "-c", "raise SystemExit('no such module')"))
    trainings.start("matting", "mine", "modnet-starter", 7)
    wait_for(lambda: not trainings.find("matting", "mine").running)
    found = trainings.find("matting", "mine")
    assert found is not None and found.state == "failed" and trainings.fault(found) == "no such module"


def test_names_are_taken_once(folder: Path) -> None:
    trainings.require_name("matting", "other")
    for bad in ("", "../x", "a b", "x" * 61):
        with pytest.raises(BadInput, match="A name is made of"):
            trainings.require_name("matting", bad)
    write_standing(folder, Standing(task="matting", name="mine"))
    yours = default_root() / "yours" / "matting"
    yours.mkdir(parents=True)
    (yours / "theirs.onnx").write_bytes(b"x")
    for taken in ("mine", "theirs"):
        with pytest.raises(BadInput, match="already"):
            trainings.require_name("matting", taken)
