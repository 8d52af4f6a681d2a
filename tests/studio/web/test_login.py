"""Addresses of a studio that asks for a log-in: each answers for the visitor of the cookie, and for nobody else."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import soundfile
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from backends.serving.guard import Guard
from studio import login, services, startup, streamlit_patches, visitors
from studio.findings import story_files
from studio.findings.routes import routes as finding_routes
from studio.pictures import files
from studio.pictures.task import projects
from studio.web import urls
from studio.web.routes import routes
from tests.support.findings import RATE, song, told, tone

COOKIE, SECRET = "_streamlit_user", "a secret of this studio's own"
ISSUER = "https://id.example"
SETTINGS = {
    "client_id": "fourfold",
    "client_secret": "x",
    "server_metadata_url": f"{ISSUER}/.well-known/openid-configuration",
    "redirect_uri": "http://localhost/oauth2callback",
    "cookie_secret": SECRET,
}


def cookie(subject: str, secret: str = SECRET, **changes: object) -> dict[str, str]:
    claims = {"iss": ISSUER, "sub": subject, "is_logged_in": True, "origin": "http://localhost", **changes}
    return {COOKIE: create_signed_value(secret, COOKIE, json.dumps(claims)).decode()}


ADA, BOB = (f"{ISSUER}|{name}" for name in ("ada", "bob"))


async def page(_request: Request) -> Response:
    return PlainTextResponse("a page")


async def live(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(str(visitors.current()))
    await socket.close()


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What `.streamlit/secrets.toml` says."""
    given: dict[str, object] = dict(SETTINGS)
    monkeypatch.setattr(streamlit_patches, "auth_settings", lambda: given)
    monkeypatch.setattr("streamlit.web.server.starlette.starlette_websocket.get_cookie_secret", lambda: SECRET)
    return given


@pytest.fixture
def client() -> Iterator[TestClient]:
    services.stop()
    mounted = [*routes(services.library()), *finding_routes(""), WebSocketRoute("/live", live)]
    with TestClient(Starlette(routes=mounted, middleware=[Middleware(login.Visitors)])) as made:
        yield made
    services.stop()


@dataclass(frozen=True)
class Hers:
    """Addresses of what Ada made, each with a word of the answer that she gets."""

    addresses: dict[str, bytes]
    run: str


@pytest.fixture
def hers(client: TestClient) -> Hers:
    with visitors.acting(ADA):
        run = song("Ada's song")
        sound = io.BytesIO()
        soundfile.write(sound, tone("vocals").T, RATE, format="WAV")
        services.library().keep(run.id, "stem", "vocals", sound.getvalue(), file="vocals.wav")
        _, story = told(run)
        project = projects().create()
        picture = io.BytesIO()
        Image.new("RGB", (8, 8), "red").save(picture, "PNG")
        shown = project.add_class("red")
        files.import_files(project, [("red.png", picture.getvalue)], shown.id)
        (sha,) = project.state.pictures
        (upload,) = services.library().artifacts(run.id, "input")
        exported = story_files.new_path(".html")
        exported.write_text("a talk")
    return Hers(
        {
            urls.file_url(run.id, upload): b"fLaC of the visitor",
            f"/runs/{run.id}/stems.zip": b"vocals",
            f"/entries/{run.id}/cover": b"WEBP",
            f"/stories/{story.id}/present": b"A talk",
            f"/projects/{project.token}/thumbs/{sha}": b"WEBP",
            f"/projects/{project.token}/pictures/{sha}": b"WEBP",
            f"/projects/{project.token}/project.zip": b"PK",
            f"/story-files/{exported.name}": b"a talk",
        },
        run.id,
    )


def test_every_address_answers_its_own_visitor(client: TestClient, hers: Hers) -> None:
    client.cookies.update(cookie("ada"))
    for address, word in hers.addresses.items():
        answer = client.get(address)
        assert answer.status_code == 200 and word in answer.content, (address, answer.text)


