"""The server as a client meets it: events, cancel, siblings, errors, health, files."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from gradio_client import handle_file

from backends.core.engine import Progress
from backends.core.errors import DownloadFailed
from backends.weights.store import WeightStore
from tests.support import http, ticking
from tests.support.waiting import wait_for


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "input.txt"
    path.write_text("hello")
    return path


def submit(address: str, path: Path, **options: float):
    client = http.client(address)
    return client.submit(handle_file(path), "", options, api_name="/tick")


def test_health_and_info(ticking_server: str) -> None:
    assert http.get(f"{ticking_server}/healthz").json()["status"] == "ok"
    assert http.get(f"{ticking_server}/readyz").json() == {"status": "ready"}
    info = http.get(f"{ticking_server}/info").json()
    card = info["tasks"]["ticking"]["cards"][0]
    assert (card["id"], card["state"], card["limits"]["seconds"]) == ("ticker", "ready", 60)
    assert [option["name"] for option in card["options"]] == ["ticks", "delay"]
    assert card["options"][1]["kind"] == "number" and card["options"][1]["unit"] == "seconds"
    assert card["capabilities"] == {"counts": True, "backwards": False}
    assert info["tasks"]["ticking"]["options"] == {"ticks": "How many.", "delay": "Seconds each."}
    assert info["boot"] and info["boot"] == http.get(f"{ticking_server}/info").json()["boot"]
    assert info["device"]["kind"] == "cpu" and info["tasks"]["ticking"]["default"] == "ticker"


@pytest.mark.slow
def test_a_job_yields_every_event_in_order_and_files_that_can_be_fetched(ticking_server: str, text_file: Path) -> None:
    job = submit(ticking_server, text_file, ticks=4)
    job.result(timeout=60)
    events = job.outputs()
    assert [event["type"] for event in events if event["type"] not in ("partial", "progress")] == [
        "started", "metric", "notice", "result",
    ]  # fmt: skip
    counted = [event["done"] for event in events if event["type"] == "progress" and event["stage"] == "Counting"]
    assert counted == [1, 2, 3, 4]
    parts = [event["artifact"] for event in events if event["type"] == "partial"]
    assert [http.get(ticking_server + part["url"]).text for part in parts] == [f"hello {i}" for i in range(4)]
    whole = events[-1]["artifacts"][0]
    answer = http.get(ticking_server + whole["url"], headers={"Range": "bytes=5-9"})
    assert (answer.status_code, answer.text) == (206, "hello")
    token = events[0]["job"]
    assert http.delete(f"{ticking_server}/jobs/{token}").json() == {"discarded": True}
    assert http.get(ticking_server + whole["url"]).status_code == 404


@pytest.mark.slow
def test_a_further_file_may_be_sent_and_is_cleared_away_like_the_first(
    ticking_server: str, text_file: Path, tmp_path: Path
) -> None:
    assert http.get(f"{ticking_server}/info").json()["tasks"]["ticking"]["optional"] == ["more"]
    (tmp_path / "more.txt").write_text(" and more")
    client = http.client(ticking_server)
    files = handle_file(text_file), handle_file(tmp_path / "more.txt")
    for extra, said in ((files[1:], "hellohello and more"), ((None,), "hellohello"), ((), "hellohello")):
        job = client.submit(files[0], "", {"ticks": 1}, *extra, api_name="/tick")
        job.result(timeout=60)
        assert http.get(ticking_server + job.outputs()[-1]["artifacts"][0]["url"]).text == said


@pytest.mark.slow
def test_cancel_frees_the_device_within_one_chunk(ticking_server: str, text_file: Path) -> None:
    """Work done after cancel is counted: at most the chunk that was under way and the one that noticed."""
    text_file.write_text(text := secrets.token_hex(8))
    job = submit(ticking_server, text_file, ticks=200, delay=1.0)  # far longer than a cancel is under way
    wait_for(lambda: sum(event["type"] == "progress" for event in job.outputs()) >= 2)
    before = ticking.TICKS.count(text)
    job.cancel()
    wait_for(lambda: text in ticking.CLOSED)
    at_close = ticking.TICKS.count(text)
    submit(ticking_server, text_file, ticks=3, delay=1.0).result(timeout=60)  # the device is free
    assert ticking.TICKS.count(text) == at_close + 3  # and the cancelled run did not go on beside it
    assert at_close - before <= 2


@pytest.mark.slow
def test_a_sibling_survives_a_cancel_and_then_gets_the_device(ticking_server: str, text_file: Path) -> None:
    first = submit(ticking_server, text_file, ticks=3000, delay=0.1)
    wait_for(lambda: len(first.outputs()) >= 3)
    second = submit(ticking_server, text_file, ticks=5)
    wait_for(lambda: second.status().code.name == "IN_QUEUE")
    assert second.outputs() == []
    first.cancel()
    second.result(timeout=60)
    assert second.outputs()[-1]["type"] == "result"


def test_a_client_that_vanishes_frees_the_device(ticking_server: str, text_file: Path) -> None:
    """A closed laptop must not hold the GPU: the stream's end is a cancel."""
    upload = http.post(f"{ticking_server}/gradio_api/upload", files={"files": ("a.txt", b"hello")}).json()
    config = http.get(f"{ticking_server}/config").json()
    index = next(item["id"] for item in config["dependencies"] if item["api_name"] == "tick")
    data = [{"path": upload[0], "meta": {"_type": "gradio.FileData"}}, "", {"ticks": 3000, "delay": 0.1}, None]
    joined = {"fn_index": index, "session_hash": "vanishing", "data": data}
    assert http.post(f"{ticking_server}/gradio_api/queue/join", json=joined).is_success
    before, closed = len(ticking.TICKS), len(ticking.CLOSED)
    with httpx.stream("GET", f"{ticking_server}/gradio_api/queue/data?session_hash=vanishing", timeout=60) as stream:
        wait_for(lambda: len(ticking.TICKS) > before + 3)
        del stream
    wait_for(lambda: len(ticking.CLOSED) > closed)


