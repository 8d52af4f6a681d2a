"""What a server keeps on its disk: nothing that a job has used, nothing for ever, nothing from web addresses."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import handle_file

from backends.serving.gradio_app import Server, build
from tests.support import http
from tests.support.servers import serving
from tests.support.waiting import wait_for


@dataclass(frozen=True)
class Running:
    address: str
    root: Path
    server: Server

    def files(self, folder: str = "") -> list[str]:
        return sorted(path.name for path in (self.root / folder).rglob("*") if path.is_file())

    def submit(self, path: Path, **options: float) -> Any:
        client = http.client(self.address)
        return client.submit(handle_file(path), "", options, api_name="/tick")

    def upload(self, content: bytes) -> str:
        return http.post(f"{self.address}/gradio_api/upload", files={"files": ("a.txt", content)}).json()[0]

    def join(self, session: str, file: dict[str, Any], **options: Any) -> None:
        config = http.get(f"{self.address}/config").json()
        index = next(item["id"] for item in config["dependencies"] if item["api_name"] == "tick")
        data = [{"meta": {"_type": "gradio.FileData"}, **file}, "", options, None]
        body = {"fn_index": index, "session_hash": session, "data": data}
        assert http.post(f"{self.address}/gradio_api/queue/join", json=body).is_success

    def told(self, session: str) -> str:
        """Everything that the server says to a session until its jobs are over."""
        address = f"{self.address}/gradio_api/queue/data?session_hash={session}"
        with httpx.stream("GET", address, timeout=60) as stream:
            return json.dumps([json.loads(line[6:]) for line in stream.iter_lines() if line], ensure_ascii=False)


def started(root: Path, **keeping: float) -> Iterator[Running]:
    """A server of its own in this process, and after it the environment as before."""
    from backends.core import task
    from backends.serving import gradio_app as server

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", "")
        patch.setattr(task, "PACKAGES", ("tests.support.ticking",))
        built: list[Any] = []
        patch.setattr(server, "build", lambda *given: built.append(build(*given, **keeping)) or built[0])
        for address in serving(root):
            yield Running(address, root, built[0].state.server)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    yield from started(tmp_path_factory.mktemp("server"))


@pytest.fixture
def running(shared: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """The server that all tests share, without the uploads that the test before meant for no job."""
    yield shared
    with monkeypatch.context() as patch:
        patch.setattr(shared.server.uploads, "keep", 0.0)
        shared.server.uploads.sweep()


def written(folder: Path, content: str) -> Path:
    path = folder / "input.txt"
    path.write_text(content)
    return path


@pytest.mark.parametrize("content", ["good", "bad", "crash"])
def test_a_finished_job_leaves_no_upload(running: Running, tmp_path: Path, content: str) -> None:
    job = running.submit(written(tmp_path, content))
    wait_for(lambda: any(event["type"] in ("result", "error") for event in job.outputs()))
    wait_for(lambda: not running.files("uploads"))


def test_a_cancelled_job_leaves_no_upload(running: Running, tmp_path: Path) -> None:
    job = running.submit(written(tmp_path, "long"), ticks=6000, delay=0.05)
    wait_for(lambda: len(job.outputs()) > 3)
    assert running.files("uploads") == ["input.txt"]
    job.cancel()
    wait_for(lambda: not running.files("uploads"))


def test_two_who_send_the_same_file_both_get_their_job(running: Running, tmp_path: Path) -> None:
    path = written(tmp_path, "popular")
    first = running.submit(path, ticks=6000, delay=0.05)
    wait_for(lambda: len(first.outputs()) > 3)
    second = running.submit(path)
    wait_for(lambda: second.status().code.name == "IN_QUEUE")
    first.cancel()
    second.result(timeout=60)
    assert second.outputs()[-1]["type"] == "result"
    wait_for(lambda: not running.files("uploads"))


@pytest.mark.slow
def test_one_upload_serves_two_jobs_that_wait_and_then_goes(running: Running) -> None:
    file = {"path": running.upload(b"twice")}
    running.join("one", file, ticks=60, delay=0.05)  # long enough for the second to join
    running.join("two", file, ticks=2)
    assert '"type": "result"' in running.told("one") and '"type": "result"' in running.told("two")
    wait_for(lambda: not running.files("uploads"))
    running.join("three", file)
    assert "not on the server any more; upload it again" in running.told("three")


def test_a_job_discarded_while_it_runs_goes_with_its_last_event(running: Running, tmp_path: Path) -> None:
    job = running.submit(written(tmp_path, "unwanted"), ticks=60, delay=0.05)
    wait_for(lambda: len(job.outputs()) > 3)
    token, part = job.outputs()[0]["job"], job.outputs()[1:]
    url = next(event["artifact"]["url"] for event in part if event["type"] == "partial")
    assert http.delete(f"{running.address}/jobs/{token}").json() == {"discarded": True}
    assert http.get(running.address + url).status_code == 404
    job.result(timeout=60)
    wait_for(lambda: not (running.root / "jobs" / token).exists())


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[Running]:
    """A server that looks often for what nobody wants any more."""
    yield from started(tmp_path / "server", sweep_every=0.1)


@pytest.mark.slow
def test_what_nobody_comes_back_for_is_swept(
    forgetful: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[None] = []
    sweep = forgetful.server.uploads.sweep
    monkeypatch.setattr(forgetful.server.uploads, "sweep", lambda: swept.append(sweep()))
    job = forgetful.submit(written(tmp_path, "good"), ticks=1)
    job.result(timeout=60)
    uploads, jobs = forgetful.root / "uploads", forgetful.root / "jobs"
    lost = Path(forgetful.upload(b"never became a job"))
    (uploads / "tmp1234").write_bytes(b"half an upl")
    (jobs / "of-the-server-before").mkdir()
    assert lost.is_file() and forgetful.files("jobs") == ["part-0.txt", "whole.txt"]
    swept.clear()
    wait_for(lambda: len(swept) > 3)
    assert lost.is_file() and forgetful.files("jobs") == ["part-0.txt", "whole.txt"]  # its hour is not over
    forgetful.server.folders.keep = forgetful.server.uploads.keep = 0.0
    wait_for(lambda: not [*uploads.iterdir(), *jobs.iterdir()])


def test_an_upload_whose_job_waits_long_is_not_swept(running: Running, tmp_path: Path) -> None:
    first = running.submit(written(tmp_path, "long"), ticks=6000, delay=0.05)
    wait_for(lambda: len(first.outputs()) > 3)
    patient, lost = Path(running.upload(b"patient")), Path(running.upload(b"lost"))
    running.join("patient", {"path": str(patient)})
    for path in (patient, lost):
        os.utime(path, (time.time() - 7200,) * 2)
    running.server.uploads.sweep()
    assert patient.is_file() and not lost.is_file()
    first.cancel()
    assert '"type": "result"' in running.told("patient")


@pytest.mark.parametrize("place", ["path", "url", "option", "file"])
def test_a_web_address_is_refused_before_anything_is_fetched(
    running: Running, hub, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Gradio shuns loopback, but not a proxy or a public address; here it is made to trust the server of the test."""

    async def trusted(host: str) -> str:
        return host

    monkeypatch.setattr("gradio.processing_utils.PUBLIC_HOSTNAME_WHITELIST", ["127.0.0.1"])
    monkeypatch.setattr("gradio.route_utils.safehttpx.async_validate_url", trusted)
    hub.serve("secret.txt", size=100)
    url = f"{hub.address}/secret.txt"
    if place == "file":
        assert http.get(f"{running.address}/gradio_api/file={url}").status_code == 404
    else:
        mine = {"path": running.upload(b"mine")}
        file = {"path": {"path": url}, "url": {**mine, "url": url}, "option": mine}[place]
        inner = {"inner": [{"path": url, "meta": {"_type": "gradio.FileData"}}]} if place == "option" else {}
        running.join(f"fetch {place}", file, **inner)
        told = running.told(f"fetch {place}")
        assert hub.log == [] and "does not fetch files from web addresses" in told
    assert hub.log == [] and "secret.txt" not in running.files()


def test_the_page_s_own_address_of_an_upload_is_no_web_address(running: Running) -> None:
    path = running.upload(b"from the page")
    running.join("page", {"path": path, "url": f"{running.address}/gradio_api/file={path}"})
    assert '"type": "result"' in running.told("page")


def test_the_queue_cannot_be_passed_by(running: Running) -> None:
    body = {"data": [{"path": running.upload(b"a"), "meta": {"_type": "gradio.FileData"}}, "", {}]}
    assert http.post(f"{running.address}/gradio_api/run/tick", json=body).status_code == 404
