"""What the command line says of a cut-out, and what it never writes over."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest
from PIL import Image

from backends.cli import main
from backends.matting.engines.classical import ClassicalEngine
from tests.support.matting import CARD, MakeVideo, RedEngine
from tests.support.pictures import encoded
from tests.support.sounds import Sound, write_clip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that needs no model and no search."""
    red = RedEngine(CARD)
    monkeypatch.setattr(ClassicalEngine, "begin", lambda engine: red.mattes)
    monkeypatch.setattr(ClassicalEngine, "watches_people", False)


def run(*words: object) -> int:
    return main(["run", "matting", *map(str, words), "--engine", "classical"])


def test_what_was_kept_is_printed_and_in_the_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {"language": "eng", "title": "Boom"}
    clip = write_clip(tmp_path / "clip.mov", [Sound(names=names)], words={"timecode": "10:20:30:12"})
    assert run(clip, "--out", tmp_path / "out", "--json") == 0
    out, err = capsys.readouterr()
    told = json.loads(out.splitlines()[-1])
    assert {check["what"]: check["state"] for check in told["kept"]} == {
        "times": "kept",
        "size": "kept",
        "sound": "kept",
        "track names": "kept",
        "colour": "kept",
        "timecode": "kept",
    }
    assert "Timecode kept: It begins at 10:20:30:12." in err
    assert told["notices"] == []


def test_the_input_is_never_written_over(video: MakeVideo, tmp_path: Path) -> None:
    for name in ("composite.mp4", "luma.mp4"):
        before = video(name).read_bytes()
        assert run(tmp_path / name, "--out", tmp_path, "--export", "composite,luma") == 0
        assert (tmp_path / name).read_bytes() == before


def test_files_of_the_users_own_stay(video: MakeVideo, tmp_path: Path) -> None:
    (tmp_path / "previews").mkdir()
    (tmp_path / "previews" / "mine.txt").write_text("mine")
    (tmp_path / "frames.json").write_text("mine too")
    assert run(video(), "--out", tmp_path, "--export", "luma") == 0
    assert (tmp_path / "previews" / "mine.txt").read_text() == "mine"
    assert (tmp_path / "frames.json").read_text() == "mine too"


def test_a_background_that_cannot_be_used_is_called_the_background(
    video: MakeVideo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    background = tmp_path / "beach.png"
    for content, says in ((b"no picture", "could not be read"), (encoded(Image.new("RGB", (1, 1))), "1 × 1 pixels")):
        background.write_bytes(content)
        assert run(video(), "--out", tmp_path / "out", "--export", "composite", "--background", background) == 2
        said = capsys.readouterr().err
        assert "The background cannot be used: This" in said and says in said


def test_a_colour_may_have_three_digits(video: MakeVideo, tmp_path: Path) -> None:
    assert run(video(), "--out", tmp_path / "out", "--export", "composite", "--background", "#0f0") == 0
    with av.open(str(tmp_path / "out" / "composite.mp4")) as made:
        corner = next(made.decode(video=0)).to_ndarray(format="rgb24")[2, 2]
    assert corner[1] > 230 and max(corner[0], corner[2]) < 40
