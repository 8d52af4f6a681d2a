"""Requests and files that are made to reach more than they should."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from backends.core.errors import BadInput, UserError
from backends.folding.structure import confidence_file
from backends.folding.structure.confidence_file import read_content
from backends.serving.gradio_internals import UNREADABLE
from backends.serving.job_folders import JobFolders
from backends.serving.routes import NO_FILE
from backends.serving.running_jobs import ID
from backends.serving.uploads import Uploads, refuse_addresses
from backends.shared import images
from studio.library.library import Library
from studio.library.models import RUN_ID, new_run_id
from tests.support import http
from tests.support.library import begin

UPWARDS = ["../secret", "..", "a/../../secret", "/etc/passwd", "..%2Fsecret", "secret\0", "", "."]


@pytest.mark.parametrize("name", UPWARDS)
def test_a_name_finds_no_file_that_the_job_has_not_registered(tmp_path: Path, name: str) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "secret").write_text("secret")
    folders = JobFolders(tmp_path / "jobs")
    folder = folders.open()
    (folder.path / "secret").write_text("not registered")
    assert folders.find(folder.token, name) is None
    assert folders.find(name, "secret") is None and folders.job(name) is None
    assert not folders.discard(name)
    assert (tmp_path / "secret").exists() and folder.path.exists()


@pytest.mark.parametrize(
    "token", ["short", "../../../../etc/passwd-and-more", "a" * 65, "a" * 21, "ä" * 30, "a b" * 10]
)
def test_a_client_cannot_choose_where_its_files_lie(tmp_path: Path, token: str) -> None:
    folder = JobFolders(tmp_path).open(token)
    assert folder.token != token and ID.fullmatch(folder.token) and folder.path.parent == tmp_path


def test_two_clients_cannot_share_a_job_by_its_name(tmp_path: Path) -> None:
    folders, token = JobFolders(tmp_path), "a" * 32
    assert folders.open(token).token == token
    assert folders.open(token).token != token


def test_names_that_give_access_cannot_be_guessed(tmp_path: Path) -> None:
    """32 bytes of base64 are 192 bits, 32 hex digits 128."""
    tokens = {JobFolders(tmp_path).open().token for _ in range(50)}
    assert len(tokens) == 50 and {len(token) for token in tokens} == {32}
    runs = {new_run_id() for _ in range(50)}
    assert len(runs) == 50 and all(RUN_ID.fullmatch(run) and len(run) == 32 for run in runs)


@pytest.mark.parametrize("name", [name for name in UPWARDS if name])
def test_no_name_leads_out_of_a_run(library: Library, name: str) -> None:
    run = begin(library)
    library.keep(run.id, "stem", "vocals", b"sound")
    assert library.find(run.id, name) is None
    with pytest.raises(UserError):
        library.storage.files(name)


@pytest.mark.parametrize(
    "file",
    [
        {"path": "http://127.0.0.1:1/"}, {"path": " HTTPS://a/"}, {"path": "/a", "url": "http://127.0.0.1:1/"},
        {"deep": [{"er": {"path": "https://a"}}]}, [[{"path": "http:a"}]],
        {"path": "/a", "url": "http://a/gradio_api/file=/b"},
    ],
)  # fmt: skip
def test_the_server_fetches_nothing_for_a_client(file: Any) -> None:
    with pytest.raises(BadInput, match="does not fetch files"):
        refuse_addresses([file, "", {}])


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret", "ftp://a/b", "file:///etc/passwd", "data:,a", "link"])
def test_only_what_was_uploaded_is_read(tmp_path: Path, path: str) -> None:
    root = tmp_path / "uploads"
    root.mkdir()
    (tmp_path / "secret").write_text("secret")
    (root / "link").symlink_to(tmp_path / "secret")
    assert not Uploads(root).holds(root / path)


@pytest.mark.parametrize(
    "name", ["../../evil.txt", "/etc/evil.txt", "a/b/../../../../evil.txt", "evil.txt\r\nX: y", "."]
)
def test_an_upload_lies_in_its_folder_whatever_its_name(ticking_server: str, name: str) -> None:
    answer = http.post(f"{ticking_server}/gradio_api/upload", files={"files": (name, b"hello")})
    if answer.is_success:
        path = Path(answer.json()[0])
        assert ".." not in path.parts and path.parent.parent.name == "uploads"
    assert not (Path("/etc/evil.txt").exists() or Path("../../evil.txt").exists())


def test_an_upload_without_a_file_or_a_name_is_a_sentence(ticking_server: str) -> None:
    answer = http.post(f"{ticking_server}/gradio_api/upload", files={"files": ("", b"hello")})
    assert answer.status_code == 400 and answer.json()["error"] == NO_FILE
    empty = http.post(
        f"{ticking_server}/gradio_api/upload",
        content=b'--XX\r\nContent-Disposition: form-data; name="files"; filename=""\r\n\r\nhello\r\n--XX--\r\n',
        headers={"content-type": "multipart/form-data; boundary=XX"},
    )
    assert empty.is_success and Path(empty.json()[0]).parent.parent.name == "uploads"  # it gets a name of ours


UNPARSED = "There was an error parsing the body"
"""FastAPI's own words, where a body is no text."""


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("queue/join", b'{"fn_index": 99999, "data": [], "session_hash": "x"}'),
        ("call/nothing", b'{"data": []}'),
        ("cancel", b"\xff" * 100),
    ],
)
def test_a_body_that_means_nothing_is_a_sentence_and_no_fault_of_ours(
    ticking_server: str, path: str, body: bytes
) -> None:
    answer = http.post(
        f"{ticking_server}/gradio_api/{path}", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400 and answer.json() in ({"error": UNREADABLE}, {"detail": UNPARSED})


def test_a_watchdog_may_ask_for_the_head_alone(ticking_server: str) -> None:
    for path in ("healthz", "readyz"):
        assert httpx.head(f"{ticking_server}/{path}", timeout=60).status_code == 200


@pytest.mark.parametrize(
    "file",
    [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, {"path": 5, "meta": 1}, "text", 7, [{}], True],
)
def test_a_request_that_makes_no_sense_shows_nothing_of_the_machine(ticking_server: str, file: Any) -> None:
    config = http.get(f"{ticking_server}/config").json()
    index = next(item["id"] for item in config["dependencies"] if item["api_name"] == "tick")
    session = new_run_id()
    body = {"fn_index": index, "session_hash": session, "data": [file, "", {}, None]}
    http.post(f"{ticking_server}/gradio_api/queue/join", json=body)
    with httpx.stream("GET", f"{ticking_server}/gradio_api/queue/data?session_hash={session}", timeout=60) as stream:
        answer = "".join(stream.iter_text())
    assert '"success":false' in answer.replace(" ", "")
    assert not any(word in answer.lower() for word in ("pydantic", "traceback", "site-packages", "uploads/", "root:"))


def test_a_compressed_file_that_unpacks_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confidence_file, "MAX_BYTES", 1 << 20)
    path = tmp_path / "pae.json.gz"
    path.write_bytes(gzip.compress(b"[" + b" " * (4 << 20)))
    with pytest.raises(UserError, match="over 1 MiB"):
        read_content(path)


def test_a_picture_with_a_text_that_unpacks_without_end_is_cut_off() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80 << 20), 1))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(4))) + chunk(b"IEND", b"")
    try:
        assert images.read(b"\x89PNG\r\n\x1a\n" + header + text + body).rgb.shape == (1, 1, 3)
    except UserError as error:
        assert "picture" in error.sentence
