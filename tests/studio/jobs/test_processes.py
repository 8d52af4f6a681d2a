"""Work in processes of its own: it runs, is asked to end, and what it said last is known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from studio.jobs.processes import SILENT, Processes
from tests.support.waiting import wait_for


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def processes() -> Processes:
    return Processes()


def test_one_that_ends_well_has_no_fault(processes: Processes, tmp_path: Path) -> None:
    processes.start("work", python("print('done')"), tmp_path / "new" / "run.log")
    wait_for(lambda: not processes.is_running("work"))
    assert processes.fault("work") == "" and (tmp_path / "new" / "run.log").read_text() == "done\n"
    assert processes.fault("other") == "" and not processes.is_running("other")


def test_the_last_line_says_why_it_failed(processes: Processes, tmp_path: Path) -> None:
    processes.start("work", python("print('first'); print('no room'); raise SystemExit(3)"), tmp_path / "run.log")
    wait_for(lambda: not processes.is_running("work"))
    assert processes.fault("work") == "no room" and processes.fault("work", 3) == ""
    processes.start("work", python("raise SystemExit(3)"), tmp_path / "run.log")
    wait_for(lambda: not processes.is_running("work"))
    assert processes.fault("work") == SILENT


def test_one_that_runs_is_not_started_twice_and_can_be_stopped(processes: Processes, tmp_path: Path) -> None:
    wait = python("import time; print('up', flush=True); time.sleep(600)")
    processes.start("work", wait, tmp_path / "run.log")
    processes.start("work", python("print('second')"), tmp_path / "second.log")
    assert processes.is_running("work") and not (tmp_path / "second.log").exists()
    processes.stop("work")
    assert not processes.is_running("work") and processes.fault("work") == ""
