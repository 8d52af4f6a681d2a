"""A backend of the counting task with two workers on a Ray of its own, as a process; its workers can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from gradio_client import handle_file
from prometheus_client.parser import text_string_to_metric_families

from backends.core.event_json import VISITOR_HEADER
from tests.support import http
from tests.support.waiting import PATIENCE, answers, wait_for

WORKER = "ray::Worker"
"""What Ray calls the processes of actors of our class."""


AT_ONCE = {"RAY_worker_niceness": "0"}
"""Ray lets its workers stand back behind every other process (15), here behind the tests that run beside these."""


@dataclass(frozen=True)
class Cluster:
    """A running backend: its address, its process, its folder."""

    address: str
    process: psutil.Process
    root: Path

    def workers(self) -> list[psutil.Process]:
        return [each for each in self.process.children(recursive=True) if _title(each).startswith(WORKER)]

    def busy(self) -> list[psutil.Process]:
        """The workers that have a job: Ray adds the name of what they do to that of the process."""
        return [each for each in self.workers() if any(word in _title(each) for word in (".step", ".begin"))]

    def counts(self) -> dict[str, float]:
        """The workers by what they do, and how many were lost."""
        samples = [
            sample
            for family in text_string_to_metric_families(http.get(f"{self.address}/metrics").text)
            for sample in family.samples
        ]
        counts = {each.labels["state"]: each.value for each in samples if each.name == "fourfold_workers"}
        return counts | {each.name: each.value for each in samples if each.name == "fourfold_lost_workers_total"}

    def submit(self, path: Path, visitor: str = "", **options: Any) -> Any:
        client = http.client(self.address, headers={VISITOR_HEADER: visitor})
        return client.submit(handle_file(path), "", options, api_name="/tick")

    def parts(self, job: Any) -> int:
        """How many chunks of a job were worked on."""
        return len(list((self.root / "jobs" / job.outputs()[0]["job"]).rglob("part-*.txt")))


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""


@contextmanager
def cluster(root: Path, workers: int = 2, *words: str) -> Iterator[Cluster]:
    """Start the backend, and stop it at the end."""
    settings = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    settings |= {
        "FOURFOLD_WEIGHTS": str(root / "weights"),
        "FOURFOLD_HOME": str(root),
        "FOURFOLD_DEVICE": "cpu",
    } | AT_ONCE
    command = [sys.executable, "-m", "tests.support.ticking", "--ray", "--workers", str(workers), "--root", str(root)]
    with subprocess.Popen(
        [*command, *words], env=settings, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        try:
            wait_for(lambda: answers(f"{address}/readyz"), 2 * PATIENCE)
            running = Cluster(address, psutil.Process(process.pid), root)
            wait_for(lambda: running.counts().get("idle") == workers)
            yield running
        finally:
            process.terminate()
