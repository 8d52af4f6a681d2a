"""The server as a process: however it ends, nothing of it stays in the folder for temporary files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from gradio_client import handle_file

from backends.serving.workdir import DAY, LOCK, PREFIX, clear_stale
from tests.support import http
from tests.support.waiting import PATIENCE, answers, wait_for

ROOT = Path(__file__).parents[3]


@dataclass
class Child:
    """`python -m tests.support.ticking`, which serves the counting task as the studio has it served."""

    process: subprocess.Popen[str]
    temporary: Path
    address: str = ""

    def ready(self) -> None:
        assert self.process.stdout is not None
        self.address = json.loads(self.process.stdout.readline())["address"]
        wait_for(lambda: answers(f"{self.address}/readyz"), 60)

    def left(self) -> list[Path]:
        return sorted(self.temporary.iterdir())

    def end(self, how: str) -> None:
        if how == "stdin":
            assert self.process.stdin is not None
            self.process.stdin.close()
        else:
            self.process.send_signal(signal.Signals[how])

    def finished(self, seconds: float = PATIENCE) -> tuple[int, str]:
        """The exit code and everything that was written to standard error."""
        assert self.process.stderr is not None
        code = self.process.wait(seconds)
        return code, self.process.stderr.read()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    children: list[Child] = []
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    def child() -> Child:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.ticking"],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(temporary)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(Child(process, temporary))
        return children[-1]

    yield child
    for each in children:
        each.process.kill()
        each.process.wait()
        for stream in (each.process.stdin, each.process.stdout, each.process.stderr):
            if stream is not None:
                stream.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "delay"),
    [
        ("stdin", 600),
        ("SIGTERM", 0.05),
        pytest.param("SIGINT", 0.05, marks=pytest.mark.nightly),
    ],
)
def test_a_stop_in_the_middle_of_a_job_leaves_nothing(
    start: Callable[..., Child], tmp_path: Path, how: str, delay: float
) -> None:
    """With a `delay` of ten minutes, in the middle of a chunk that cannot be interrupted."""
    child, path = start(), tmp_path / "input.txt"
    path.write_text("hello")
    child.ready()
    job = http.client(child.address).submit(handle_file(path), "", {"ticks": 500, "delay": delay}, api_name="/tick")
    wait_for(lambda: len(job.outputs()) > (0 if delay > 1 else 3))
    files = len(list(child.left()[0].rglob("*.txt")))
    assert files == 1 if delay > 1 else files >= 2  # the upload and what has been counted
    child.end(how)
    code, said = child.finished()
    assert (code, child.left()) == (0, [])  # and it did not wait for its chunk
    assert "Traceback" not in said and "Error" not in said
    if delay < 1:
        assert "was stopped" in job.outputs()[-1]["sentence"]


@pytest.mark.parametrize("how", ["stdin", pytest.param("SIGTERM", marks=pytest.mark.nightly), "SIGINT"])
def test_a_stop_while_it_is_still_loading_leaves_nothing(start: Callable[..., Child], how: str) -> None:
    child = start()
    wait_for(child.left)
    child.end(how)
    code, said = child.finished()
    assert (code, child.left()) == (0, []) and "Traceback" not in said


@pytest.mark.slow
def test_what_a_killed_server_left_is_gone_after_the_next_start(start: Callable[..., Child]) -> None:
    first = start()
    wait_for(lambda: list(first.temporary.glob("*/uploads")), 60)
    first.end("SIGKILL")
    first.finished()
    (stale,) = first.left()
    assert (stale / "uploads").is_dir()
    second, third = start(), start()
    second.ready()
    third.ready()
    assert stale not in second.left() and len(second.left()) == 2  # Neither took the other's folder for a stale one.
    second.end("stdin")
    second.finished()
    assert len(third.left()) == 1 and answers(f"{third.address}/healthz")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_only_folders_that_nobody_holds_are_stale(temporary: Path) -> None:
    held, dead, fresh, old = (temporary / f"{PREFIX}{name}" for name in ("held", "dead", "fresh", "old"))
    other, link, target = temporary / "else", temporary / f"{PREFIX}link", temporary / "target"
    for folder in (held, dead, fresh, old, other, target):
        folder.mkdir()
    (target / LOCK).touch()
    link.symlink_to(target)
    (dead / LOCK).touch()
    (dead / "uploads").mkdir()
    os.utime(old, (time.time() - 2 * DAY,) * 2)
    with FileLock(held / LOCK):
        clear_stale()
    assert sorted(temporary.iterdir()) == sorted([held, fresh, other, link, target])
    assert target.is_dir() and (target / LOCK).exists()
