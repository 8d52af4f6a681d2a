"""What the studio says before it serves: wrong settings in a sentence each, and who can reach it."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backends.cli import main as backends_main
from backends.core.errors import BadInput
from backends.serving.process import listen, make_root
from backends.serving.workdir import LOCK
from studio import startup, streamlit_patches
from studio.ui import formatting
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[3]


def set_address(patch: pytest.MonkeyPatch, host: str, port: str) -> None:
    patch.setenv("HOST", host)
    patch.setenv("PORT", port)


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("127.0.0.1", "70000", "PORT must be a number"),
        ("127.0.0.1", "²", "PORT must be a number"),
        ("127.0.0.1", "http", "PORT must be a number"),
        ("no such host", "8501", "is no address of this computer"),
        ("203.0.113.9", "8501", "is no address of this computer"),
        ("a" * 300, "8501", "is no address of this computer"),
    ],
)
def test_a_wrong_address_is_named(monkeypatch: pytest.MonkeyPatch, host: str, port: str, words: str) -> None:
    set_address(monkeypatch, host, port)
    with pytest.raises(BadInput, match=words):
        startup.address()


def test_a_port_that_is_taken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        set_address(monkeypatch, "127.0.0.1", str(taken.getsockname()[1]))
        with pytest.raises(BadInput, match=r"is taken\. Choose another"):
            startup.address()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2"])
def test_whoever_opens_the_studio_to_the_network_is_told_that_it_has_no_log_in(host: str) -> None:
    assert "no log-in" in startup.greeting(host, 8501)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_this_computer_alone_there_is_nothing_to_warn_of(host: str) -> None:
    greeting = startup.greeting(host, 8501)
    assert "log-in" not in greeting and ":8501" in greeting


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("FOURFOLD_HOME", "/proc", "Fourfold cannot use"),
        ("FOURFOLD_DATABASE_URL", "nonsense", "FOURFOLD_DATABASE_URL cannot be used"),
        ("FOURFOLD_STORAGE", "nosuch://bucket", "FOURFOLD_STORAGE names a kind of storage"),
    ],
)
def test_a_library_that_cannot_be_used_is_one_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, words: str
) -> None:
    from studio import __main__ as studio_main
    from studio import services

    folder = SimpleNamespace(remove=lambda: None)
    monkeypatch.setattr(startup, "address", lambda: ("127.0.0.1", 8501))
    monkeypatch.setattr(startup, "own_temporary_folder", lambda: folder)
    monkeypatch.setattr(streamlit_patches, "apply", lambda: None)
    monkeypatch.setattr(services, "_instances", {})
    monkeypatch.setenv(name, value)
    monkeypatch.chdir(Path.cwd())
    assert studio_main.main() == 2
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error and error.count("\n") == 1


def test_the_model_server_says_what_is_wrong_with_its_port_or_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadInput, match=r"Cannot listen on 127\.0\.0\.1:70000 \(a port is a number"):
        listen("127.0.0.1", 70000)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInput, match="Uploads and results cannot be kept in"):
        make_root(tmp_path / "file" / "root")
    assert backends_main(["serve", "--port", "0", "--root", str(tmp_path / "file")]) == 2
    assert "Uploads and results cannot be kept in" in capsys.readouterr().err


def test_temporary_files_of_a_studio_that_was_killed_are_gone_after_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import os, tempfile; from studio import startup; startup.own_temporary_folder();"
        "tempfile.mkdtemp(prefix='fourfold-file-'); os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, timeout=PATIENCE, check=False)
    (left,) = tmp_path.iterdir()
    assert [path.name.startswith("fourfold-file-") for path in left.iterdir() if path.name != LOCK] == [True]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = startup.own_temporary_folder()
    assert list(tmp_path.iterdir()) == [folder.path] and tempfile.gettempdir() == str(folder.path)
    folder.remove()


def test_streamlit_has_every_attribute_that_is_used() -> None:
    assert streamlit_patches.missing() == [], "Streamlit lacks what studio/streamlit_patches.py uses"


def test_an_attribute_of_streamlit_that_went_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(streamlit_patches.TTLCache, "expire")
    monkeypatch.delattr(streamlit_patches.PagesManager, "uses_pages_directory")
    assert streamlit_patches.missing() == ["PagesManager.uses_pages_directory", "TTLCache.expire"]


def test_uploads_of_tabs_that_were_closed_are_freed() -> None:
    """Without anybody opening another page."""
    from streamlit.runtime.memory_session_storage import MemorySessionStorage

    ended: list[str] = []
    storage = MemorySessionStorage(ttl_seconds=0)
    session: Any = SimpleNamespace(id="a", shutdown=lambda: ended.append("a"))
    storage.save(SimpleNamespace(session=session))  # type: ignore[arg-type]
    runtime = SimpleNamespace(_session_mgr=SimpleNamespace(_session_storage=storage))
    assert streamlit_patches.expire_sessions(runtime) == 1 and ended == ["a"]
    assert streamlit_patches.expire_sessions(runtime) == 0


@pytest.mark.parametrize(
    "name", ["http://evil.example/a.wav", "HTTPS://evil.example", "www.evil.example", "a@evil.example"]
)
def test_a_name_that_looks_like_an_address_becomes_no_link(name: str) -> None:
    shown = formatting.escape(name).replace(formatting.BREAK, "\0")
    bare = shown.replace("\\", "")
    assert not any(address in bare.lower() for address in ("://", "www.", "@evil"))
    assert bare.replace("\0", "") == name  # nothing invisible comes along when it is copied


@pytest.mark.parametrize("name", ["A -- B.mp3", "a -> b", "<->", "x :smile: y", "a:material/home:b", "1 &amp; 2"])
def test_a_name_is_not_redrawn(name: str) -> None:
    """Streamlit draws arrows, dashes and pictures for these letters where nothing stands between them."""
    parts = formatting.escape(name).split(formatting.BREAK)
    assert "".join(parts).replace("\\", "") == name
    assert len(parts) > 1 or r"\&" in parts[0]


@pytest.mark.parametrize(
    ("error", "quiet"),
    [
        (RuntimeError('Cannot call "send" once a close message has been sent.'), True),
        (OSError(), True),
        (KeyError(), False),
    ],
)
def test_a_page_closed_while_it_is_drawn_leaves_no_traceback(error: Exception, quiet: bool) -> None:
    trace = (type(error), error, None)
    record = logging.LogRecord("x", logging.ERROR, "", 0, streamlit_patches.SENDING_FAILED, (), trace)
    assert streamlit_patches.is_disconnection(record) is quiet
    other = logging.LogRecord("x", logging.ERROR, "", 0, "Something else", (), trace)
    assert not streamlit_patches.is_disconnection(other)