FORGED = {
    "nothing": {},
    "another visitor": cookie("bob"),
    "another issuer": cookie("ada", iss="https://evil.example"),
    "another secret": cookie("ada", secret="guessed"),
    "no signature": {COOKIE: json.dumps({"iss": ISSUER, "sub": "ada", "is_logged_in": True})},
    "not logged in": cookie("ada", is_logged_in=False),
    "logged in by a word": cookie("ada", is_logged_in="true"),
    "no issuer": cookie("ada", iss=None),
    "the studio itself": cookie("", iss=""),
    "everybody": cookie("*", iss="*"),
    "a list": {COOKIE: create_signed_value(SECRET, COOKIE, "[1]").decode()},
    "a cookie of another name": {COOKIE: create_signed_value(SECRET, "_streamlit_xsrf", json.dumps({})).decode()},
}


@pytest.mark.parametrize("cookies", FORGED.values(), ids=FORGED)
def test_no_address_answers_anybody_else(client: TestClient, hers: Hers, cookies: dict[str, str]) -> None:
    client.cookies.update(cookies)
    for address, word in hers.addresses.items():
        answer = client.get(address)
        assert answer.status_code == 404 and word not in answer.content, (address, answer.status_code)
        assert answer.text.startswith("Th") and "\n" not in answer.text, "one sentence"


def test_a_zip_of_several_runs_holds_nobody_elses(client: TestClient, hers: Hers) -> None:
    with visitors.acting(BOB):
        his = song("Bob's song")
        services.library().keep(his.id, "stem", "vocals", b"his", file="vocals.flac")
    client.cookies.update(cookie("bob"))
    whole = client.get(urls.zip_url([his.id, hers.run])).content
    assert b"Bob's song/" in whole and b"Ada's song" not in whole
    assert client.get(urls.zip_url([hers.run])).status_code == 409


def test_sockets_are_for_visitors_too(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/live"):
        pass
    client.cookies.update(cookie("ada"))
    with client.websocket_connect("/live") as socket:
        assert socket.receive_text() == ADA


def test_health_needs_no_log_in_and_tells_of_nobodys_runs(client: TestClient, hers: Hers) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "runs": 0}


def test_without_a_log_in_everything_is_there_as_ever(
    client: TestClient, hers: Hers, settings: dict[str, object]
) -> None:
    settings.clear()
    for address, word in hers.addresses.items():
        if "/story-files/" not in address:  # which lies in the folder of its visitor
            assert word in client.get(address).content, address
    with client.websocket_connect("/live") as socket:
        assert socket.receive_text() == "None"


def test_a_log_in_stands_in_place_of_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURFOLD_TOKEN", "the backend's")
    for tokens, status in ((True, 401), (False, 200)):
        guard = Middleware(Guard, address="0.0.0.0", origins=False, tokens=tokens)
        with TestClient(Starlette(routes=[Route("/", page)], middleware=[guard])) as client:
            assert client.get("/").status_code == status


def test_mistakes_in_the_secrets_are_said_at_the_start(
    settings: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "has_authlib", lambda: True)
    login.check()
    assert login.providers() == ("",)
    assert startup.admit("0.0.0.0") == "" and "Visitors log in" in startup.greeting("0.0.0.0", 8501)
    monkeypatch.setenv("FOURFOLD_TOKEN", "the backend's")
    assert "Visitors log in" in startup.greeting("0.0.0.0", 8501)
    settings["google"] = {"client_id": "a", "server_metadata_url": "b"}
    assert login.providers() == ("", "google")
    for key in ("redirect_uri", "cookie_secret"):
        with pytest.MonkeyPatch.context() as patch:
            patch.delitem(settings, key)
            with pytest.raises(login.BadInput, match=r"\[auth\]"):
                login.check()
    monkeypatch.setattr(login, "has_authlib", lambda: False)
    with pytest.raises(login.BadInput, match="requirements-login"):
        login.check()
    settings.clear()
    login.check()
