"""The addresses: ranges, refusals in a sentence, nothing outside the library, and exports that decode to the stems."""

import io
import os
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, unquote

import anyio
import numpy as np
import pytest
import soundfile
from starlette.applications import Starlette
from starlette.testclient import TestClient

from studio.library.library import Library
from studio.songs import exports
from studio.web import urls
from studio.web.routes import routes
from studio.web.urls import file_url, run_url

RATE = 16000
BYTES = bytes(range(256)) * 8


@pytest.fixture
def client(library):
    with TestClient(Starlette(routes=routes(library))) as made:
        yield made


@pytest.fixture
def sounds():
    random = np.random.default_rng(3)
    names = ("vocals", "drums", "everything but vocals and drums")
    return {name: random.uniform(-0.3, 0.3, (2 * RATE, 2)).astype(np.float32) for name in names}


@pytest.fixture
def song(library, sounds):
    """A finished separation; its title and tags are a user's."""
    run = library.begin(
        task="separation", title="Blå: måne.mp3", engine="demucs", weights="htdemucs", card={"id": "htdemucs"}
    )
    for name, sound in sounds.items():
        library.keep(run.id, "stem", name, wav(sound), file="x.wav")
    library.keep(run.id, "mix", "mix", wav(sum(sounds.values())), file="x.wav", meta={"tags": {"artist": "Ærø"}})
    return library.finish(run.id, "done", 1.0)


@pytest.fixture
def tile(library):
    run = library.begin(task="separation", title="A song", engine="dsp")
    return library.keep(run.id, "spectrogram", "vocals", BYTES, file="tile.bin")


def mixdown_url(run_id, format, gains_db=None, *, pans=None, start=None, end=None):
    """The address as the player makes it; without `gains_db` all stems sound at 0 dB."""
    return f"{run_url(run_id)}/mixdown?{query(format=format, gains=gains_db, pans=pans, start=start, end=end)}"


def stems_url(run_id, format, start=None, end=None):
    return f"{run_url(run_id)}/stems.zip?{query(format=format, start=start, end=end)}"


def query(**values):
    def text(value):
        return ",".join(f"{quote(k)}:{v:g}" for k, v in value.items()) if isinstance(value, dict) else value

    return "&".join(f"{name}={text(value)}" for name, value in values.items() if value is not None)


def wav(sound):
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, RATE, subtype="FLOAT", format="WAV")
    return buffer.getvalue()


def heard(content):
    return soundfile.read(io.BytesIO(content), dtype="float64", always_2d=True)


def assert_sentence(response, status, words):
    assert response.status_code == status
    assert words in response.text
    assert response.text.endswith(".")
    assert "\n" not in response.text
    assert response.headers["content-type"].startswith("text/plain")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


# -- files ----------------------------------------------------------------------------------------------------------


