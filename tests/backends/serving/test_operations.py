"""What who runs a server needs: numbers, a log that names nobody's files, one job for one key, room on the disk."""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from gradio_client import handle_file
from prometheus_client.parser import text_string_to_metric_families

from backends.core import logs
from backends.core.event_json import JOB_HEADER
from backends.serving.server import NO_ROOM
from tests.support import http, ticking


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "Anna's diary.txt"
    path.write_text(secrets.token_hex(8))
    return path


def tick(address: str, path: Path, job_id: str = "") -> list[dict[str, object]]:
    headers = {JOB_HEADER: job_id} if job_id else None
    client = http.client(address, headers=headers)
    job = client.submit(handle_file(path), "", {"ticks": 2, "delay": 0.0}, api_name="/tick")
    job.exception(timeout=60)
    return job.outputs()


def numbers(address: str) -> dict[tuple[str, str], float]:
    """Every number of the ticking task by its name and its last label."""
    families = text_string_to_metric_families(http.get(f"{address}/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return {
        (sample.name, sample.labels.get("state") or sample.labels.get("code") or sample.labels.get("stage") or ""):
            sample.value
        for sample in samples if sample.labels.get("task", "ticking") == "ticking"
    }  # fmt: skip


def test_jobs_are_counted_by_what_became_of_them(ticking_server: str, text_file: Path) -> None:
    before = numbers(ticking_server)
    tick(ticking_server, text_file)
    text_file.write_text("bad")
    tick(ticking_server, text_file)
    after = numbers(ticking_server)
    grown = {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}
    assert grown["fourfold_jobs_total", "done"] == grown["fourfold_jobs_total", "failed"] == 1
    assert grown["fourfold_failures_total", "bad_input"] == 1
    assert grown["fourfold_stage_seconds_count", "Counting"] == 1
    assert after["fourfold_jobs_running", ""] == after["fourfold_jobs_waiting", ""] == 0


def test_the_same_key_twice_is_one_job(ticking_server: str, text_file: Path) -> None:
    key = secrets.token_urlsafe(24)
    first, second = (tick(ticking_server, text_file, key) for _ in range(2))
    assert ticking.TICKS.count(text_file.read_text()) == 2
    assert first == second and first[0]["job"] == key and first[-1]["type"] == "result"


def test_a_full_disk_is_said_before_the_work(
    ticking_server: str, text_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")(10**9, 10**9 - 10**6, 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert tick(ticking_server, text_file)[-1] == {"type": "error", "code": "engine_failed", "sentence": NO_ROOM}
    assert text_file.read_text() not in ticking.TICKS


def test_a_line_of_the_log_names_the_job_and_no_file_and_no_secret(
    ticking_server: str, text_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.handler.setFormatter(logs.JsonLines())
    text_file.write_text("crash")
    key, lines = secrets.token_urlsafe(24), []
    written = caplog.handler.format
    caplog.handler.format = lambda record: lines.append(written(record)) or lines[-1]  # in the thread of the job
    tick(ticking_server, text_file, key)
    mine = [entry for entry in map(json.loads, lines) if entry.get("job") == logs.job_name(key)]
    (crash,) = [entry for entry in mine if entry["level"] == "error"]
    assert crash["exception"] == "RuntimeError" and any(place.startswith("ticking.py:") for place in crash["at"])
    (end,) = [entry for entry in mine if entry["message"] == "job ended"]
    assert (end["task"], end["card"], end["state"], end["code"]) == ("ticking", "ticker", "failed", "crash")
    assert all("diary" not in line and key not in line for line in lines)


def test_plain_lines_name_the_job_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    monkeypatch.delenv(logs.SETTING, raising=False)
    logs.configure()
    facts = {"facts": {"state": "done", "code": ""}}
    logs.begin_job("a-token-that-nobody-guesses")
    logging.getLogger("here").warning("ended", extra=facts)
    logs.end_job()
    logging.getLogger("here").warning("ended", extra=facts)
    in_a_job, after_it = capsys.readouterr().out.splitlines()
    assert in_a_job.endswith("here: ended job=6ca0626e3405 state=done")
    assert after_it.endswith("here: ended state=done")
