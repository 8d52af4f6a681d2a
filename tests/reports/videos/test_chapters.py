"""Chapters, subtitles and further tracks: they are carried over, or their loss is said."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from backends.matting.types import Chapter, MediaInfo
from backends.matting.video.frames import VideoReader
from backends.matting.video.preserved_words import check_words
from tests.support.matting import cut_out, lines, scene
from tests.support.sounds import Sound, write_clip

CHAPTERS = (Chapter(Fraction(0), Fraction(2, 5), "Begrüßung"), Chapter(Fraction(2, 5), Fraction(1), "Schluss"))


@pytest.mark.parametrize("ending", ["mkv", "mp4", "mov"])
def test_chapters_are_in_every_export(tmp_path: Path, ending: str) -> None:
    words = {"timecode": "10:20:30:12"}
    source = write_clip(tmp_path / f"clip.{ending}", [Sound("aac")], frames=25, words=words, chapters=CHAPTERS)
    result = cut_out(source, tmp_path / "out", export="prores4444,webm,composite,png")
    assert [state for state, _ in lines(result, "chapters")] == ["kept", "lost"]  # pictures hold none
    assert lines(result, "subtitles") == lines(result, "data") == []  # which MOV and MP4 files hold their chapters like
    for name in ("prores4444.mov", "webm.webm", "composite.mp4"):
        with closing(VideoReader(tmp_path / "out" / name)) as reader:
            assert [(one.title, float(one.begin)) for one in reader.info.chapters] == [
                (one.title, float(one.begin)) for one in CHAPTERS
            ]


def test_chapters_of_a_part_are_those_that_lie_in_it(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "clip.mkv", frames=25, chapters=CHAPTERS)
    cut_out(source, tmp_path / "out", start="0.6")
    with closing(VideoReader(tmp_path / "out/prores4444.mov")) as reader:
        assert [(one.title, float(one.begin)) for one in reader.info.chapters] == [("Schluss", 0.0)]


def test_lost_or_other_chapters_and_subtitles_are_seen() -> None:
    info = MediaInfo("video", 96, 64, chapters=CHAPTERS, subtitles=1)
    renamed = replace(info, chapters=(CHAPTERS[0], replace(CHAPTERS[1], title="")))
    said = [{check.what: check.state for check in check_words(info, written)} for written in (None, info, renamed)]
    assert [(words["chapters"], words["subtitles"]) for words in said] == [
        ("lost", "lost"),
        ("kept", "lost"),
        ("changed", "lost"),
    ]


def test_a_second_picture_and_attached_files_are_said_to_be_lost(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as out:
        streams = [out.add_stream("libx264", rate=25) for _ in range(2)]
        for stream in streams:
            stream.height, stream.width = scene(0).shape[:2]
            stream.pix_fmt = "yuv420p"
        out.add_attachment("font.ttf", "font/ttf", b"letters")
        for stream in streams:
            for index in range(3):
                frame = av.VideoFrame.from_ndarray(scene(index))
                frame.pts = index
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    result = cut_out(path, tmp_path / "out")
    assert [state for state, _ in lines(result, "further pictures")] == ["lost"]
    assert [state for state, _ in lines(result, "data")] == ["lost"]
