"""Files above the limit: never in memory, and refused in the product's own words."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from studio.ui import file_chooser
from studio.web import upload_limit
from studio.web.upload_limit import NOTE_TYPE, UPLOAD_PATH, UploadLimit

ROOT = Path(__file__).parents[3]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A server that says what it got as an upload, of at most 2,000 bytes each and 5,000 together."""
    monkeypatch.setattr(upload_limit, "MAX_UPLOAD_BYTES", 2000)

    async def take(request: Request) -> JSONResponse:
        form = await request.form()
        file: Any = next(iter(form.values()))
        data = await file.read()
        return JSONResponse({"name": file.filename, "type": file.content_type, "data": data.decode()})

    app = Starlette(routes=[Route(f"{UPLOAD_PATH}a/b", take, methods=["PUT"])])
    return TestClient(UploadLimit(app, bytes_in_memory=lambda: 3000, most=5000))


def put(client: TestClient, size: int, name: str = "film ü.mov") -> dict[str, Any]:
    answer = client.put(f"{UPLOAD_PATH}a/b", files={name: (name, b"x" * size, "video/quicktime")})
    assert answer.status_code == 200
    return answer.json()


def test_a_file_that_fits_arrives_as_it_is(client: TestClient) -> None:
    assert put(client, 1000) == {"name": "film ü.mov", "type": "video/quicktime", "data": "x" * 1000}


def test_a_file_that_is_too_large_becomes_a_note_of_its_size(client: TestClient) -> None:
    got = put(client, 300_000)
    note = json.loads(got["data"])
    assert (got["name"], got["type"], note["reason"]) == ("film ü.mov", NOTE_TYPE, "size")
    assert 300_000 <= note["bytes"] < 301_000


def test_files_of_others_leave_no_room(client: TestClient) -> None:
    crowded = TestClient(UploadLimit(client.app.app, bytes_in_memory=lambda: 4500, most=5000))  # type: ignore
    note = json.loads(put(crowded, 1000)["data"])
    assert note["reason"] == "room" and 1000 <= note["bytes"] < 2000


def test_what_is_no_form_and_an_endless_one_are_cut_off(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = client.put(f"{UPLOAD_PATH}a/b", content=b"y" * 3000)
    assert answer.status_code == 413 and answer.text == upload_limit.BROKEN
    monkeypatch.setattr(upload_limit, "MAX_SKIPPED_BYTES", 10_000)
    assert client.put(f"{UPLOAD_PATH}a/b", files={"a": b"x" * 20_000}).status_code == 413


def upload(name: str, size: int = 0, note: bytes = b"", type: str = "") -> Any:
    return SimpleNamespace(name=name, size=size, type=type or (NOTE_TYPE if note else ""), getvalue=lambda: note)


def test_the_page_says_how_large_a_file_is_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = file_chooser.refusal
    assert refusal(upload("a.mov", 500 << 20), 500) == ""
    sentence = refusal(upload("my *film*.mov", note=b'{"reason": "size", "bytes": 2300000000}'), 500, "Cut it.")
    assert sentence == r"“my \*film\*.mov” is 2.3 GB; files of up to 500 MB can be used here. Cut it."
    assert "550 MB" in refusal(upload("a.mov", 550_000_000), 500)
    assert "no room for “a.mov” (90 MB)" in refusal(upload("a.mov", note=b'{"reason": "room", "bytes": 90000000}'), 500)
    for forged in (b"", b"[]", b'{"bytes": "many"}', b'{"reason": 1, "bytes": 1e999}', b"\xff"):
        assert refusal(upload("a.mov", note=forged, type=NOTE_TYPE), 500)


def test_no_page_has_a_chooser_that_refuses_in_words_of_its_own() -> None:
    direct = [path.name for folder in ("studio", "pages") for path in (ROOT / folder).rglob("*.py")
              if "st.file_uploader(" in path.read_text()]  # fmt: skip
    assert direct == ["file_chooser.py"]
    settings = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    assert settings["server"]["maxUploadSize"] == upload_limit.MAX_UPLOAD_MB
