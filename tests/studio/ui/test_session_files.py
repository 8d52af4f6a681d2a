"""What a page holds between reruns: read once, replaced by the next, gone from the disk with it."""

from __future__ import annotations

import gc
import io

import pytest

from studio.ui import session_files


class Upload(io.BytesIO):
    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(content)
        self.name = name


@pytest.fixture(autouse=True)
def _session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_files.st, "session_state", {})


def test_a_thing_is_made_once_and_another_takes_its_place() -> None:
    made: list[str] = []

    def thing(name: str) -> str:
        return session_files.cached("video", name, lambda: made.append(name) or name.upper())

    assert [thing("a"), thing("a"), thing("b"), thing("b"), thing("a")] == ["A", "A", "B", "B", "A"]
    assert made == ["a", "b", "a"]
    assert session_files.cached("background", "a", lambda: "other place") == "other place" and thing("a") == "A"


def test_what_could_not_be_made_leaves_what_was_there() -> None:
    def fail() -> str:
        raise OSError("no space")

    session_files.cached("video", "a", lambda: "A")
    with pytest.raises(OSError, match="no space"):
        session_files.cached("video", "b", fail)
    assert session_files.cached("video", "a", fail) == "A"


@pytest.mark.parametrize(
    ("name", "ending"), [("Clip.MP4", ".mp4"), ("clip.exe", ""), ("clip", ""), ("..", ""), ("a.mp4/../b", "")]
)
def test_an_upload_is_copied_under_a_name_of_ours(name: str, ending: str) -> None:
    folder, path = session_files.save_upload(Upload(name, b"frames"), ("mp4", "mov"))
    assert path.name == f"file{ending}" and path.read_bytes() == b"frames" and str(path.parent) == folder.name


def test_the_copy_goes_when_another_file_comes() -> None:
    _, first = session_files.cached("video", "a", lambda: session_files.save_upload(Upload("a.mp4", b"1"), ("mp4",)))
    _, second = session_files.cached("video", "b", lambda: session_files.save_upload(Upload("b.mp4", b"2"), ("mp4",)))
    gc.collect()
    assert not first.exists() and second.read_bytes() == b"2"