def test_a_file_is_sent_whole_with_safe_headers(client, tile):
    answer = client.get(file_url(tile.run_id, tile))
    assert (answer.status_code, answer.content) == (200, BYTES)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["accept-ranges"] == "bytes"
    assert "content-disposition" not in answer.headers
    head = client.head(file_url(tile.run_id, tile))
    assert (head.headers["content-length"], head.content) == (str(len(BYTES)), b"")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("0-0", 0, 0), ("100-299", 100, 299), ("2000-", 2000, 2047), ("-5", 2043, 2047), ("2040-9999", 2040, 2047)],
)
def test_one_range(client, tile, asked, first, last):
    answer = client.get(file_url(tile.run_id, tile), headers={"Range": f"bytes={asked}"})
    assert (answer.status_code, answer.content) == (206, BYTES[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(BYTES)}"
    assert answer.headers["content-length"] == str(last - first + 1)


def test_several_ranges(client, tile):
    answer = client.get(file_url(tile.run_id, tile), headers={"Range": "bytes=0-1,10-12"})
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    assert BYTES[0:2] in answer.content and BYTES[10:13] in answer.content


@pytest.mark.parametrize("asked", ["2048-", "99999-100000", "-0"])
def test_a_range_outside_the_file(client, tile, asked):
    answer = client.get(file_url(tile.run_id, tile), headers={"Range": f"bytes={asked}"})
    assert_sentence(answer, 416, "only 2048 bytes")
    assert answer.headers["content-range"] == "bytes */2048"


@pytest.mark.parametrize("asked", ["bytes=abc", "bytes=5-2", "lines=1-2", "bytes=-", "bytes=" + "9" * 5000 + "-"])
def test_a_range_that_is_nonsense_breaks_nothing(client, tile, asked):
    assert client.get(file_url(tile.run_id, tile), headers={"Range": asked}).status_code in {200, 400, 416}


def test_an_unchanged_file_is_not_sent_again(client, tile):
    etag = client.get(file_url(tile.run_id, tile)).headers["etag"]
    again = client.get(file_url(tile.run_id, tile), headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(file_url(tile.run_id, tile), headers={"If-None-Match": '"other"'}).status_code == 200
    half = {"Range": "bytes=0-9"}
    assert client.get(file_url(tile.run_id, tile), headers={**half, "If-Range": etag}).status_code == 206
    assert client.get(file_url(tile.run_id, tile), headers={**half, "If-Range": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("a.wav", "audio/wav"),
        ("a.flac", "audio/flac"),
        ("a.png", "image/png"),
        ("a.webm", "video/webm"),
        ("a.html", "application/octet-stream"),  # with nosniff a browser saves it, and runs nothing
        ("a.svg", "application/octet-stream"),
        ("a.json", "application/json"),
        ("a.csv", "text/csv; charset=utf-8"),
    ],
)
def test_types_and_what_is_only_saved(client, library, tile, file, kind):
    stored = library.keep(tile.run_id, "x", file, b"<script>", file=file)
    answer = client.get(file_url(tile.run_id, stored))
    assert answer.headers["content-type"] == kind
    saved = file in {"a.json", "a.csv"}
    assert answer.headers.get("content-disposition", "").startswith("attachment") == saved


def test_a_download_has_a_readable_name(client, song, library):
    stored = library.artifacts(song.id, "stem")[0]
    disposition = client.get(file_url(song.id, stored, download=True)).headers["content-disposition"]
    assert disposition.startswith("attachment; filename*=utf-8''")
    assert unquote(disposition.split("''")[1]) == f"Blå måne - {stored.name} (htdemucs).wav"


@pytest.mark.parametrize(
    "path",
    [
        "../../../library.sqlite",
        "..%2f..%2f..%2flibrary.sqlite",
        "%2e%2e%2flibrary.sqlite",
        "..\\..\\library.sqlite",
        "%00",
        "/etc/passwd",
        "run.json",
        "a" * 5000,
    ],
)
def test_only_files_of_the_run_are_found(client, tile, library, absent_home, path):
    library.finish(tile.run_id, "done")
    assert (absent_home / "runs" / tile.run_id / "run.json").exists()  # on the disk, but no artifact
    answer = client.get(f"/runs/{tile.run_id}/files/{path}")
    assert answer.status_code == 404
    assert b"SQLite" not in answer.content and b"root:" not in answer.content


def test_unknown_runs_and_foreign_files(client, tile, song, library):
    for run in ("nosuchrun-nosuchrun", "..", "%2e%2e"):
        assert client.get(f"/runs/{run}/files/{tile.file}").status_code == 404
    assert_sentence(client.get(f"/runs/nosuchrun-nosuchrun/files/{tile.file}"), 404, "no such run")
    assert_sentence(client.get(f"/runs/{song.id}/files/{tile.file}"), 404, "no such file in this run")
    library.finish(tile.run_id, "done")
    library.local(tile.run_id, tile).unlink()
    assert_sentence(client.get(file_url(tile.run_id, tile)), 404, "no longer in the storage")
    library.delete(tile.run_id)
    assert_sentence(client.get(file_url(tile.run_id, tile)), 404, "no such run")


def test_a_remote_storage_is_served_the_same(absent_home, tmp_path):
    library = Library(storage=f"memory://{tmp_path.name}-media")
    stored = library.keep(library.begin(task="t", title="t", engine="e").id, "x", "x", BYTES, file="x.bin")
    with TestClient(Starlette(routes=routes(library))) as client:
        answer = client.get(file_url(stored.run_id, stored), headers={"Range": "bytes=5-7"})
    assert (answer.status_code, answer.content) == (206, BYTES[5:8])


# -- exports --------------------------------------------------------------------------------------------------------


def test_a_mixdown_is_what_was_heard(client, song, sounds, absent_home):
    gains = {"vocals": -3.0, "everything but vocals and drums": 0.0}
    answer = client.get(mixdown_url(song.id, "wav32f", gains, start=0.25, end=1.5))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["cache-control"] == "no-store"
    name = unquote(answer.headers["content-disposition"].split("''")[1])
    assert name == "Blå måne - without drums (htdemucs).wav"
    sound, rate = heard(answer.content)
    true = sounds["vocals"] * 10 ** (-3 / 20) + sounds["everything but vocals and drums"]
    assert rate == RATE
    assert np.abs(sound - true[RATE // 4 : RATE * 3 // 2]).max() < 1e-6
    assert list((absent_home / "exports").iterdir()) == []


def test_a_mixdown_is_panned_as_heard(client, song, sounds):
    answer = client.get(mixdown_url(song.id, "wav32f", {"vocals": 0.0}, pans={"vocals": -1.0}))
    sound, _ = heard(answer.content)
    assert np.abs(sound[:, 0] - sounds["vocals"].sum(axis=1)).max() < 1e-6
    assert np.abs(sound[:, 1]).max() < 1e-6


def test_without_gains_the_whole_song_is_mixed_and_tagged(client, song, sounds):
    answer = client.get(mixdown_url(song.id, "flac"))
    with soundfile.SoundFile(io.BytesIO(answer.content)) as file:
        assert (file.artist, file.title) == ("Ærø", "Blå: måne.mp3")
        assert np.abs(file.read() - sum(sounds.values())).max() < 1e-6
    assert unquote(answer.headers["content-disposition"]).endswith("Blå måne - mix (htdemucs).flac")


def test_the_zip_holds_every_stem(client, song, sounds, absent_home):
    answer = client.get(stems_url(song.id, "wav24"))
    assert answer.headers["content-type"] == "application/zip"
    assert unquote(answer.headers["content-disposition"]).endswith("Blå måne - stems (htdemucs).zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = [f"Blå måne - {name} (htdemucs).wav" for name in sorted(sounds)]
        assert archive.namelist() == names
        total = sum(heard(archive.read(name))[0] for name in names)
    assert np.abs(total - sum(sounds.values())).max() < 1e-6
    assert list((absent_home / "exports").iterdir()) == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("format=wma", "“wma” is not a format"),
        ("gains=", "Nothing can be heard"),
        ("gains=kazoo:1", "no stem called “kazoo”"),
        ("gains=vocals", "The gain of “vocals” must be a number"),
        ("gains=vocals:loud", "The gain of “vocals” must be a number"),
        ("gains=vocals:nan", "gain of “vocals”"),
        ("pans=vocals:left", "The pan of “vocals” must be a number"),
        ("pans=vocals:2", "The pan of “vocals” must lie"),
        ("start=abc", "The start of the region must be a number"),
        ("start=1&end=0.5", "Choose a region"),
        ("start=99", "Choose a region"),
        ("end=1e999", "Choose a region"),
    ],
)
def test_exports_that_make_no_sense(client, song, absent_home, query, words):
    assert_sentence(client.get(f"/runs/{song.id}/mixdown?{query}"), 400, words)
    assert list((absent_home / "exports").glob("*")) == []


def test_exports_of_runs_that_are_not_there_or_not_done(client, library, tile):
    for kind in ("mixdown", "stems.zip"):
        assert_sentence(client.get(f"/runs/nosuchrun-nosuchrun/{kind}"), 404, "no such run")
        assert_sentence(client.get(f"/runs/{tile.run_id}/{kind}"), 409, "still going")
    library.finish(tile.run_id, "failed")
    for kind in ("mixdown", "stems.zip"):
        assert_sentence(client.get(f"/runs/{tile.run_id}/{kind}"), 409, "no finished stems")


def test_a_head_request_makes_nothing(client, song, monkeypatch):
    monkeypatch.setattr(exports, "mixdown", lambda *_, **__: pytest.fail("made an export for a HEAD"))
    assert client.head(mixdown_url(song.id, "mp3")).status_code == 405


def test_a_full_disk_is_told(client, song, monkeypatch):
    monkeypatch.setattr("studio.songs.mixdown.shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    assert_sentence(client.get(mixdown_url(song.id, "wav24")), 507, "no room")


def test_few_exports_run_at_once_and_many_are_refused(library, song, monkeypatch):
    running, most, gate, lock = 0, 0, threading.Event(), threading.Lock()
    real = exports.mixdown

    def slow(*args, **kwargs):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(90)
        with lock:
            running -= 1
        return real(*args, **kwargs)

    monkeypatch.setattr(exports, "mixdown", slow)
    allowed = exports.EXPORTS_AT_ONCE + exports.EXPORTS_WAITING
    answers = []
    with TestClient(Starlette(routes=routes(library))) as client:
        ask = lambda: answers.append(client.get(mixdown_url(song.id, "wav24", end=0.1)))  # noqa: E731
        threads = [threading.Thread(target=ask) for _ in range(allowed + 2)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        while (len(answers) < 2 or running < exports.EXPORTS_AT_ONCE) and time.monotonic() < deadline:
            gate.wait(0.01)  # the two over the limit are answered while the others wait
        gate.wait(0.2)  # time enough for one too many to start
        refused = list(answers)
        gate.set()
        for thread in threads:
            thread.join()
    for answer in refused:
        assert_sentence(answer, 503, "try again")
        assert answer.headers["retry-after"] == "30"
    assert sorted(answer.status_code for answer in answers) == [200] * allowed + [503] * 2
    assert most == exports.EXPORTS_AT_ONCE


def test_an_export_is_removed_though_the_browser_went_away(library, song, absent_home):
    async def fetch():
        sent = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(list((absent_home / "exports").iterdir()))
            if message["type"] == "http.response.body":
                raise ConnectionResetError

        path = f"/runs/{song.id}/mixdown"
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [], "root_path": ""}
        with pytest.raises(ConnectionResetError):
            await Starlette(routes=routes(library))({**scope, "asgi": {"spec_version": "2.4"}}, receive, send)
        return sent

    # In a thread of its own: the browser tests leave an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(anyio.run, fetch).result()
    assert [len(folders) for folders in sent] == [1, 1]
    assert list((absent_home / "exports").iterdir()) == []


def test_old_exports_of_a_crash_are_cleared(library, absent_home):
    old, young = absent_home / "exports" / "old", absent_home / "exports" / "young"
    for folder in (old, young):
        folder.mkdir(parents=True)
    (old / "half.wav").write_bytes(b"x")
    os.utime(old, (1, 1))
    routes(library)
    assert not old.exists() and young.exists()


# -- the rest -------------------------------------------------------------------------------------------------------


def test_health(client, song, absent_home):
    assert client.get("/healthz").json() == {"status": "ok", "runs": 1}
    with sqlite3.connect(absent_home / "library.sqlite") as connection:
        connection.execute("DROP TABLE artifacts")
        connection.execute("DROP TABLE runs")
    assert_sentence(client.get("/healthz"), 503, "damaged")


def test_a_base_path_comes_before_every_address(library, tile, monkeypatch):
    monkeypatch.setattr(urls, "base_path", lambda: "/sub")
    assert file_url(tile.run_id, tile).startswith("/sub/runs/")
    with TestClient(Starlette(routes=routes(library))) as client:
        assert client.get(file_url(tile.run_id, tile)).content == BYTES
        assert client.get("/sub/healthz").status_code == 200


def test_streamlit_takes_the_routes(library, tile, tmp_path):
    import streamlit as st

    script = tmp_path / "script.py"
    script.write_text("import streamlit as st\nst.write('page')\n")
    with TestClient(st.App(script, routes=routes(library))) as client:
        answer = client.get(file_url(tile.run_id, tile), headers={"Range": "bytes=1-3", "Accept-Encoding": "gzip"})
        assert (answer.status_code, answer.content) == (206, BYTES[1:4])
        assert client.get("/healthz").json()["status"] == "ok"
        assert client.get("/_stcore/health").status_code == 200


@pytest.mark.slow
def test_no_torch_comes_along():
    code = (
        "import sys, studio.web.routes, studio.library.library, studio.songs.mixdown; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).resolve().parents[3], check=True)