@pytest.mark.parametrize(
    ("content", "options", "code", "words"),
    [
        ("bad", {}, "bad_input", "This file is bad; choose a good one."),
        ("good", {"colour": 1}, "bad_input", "no option called “colour”"),
        ("good", ["no", "object"], "bad_input", "JSON object"),
        ("crash", {}, "crash", "a fault of ours"),
    ],
)
def test_an_error_is_one_sentence_and_a_code(
    ticking_server: str, tmp_path: Path, content: str, options: object, code: str, words: str
) -> None:
    path = tmp_path / "input.txt"
    path.write_text(content)
    client = http.client(ticking_server)
    job = client.submit(handle_file(path), "", options, api_name="/tick")
    with pytest.raises(Exception, match=r"\w"):
        job.result(timeout=60)
    error = job.outputs()[-1]
    assert (error["type"], error["code"]) == ("error", code)
    assert words in error["sentence"] and "Traceback" not in error["sentence"]


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (OSError(errno.EACCES, "Permission denied", "/home/someone/weights"), "crash", "The download stopped"),
        (OSError(errno.ENOSPC, "No space left on device"), "engine_failed", "make room"),
        (MemoryError(), "engine_failed", "out of memory"),
        (DownloadFailed("The line is dead."), "download_failed", "The line is dead."),
    ],
)
def test_a_fetch_that_goes_wrong_is_one_sentence_too(
    ticking_server: str, monkeypatch: pytest.MonkeyPatch, fault: Exception, code: str, words: str
) -> None:
    def fetch(*_: object) -> Iterator[Progress]:
        yield Progress("Downloading Ticker", 1, 2, "bytes")
        raise fault

    monkeypatch.setattr(WeightStore, "fetch", fetch)
    job = http.client(ticking_server).submit("ticker", api_name="/fetch")
    with pytest.raises(Exception, match=words) as raised:
        job.result(timeout=60)
    progress, error = job.outputs()
    assert (progress["type"], error["type"], error["code"]) == ("progress", "error", code)
    assert words in error["sentence"]
    assert "/home/someone" not in error["sentence"] + str(raised.value)


def test_a_path_as_model_is_refused_over_the_network(ticking_server: str, text_file: Path) -> None:
    job = http.client(ticking_server).submit(handle_file(text_file), "/etc/passwd", {}, api_name="/tick")
    with pytest.raises(Exception, match="no model called"):
        job.result(timeout=60)


@pytest.mark.parametrize("path", ["/etc/passwd", "pyproject.toml", "../../etc/passwd"])
def test_no_file_of_the_machine_can_be_read(ticking_server: str, path: str) -> None:
    assert http.get(f"{ticking_server}/gradio_api/file={path}").status_code in (403, 404)
    assert http.get(f"{ticking_server}/jobs/..%2F..%2Fetc/passwd").status_code == 404
    config = http.get(f"{ticking_server}/config").json()
    index = next(item["id"] for item in config["dependencies"] if item["api_name"] == "tick")
    sent = {
        "fn_index": index,
        "session_hash": "thief",
        "data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, "", {}, None],
    }
    http.post(f"{ticking_server}/gradio_api/queue/join", json=sent)
    with httpx.stream("GET", f"{ticking_server}/gradio_api/queue/data?session_hash=thief", timeout=60) as stream:
        answer = "".join(stream.iter_text())
    assert '"success":false' in answer.replace(" ", "") and "root:" not in answer and "fourfold" not in answer


@pytest.mark.slow
def test_a_full_queue_is_refused_in_words(ticking_server: str, text_file: Path) -> None:
    blocker = submit(ticking_server, text_file, ticks=3000, delay=0.1)
    wait_for(lambda: len(blocker.outputs()) >= 2)
    with ThreadPoolExecutor(18) as pool:
        jobs = list(pool.map(lambda _: submit(ticking_server, text_file, ticks=1), range(18)))
    refused = wait_for(lambda: [job for job in jobs if job.done() and job.exception()])
    assert any("full" in str(job.exception()).lower() for job in refused)
    for job in (*jobs, blocker):
        job.cancel()
