"""Frames that came out at other times than they were filmed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image

from backends.core.engine import Notice
from backends.core.errors import BadInput
from backends.matting.video.clock import FrameClock
from backends.matting.video.frames import VideoReader
from backends.matting.video.preservation_report import OutputVideo, open_output
from backends.matting.video.tags import shift_timecode
from backends.matting.video.writers import VideoWriter
from studio.videos import probe
from tests.support.matting import CARD, MakeVideo, RedEngine, cut_out, finish, lines, scene, times_of
from tests.support.sounds import Sound, clicks, write_clip

RATES = [Fraction(30000, 1001), Fraction(24000, 1001), Fraction(60)]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_a_constant_rate_stays_constant_whatever_the_source_clock(tmp_path: Path, rate: Fraction, suffix: str) -> None:
    source = write_clip(tmp_path / f"clip{suffix}", frames=7, rate=rate)
    result = cut_out(source, tmp_path / "out", export="prores4444,composite")
    for name in ("prores4444.mov", "composite.mp4"):
        times = times_of(tmp_path / "out" / name)
        assert {later - earlier for earlier, later in pairwise(times)} == {1 / rate}
        with av.open(str(tmp_path / "out" / name)) as made:
            assert made.streams.video[0].average_rate == rate
    assert lines(result, "times") == [("kept", "All 7 frames and the frame rate, exactly.")]


def test_a_rate_that_jitters_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_clip(tmp_path / "clip.mkv", frames=7, rate=RATES[0])
    monkeypatch.setattr("backends.matting.video.job.IsolatedReader", VideoReader)  # where it can be patched
    monkeypatch.setattr(FrameClock, "ticks", lambda clock, frame: round(frame.pts * clock._tick / clock.base))
    (line,) = lines(cut_out(source, tmp_path / "out"), "times")
    assert line == ("changed", "Every frame lasted 1/29.97 s; now some last a little longer than others.")


def test_a_part_of_a_constant_rate_and_a_late_first_frame_are_exact(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "clip.mp4", frames=30)
    part = cut_out(source, tmp_path / "part", export="prores4444,composite", start=0.5, end=1.0)
    assert {state for state, _ in lines(part, "times")} == {"kept"}
    late = write_clip(tmp_path / "late.ts", [Sound("mp2", 0.5)], codec="mpeg2video", rate=RATES[0])
    result = cut_out(late, tmp_path / "late", export="prores4444,composite")
    assert {state for state, _ in lines(result, "times")} == {"kept"}


def test_dropped_frames_of_an_old_format_are_no_change(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "clip.avi", codec="mpeg4", frames=6)
    assert {state for state, _ in lines(cut_out(source, tmp_path / "out"), "times")} == {"kept"}


def test_another_rate_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_clip(tmp_path / "clip.mp4", frames=7, rate=RATES[0])
    close = VideoWriter.close
    monkeypatch.setattr(VideoWriter, "close", lambda self, end: close(self, end + 200))
    (line,) = lines(cut_out(source, tmp_path / "out"), "times")
    assert line[0] == "changed" and line[1].startswith("29.97 frames a second became ")


DURATIONS = [100, 100, 300, 1500]


@pytest.mark.parametrize("name", ["clip.gif", "clip.png"])
def test_the_last_frame_stays_as_long_as_in_the_source(tmp_path: Path, name: str) -> None:
    pictures = [Image.fromarray(scene(index)) for index in range(4)]
    pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:], duration=DURATIONS, loop=0)
    result = cut_out(tmp_path / name, tmp_path / "out", export="prores4444,webm,composite")
    for made in ("prores4444.mov", "webm.webm", "composite.mp4"):
        with av.open(str(tmp_path / "out" / made)) as container:
            assert container.duration / 1e6 == pytest.approx(2.0, abs=0.002)
    assert {state for state, _ in lines(result, "times")} == {"kept"}


def test_a_last_frame_that_was_cut_short_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = [Image.fromarray(scene(index)) for index in range(4)]
    pictures[0].save(tmp_path / "clip.gif", save_all=True, append_images=pictures[1:], duration=DURATIONS, loop=0)
    close = VideoWriter.close
    monkeypatch.setattr(VideoWriter, "close", lambda self, end: close(self, 60))
    (line,) = lines(cut_out(tmp_path / "clip.gif", tmp_path / "out"), "times")
    assert line == ("changed", "The last frame stays for 0.10 s instead of 1.50 s.")
    (line,) = lines(cut_out(tmp_path / "clip.gif", tmp_path / "out2", export="png"), "times")
    assert line[0] == "changed"


def test_a_camcorder_stream_begins_at_once(video: MakeVideo, tmp_path: Path) -> None:
    source = video("clip.mpg", codec="mpeg2video")
    with av.open(str(source)) as container:
        assert 0.3 < container.start_time / 1e6 < 1
    cut_out(source, tmp_path / "out", export="composite")
    assert times_of(tmp_path / "out/composite.mp4")[0] == 0


def test_timecode_title_and_date_are_kept(tmp_path: Path) -> None:
    words = {"timecode": "10:20:30:12", "creation_time": "2024-05-01T10:00:00Z", "title": "Interview A"}
    source = write_clip(tmp_path / "clip.mov", frames=30, words=words)
    result = cut_out(source, tmp_path / "out", export="prores4444,composite")
    assert lines(result, "timecode") == [("kept", "It begins at 10:20:30:12.")]
    assert lines(result, "title and date") == [("kept", "Title, time of creation.")]
    part = cut_out(source, tmp_path / "part", export="prores4444", start=0.4)
    assert lines(part, "timecode") == [("kept", "It begins at 10:20:30:22.")]
    with av.open(str(tmp_path / "part/prores4444.mov")) as made:
        assert made.streams.video[0].metadata["timecode"] == "10:20:30:22"


def test_a_lost_or_other_timecode_and_title_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"timecode": "10:20:30:12", "title": "Interview A"}
    source = write_clip(tmp_path / "clip.mov", words=words)
    lost = cut_out(source, tmp_path / "out", export="png")
    assert lines(lost, "timecode")[0][0] == lines(lost, "title and date")[0][0] == "lost"
    monkeypatch.setattr("backends.matting.video.writers.timecode_tag", lambda info: "00:00:00:00")
    assert lines(cut_out(source, tmp_path / "out"), "timecode") == [("changed", "10:20:30:12 became 00:00:00:00.")]


def test_drop_frame_timecode_keeps_up_with_the_clock() -> None:
    rate = Fraction(30000, 1001)
    assert shift_timecode("00:00:00;00", Fraction(17982) / rate, rate) == "00:10:00;00"
    assert shift_timecode("00:09:59;29", 1 / rate, rate) == "00:10:00;00"
    assert shift_timecode("00:00:59;29", 1 / rate, rate) == "00:01:00;02"
    assert shift_timecode("no timecode", Fraction(0), rate) == ""


def test_slides_say_how_long_each_stands(tmp_path: Path) -> None:
    path = tmp_path / "slides.gif"
    slides = [Image.new("RGB", (64, 64), (grey, grey, grey)) for grey in (0, 99, 200)]
    slides[0].save(path, save_all=True, append_images=slides[1:], duration=90_000)
    assert "a frame every 1 min 30 s" in probe.probe(path).text


@pytest.mark.parametrize("ending", ["ts", "mkv"])
def test_recordings_that_were_joined_follow_each_other(tmp_path: Path, ending: str) -> None:
    once = write_clip(tmp_path / f"clip.{ending}", [Sound("aac", 0.6)], frames=15)
    (tmp_path / f"joined.{ending}").write_bytes(once.read_bytes() * 2)
    result, events = finish(RedEngine(CARD).run({"media": tmp_path / f"joined.{ending}"}, {}, tmp_path / "out"))
    times = times_of(tmp_path / "out/prores4444.mov")
    assert {later - earlier for earlier, later in pairwise(times)} == {Fraction(1, 25)} and len(times) == 30
    assert clicks(tmp_path / "out/prores4444.mov") == pytest.approx(
        [0, 0.5, 0.6, 1.1], abs=0.07
    )  # an encoder pads its end
    assert any("starts anew once" in event.sentence for event in events if isinstance(event, Notice))
    assert [state for state, _ in lines(result, "sound")] == ["kept"]


def test_a_video_that_ends_before_its_stated_end_is_told(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "clip.mkv", [Sound("aac", 2.0)], frames=50)
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    for path, told in ((tmp_path / "cut.mkv", True), (write_clip(tmp_path / "long.mkv", [Sound("aac", 2.0)]), False)):
        _, events = finish(RedEngine(CARD).run({"media": path}, {}, tmp_path / path.stem))
        sentences = [event.sentence for event in events if isinstance(event, Notice)]
        assert any("ends early" in sentence for sentence in sentences) is told


def test_sound_that_ends_before_its_stated_end_is_told_though_all_pictures_are_there(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mkv", [Sound("aac", 1.0)], frames=75)
    for stated, told in ((b"00:00:01.", False), (b"00:00:03.", True)):  # as Matroska notes it beside the track
        path.write_bytes(path.read_bytes().replace(b"00:00:01.", stated))
        _, events = finish(RedEngine(CARD).run({"media": path}, {}, tmp_path / stated.decode()[-2:]))
        sentences = [event.sentence for event in events if isinstance(event, Notice)]
        assert any("The sound ends early: the file announces 3.0" in sentence for sentence in sentences) is told


def test_the_length_of_a_camcorder_file_is_that_of_its_last_moment(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mpg", [Sound("mp2", 2.0)], frames=50, codec="mpeg2video")
    assert probe.probe(clip).seconds == pytest.approx(2.0, abs=0.1)


def test_a_part_of_a_broadcast_begins_where_it_was_asked_to(tmp_path: Path) -> None:
    """A seek there ends anywhere, and pictures can be decoded from a key frame on only."""
    clip = write_clip(tmp_path / "clip.ts", frames=40)
    cut_out(clip, tmp_path / "out", start=0.8, end=1.2)
    assert len(times_of(tmp_path / "out/prores4444.mov")) == 10


def test_times_that_no_file_can_hold_are_a_sentence(tmp_path: Path) -> None:
    data = bytearray(write_clip(tmp_path / "clip.mp4").read_bytes())
    place = data.index(b"stts") + 16  # after the version, and the number of its entries and of the frames
    data[place : place + 4] = b"\x7f\xff\xff\xff"
    (tmp_path / "clip.mp4").write_bytes(data)
    with pytest.raises(BadInput, match="times in this video make no sense"):
        cut_out(tmp_path / "clip.mp4", tmp_path / "out")


@pytest.mark.parametrize(("ending", "codec"), [("mp4", "libx264"), ("flv", "flv"), ("mxf", "mpeg2video")])
def test_a_video_that_was_joined_to_another_and_is_not_all_read_is_said(
    tmp_path: Path, ending: str, codec: str
) -> None:
    path = tmp_path / f"clip.{ending}"
    once = write_clip(path, frames=5, codec=codec).read_bytes()
    for content, told in ((once, False), (once * 2, True)):
        path.write_bytes(content)
        _, events = finish(RedEngine(CARD).run({"media": path}, {}, tmp_path / f"out{told}"))
        sentences = [event.sentence for event in events if isinstance(event, Notice)]
        assert any("Another file follows in this one" in sentence for sentence in sentences) is told


def test_a_rate_that_a_container_rounds_is_the_usual_one(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "clip.flv", frames=30, codec="flv", rate=RATES[0])
    cut_out(source, tmp_path / "out")
    times = times_of(tmp_path / "out/prores4444.mov")
    assert {later - earlier for earlier, later in pairwise(times)} == {1 / RATES[0]}


def test_a_picture_that_is_not_turned_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, video: MakeVideo
) -> None:
    def lying(writer: VideoWriter) -> OutputVideo:
        output = open_output(writer)
        return replace(output, info=replace(output.info, turned=True))

    monkeypatch.setattr("backends.matting.video.preservation_report.open_output", lying)
    assert [state for state, _ in lines(cut_out(video(rotation=90), tmp_path / "out"), "orientation")] == ["changed"]
