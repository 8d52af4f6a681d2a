"""A server with a token answers only to those who know it; the studio sends it to its model server."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from backends.cli import main as backends_main
from backends.core import access
from backends.serving import guard
from backends.serving.guard import COOKIE, Guard
from studio import startup
from studio.jobs.backend import Backend
from tests.support.asgi import inside

WORD = "täglich 12 & mehr"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("FOURFOLD_TOKEN", WORD)
    return TestClient(Guard(inside, "0.0.0.0"), base_url="http://studio:8501")


def test_whoever_has_no_token_is_told_how_to_give_it(client: TestClient) -> None:
    for answer in (
        client.get("/runs"),
        client.get("/?token=wrong"),
        client.post("/x", headers={access.HEADER: "wrong"}),
    ):
        assert answer.status_code == 401 and "?token=" in answer.text and WORD not in answer.text
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream"):
        pass


def test_a_watchdog_needs_no_token(client: TestClient) -> None:
    assert client.get("/healthz").text == client.get("/base/readyz").text == "inside"


def test_a_browser_gives_the_token_once(client: TestClient) -> None:
    answer = client.get("/songs", params={"run": "abc", "token": WORD}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/songs?run=abc")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and WORD not in cookie
    assert client.get("/songs").text == "inside"  # with the cookie
    with client.websocket_connect("/_stcore/stream", headers={"Cookie": cookie.split(";")[0]}):
        pass
    client.cookies.clear()
    client.cookies.set(COOKIE, "0" * 64)
    assert client.get("/songs").status_code == 401


def test_programs_send_it_in_a_header(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURFOLD_TOKEN", "plain-word")
    client = TestClient(Guard(inside), base_url="http://localhost")
    assert client.get("/info", headers=access.headers()).text == "inside"
    assert client.get("/info", headers={"Authorization": "Bearer plain-word"}).text == "inside"
    assert Backend("http://models")._http.headers[access.HEADER] == "plain-word"


def test_without_a_token_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOURFOLD_TOKEN", raising=False)
    assert TestClient(Guard(inside), base_url="http://localhost").get("/info").text == "inside"
    assert access.headers() == {}


def test_the_start_says_that_a_token_is_asked_for(client: TestClient) -> None:
    greeting = startup.greeting("0.0.0.0", 8501)
    assert "FOURFOLD_TOKEN" in greeting and "Anyone who can reach" not in greeting and WORD not in greeting


def test_whoever_tries_many_tokens_has_to_wait(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = [client.get("/runs", headers={access.HEADER: f"guess {n}"}).status_code for n in range(12)]
    assert tries == [401] * guard.WRONG_TOKENS + [429, 429]
    answer = client.get("/?", params={"token": WORD}, follow_redirects=False)
    assert answer.status_code == 429 and "wait a minute" in answer.text
    assert client.get("/healthz").status_code == 200
    monkeypatch.setattr(guard, "WRONG_SECONDS", 0.0)  # a minute later
    assert client.get("/?", params={"token": WORD}, follow_redirects=False).status_code == 303


def test_to_ask_without_any_token_is_no_wrong_token(client: TestClient) -> None:
    assert {client.get("/runs").status_code for _ in range(30)} == {401}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2"])
def test_a_studio_that_others_can_reach_makes_a_token_and_shows_it_once(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(access.SETTING, "")
    monkeypatch.delenv(access.OPEN_SETTING, raising=False)
    made = startup.admit(host)
    assert len(made) >= 16 and access.token() == made  # for the backend that it starts, too
    assert f":8501/?token={made}" in startup.greeting(host, 8501, made)
    assert startup.admit(host) == "", "one that is set is kept"


def test_no_token_is_made_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(access.SETTING, "")
    assert startup.admit("127.0.0.1") == ""
    monkeypatch.setenv(access.OPEN_SETTING, "1")
    assert startup.admit("0.0.0.0") == "" and access.token() == ""
    assert "WARNING: anyone who can reach this computer" in startup.greeting("0.0.0.0", 8501)


def test_a_model_server_for_others_needs_a_token_or_the_word_that_it_needs_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(access.SETTING, "")
    monkeypatch.delenv(access.OPEN_SETTING, raising=False)
    assert backends_main(["serve", "--host", "0.0.0.0", "--port", "0"]) == 2
    said = capsys.readouterr().err
    assert "FOURFOLD_TOKEN" in said and "--open" in said
    monkeypatch.setattr("backends.serving.process.serve_until_stopped", lambda *_, **__: None)
    assert backends_main(["serve", "--host", "0.0.0.0", "--port", "0", "--open"]) in (0, None)
    assert "WARNING: anyone who can reach this machine" in capsys.readouterr().err
