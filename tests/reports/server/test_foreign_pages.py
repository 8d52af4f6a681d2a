"""Pages of other sites reach neither the model server nor the studio, whatever a browser lets them send."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from backends.serving.gradio_internals import is_hidden
from backends.serving.guard import FOREIGN_PAGE, STRANGE_HOST, Guard, is_loopback
from tests.support import http
from tests.support.asgi import inside

EVIL = "https://evil.example"


def client(address: str = "127.0.0.1", host: str = "localhost:7860", **options: bool) -> TestClient:
    return TestClient(Guard(inside, address, **options), base_url=f"http://{host}")


@pytest.mark.parametrize(
    "host", ["localhost:7860", "127.0.0.1", "127.8.9.1:80", "[::1]:7860", "LOCALHOST.:1", "a.localhost"]
)
def test_this_machine_answers_to_its_own_names(host: str) -> None:
    assert client(host=host).get("/info").text == "inside"


@pytest.mark.parametrize(
    "host", ["evil.example:7860", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.9", "x"]
)
def test_a_name_that_was_pointed_here_is_turned_away(host: str) -> None:
    answer = client(host=host).get("/info", headers={"Origin": f"http://{host}"})
    assert (answer.status_code, answer.text) == (403, STRANGE_HOST)
    with pytest.raises(WebSocketDisconnect), client(host=host).websocket_connect("/live"):
        pass


def test_names_that_the_operator_gave_are_answered_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURFOLD_HOSTS", "Studio.example, gpu")
    assert client(host="studio.example").get("/").text == "inside"
    assert client(host="localhost:1").get("/", headers={"Origin": "https://studio.example"}).text == "inside"
    assert client(host="evil.example").get("/").status_code == 403
    assert client("0.0.0.0", host="evil.example").get("/").status_code == 403
    assert client("0.0.0.0", host="10.1.2.3:7860").get("/").text == "inside"


def test_beyond_this_machine_any_name_may_be_its_own() -> None:
    assert client("0.0.0.0", host="gpu-machine:7860").get("/info").text == "inside"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("origin", [EVIL, "null", "http://localhost:9999", "http://localhost", "file://"])
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_another_site_is_refused_and_gets_no_permission_to_read(method: str, origin: str, address: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = client(address).request(method, "/gradio_api/upload", headers=headers)
    assert (answer.status_code, answer.text) == (403, FOREIGN_PAGE)
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_picture_or_a_form_on_another_site_starts_nothing(site: str) -> None:
    """Such a request has no Origin; browsers say where it comes from in Sec-Fetch-Site."""
    embedded = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    assert client().get("/gradio_api/startup-events", headers=embedded).status_code == 403
    followed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
    assert client().get("/", headers=followed).text == "inside"
    assert client().get("/info", headers=followed).status_code == 403


def test_programs_and_own_pages_are_let_in() -> None:
    assert client().post("/gradio_api/upload").text == "inside"
    assert client().post("/upload", headers={"Origin": "http://localhost:7860"}).text == "inside"
    assert client().get("/info", headers={"Sec-Fetch-Site": "same-origin"}).text == "inside"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("::1", True), ("::ffff:127.0.0.1", True), ("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("", False)],
)
def test_loopback_is_told_from_the_network(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/startup-events", "/gradio_api/startup-events/", "/gradio_api/file=/etc/passwd",
        "/gradio_api/file/a/b.wav", "/gradio_api/proxy=https://evil.example/", "/gradio_api/run/separate",
        "/gradio_api/api/separate", "/gradio_api/component_server", "/gradio_api/vibe-edit", "/gradio_api/dev/reload",
        "/gradio_api/process_recording", "/gradio_api/deep_link", "/gradio_api/stream/a",
        "/gradio_api/run-history/records",
        "/monitoring", "/monitoring/summary", "/runs",
    ],
)  # fmt: skip
def test_what_gradio_offers_beyond_jobs_is_hidden(path: str) -> None:
    assert is_hidden(path)


@pytest.mark.parametrize(
    "path",
    [
        "/", "/config", "/assets/index.js", "/theme.css", "/gradio_api/info", "/gradio_api/upload",
        "/gradio_api/queue/join",
        "/gradio_api/queue/data", "/gradio_api/cancel", "/gradio_api/call/separate", "/gradio_api/call/separate/1",
        "/gradio_api/heartbeat/a", "/gradio_api/upload_progress", "/jobs/a/b", "/info",
    ],
)  # fmt: skip
def test_what_jobs_need_is_not_hidden(path: str) -> None:
    assert not is_hidden(path)


@pytest.mark.slow
def test_a_real_server_stands_behind_the_guard(ticking_server: str, tmp_path: Path) -> None:
    upload = http.post(f"{ticking_server}/gradio_api/upload", files={"files": ("a.txt", b"hello")}).json()[0]
    for path in (f"file={upload}", f"file/{upload}", "startup-events"):
        assert http.get(f"{ticking_server}/gradio_api/{path}").status_code == 404
    assert http.head(f"{ticking_server}/gradio_api/file={upload}").status_code == 404
    foreign = {"Origin": EVIL}
    files = {"files": ("a.txt", b"hello")}
    assert http.post(f"{ticking_server}/gradio_api/upload", files=files, headers=foreign).status_code == 403
    for path in ("info", "config", "gradio_api/queue/data?session_hash=a"):
        answer = http.get(f"{ticking_server}/{path}", headers=foreign)
        assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
    assert http.get(f"{ticking_server}/info", headers={"Host": "evil.example"}).status_code == 403
