"""What must survive from the source: sound, times, orientation, pixel shape, colour; and the list that says so."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from backends.core.engine import Notice
from backends.matting.types import PreservationCheck
from backends.matting.video.frames import VideoReader
from tests.support.matting import MakeVideo, RedEngine, finish, pictures_of, scene, sounds_of, times_of


def line(kept: tuple[PreservationCheck, ...], what: str) -> PreservationCheck:
    return next(item for item in kept if item.what == what)


@pytest.mark.parametrize(
    ("export", "name", "sound"),
    [("prores4444", "prores4444.mov", "aac"), ("composite", "composite.mp4", "aac"), ("webm", "webm.webm", "libopus")],
)
def test_sound_is_copied_packet_by_packet_where_the_container_takes_it(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path, *, export: str, name: str, sound: str
) -> None:
    source = video("clip.mkv", sound=sound)
    result, _ = finish(red_engine.run({"media": source}, {"export": export}, tmp_path / "out"))
    assert sounds_of(tmp_path / "out" / name) == sounds_of(source)
    milliseconds = [round(1000 * time) for time in times_of(tmp_path / "out" / name)]
    assert milliseconds == [round(1000 * time) for time in times_of(source)]
    assert line(result.kept, "sound").state == "kept"


def test_sound_that_does_not_fit_is_coded_anew_and_that_is_said(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path
) -> None:
    source = video("clip.mp4", sound="aac", seconds=0.6, frames=18)
    result, _ = finish(red_engine.run({"media": source}, {"export": "webm,luma,png"}, tmp_path / "out"))
    told = {item.state: item.sentence for item in result.kept if item.what == "sound"}
    assert told["changed"].startswith("WebM") and "aac became opus" in told["changed"]
    assert told["kept"] == "Black and white matte (MP4): Copied bit by bit (aac)."
    assert told["lost"].startswith("PNG pictures (ZIP): Pictures hold no sound")
    assert line(result.kept, "size").sentence.startswith("WebM with alpha (VP9), Black and white matte (MP4): 96")
    with av.open(str(tmp_path / "out/webm.webm")) as made:
        samples = np.concatenate([frame.to_ndarray() for frame in made.decode(audio=0)], axis=1)
    assert samples.shape[1] / 48_000 == pytest.approx(0.6, abs=0.06)
    spectrum = np.abs(np.fft.rfft(samples[0, 4800:24000]))
    assert np.argmax(spectrum) * 48_000 / 19_200 == pytest.approx(440, abs=5)


def test_sound_and_pictures_stay_together_when_a_part_is_taken(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path
) -> None:
    source = video("clip.mkv", frames=30, sound="aac", seconds=1.0, options={"g": "5"})
    options = {"export": "prores4444", "start": 0.4, "end": "0.8"}
    result, _ = finish(red_engine.run({"media": source}, options, tmp_path / "out"))
    assert result.frames == 12
    made = pictures_of(tmp_path / "out/prores4444.mov")
    assert made[0][32, 24 + 2 * 12][0] > 180  # the disk has moved for twelve frames
    assert times_of(tmp_path / "out/prores4444.mov")[0] == 0
    with av.open(str(tmp_path / "out/prores4444.mov")) as container:
        sound = sum(frame.samples for frame in container.decode(audio=0)) / 44_100
    assert sound == pytest.approx(0.4, abs=0.06)


@pytest.mark.parametrize("rotation", [90, 180, -90])
@pytest.mark.parametrize("mirrored", [False, True])
def test_phone_video_is_turned_upright_and_not_twice(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path, rotation: int, mirrored: bool
) -> None:
    source = video(rotation=rotation, mirrored=mirrored)
    result, _ = finish(
        red_engine.run({"media": source}, {"export": "composite,luma", "background": "black"}, tmp_path / "o")
    )
    upright = np.rot90(scene(0), {90: 1, 180: 2, -90: 3}[rotation])
    upright = upright[:, ::-1] if mirrored else upright
    made = pictures_of(tmp_path / "o/composite.mp4")[0]
    assert made.shape == upright.shape
    assert ((made[..., 0] > 120) == (upright[..., 0] > 120)).mean() > 0.98
    with av.open(str(tmp_path / "o/composite.mp4")) as container:
        assert next(container.decode(video=0)).rotation == 0
    assert line(result.kept, "orientation").state == "kept"
    assert (result.width, result.height) == upright.shape[1::-1]


def test_pixel_shape_is_kept_and_turned_with_the_picture(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path
) -> None:
    source = video(sar=Fraction(4, 3), rotation=90)
    result, _ = finish(red_engine.run({"media": source}, {"export": "prores4444"}, tmp_path / "out"))
    with av.open(str(tmp_path / "out/prores4444.mov")) as made:
        assert made.streams.video[0].sample_aspect_ratio == Fraction(3, 4)
    assert line(result.kept, "pixel shape").state == "kept"


def test_webm_with_square_pixels_only_looks_the_same(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    result, _ = finish(red_engine.run({"media": video(sar=Fraction(4, 3))}, {"export": "webm"}, tmp_path / "out"))
    assert pictures_of(tmp_path / "out/webm.webm")[0].shape == (64, 128, 3)
    assert line(result.kept, "pixel shape").state == "changed"
    assert line(result.kept, "size").state == "changed"


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("tags", [(1, 1, 1), (6, 6, 6), (9, 9, 14)])
def test_range_matrix_and_primaries_survive_and_so_do_the_colours(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path, full: bool, tags: tuple[int, int, int]
) -> None:
    source = video(tags=tags, full=full)
    result, _ = finish(
        red_engine.run({"media": source}, {"export": "composite", "background": "blur"}, tmp_path / "out")
    )
    with av.open(str(source)) as before, av.open(str(tmp_path / "out/composite.mp4")) as after:
        first, made = before.streams.video[0].codec_context, after.streams.video[0].codec_context
        for name in ("colorspace", "color_primaries", "color_trc", "color_range"):
            assert getattr(made, name) == getattr(first, name)
        luma = [next(container.decode(video=0)).to_ndarray()[:64] for container in (before, after)]
    assert line(result.kept, "colour").state == "kept"
    assert np.abs(luma[0][28:36, 20:28].astype(int) - luma[1][28:36, 20:28]).mean() < 4  # inside the disk


def test_full_range_becomes_what_editors_expect_of_prores(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path
) -> None:
    result, _ = finish(red_engine.run({"media": video(full=True)}, {"export": "prores4444"}, tmp_path / "out"))
    colour = line(result.kept, "colour")
    assert colour.state == "kept" and "became video range" in colour.sentence and "10 bits" in colour.sentence
    red = pictures_of(tmp_path / "out/prores4444.mov")[0][32, 24]
    assert np.abs(red.astype(int) - (220, 20, 30)).max() < 8


def test_a_varying_frame_rate_is_kept_and_called_by_its_name(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path
) -> None:
    source = video(pts=[0, 1, 9, 10, 30, 31], time_base=Fraction(1, 100))
    result, _ = finish(red_engine.run({"media": source}, {"export": "composite"}, tmp_path / "out"))
    told = line(result.kept, "times")
    assert told.state == "kept" and "varies" in told.sentence and "exactly" in told.sentence
    assert times_of(tmp_path / "out/composite.mp4") == [Fraction(pts, 100) for pts in (0, 1, 9, 10, 30, 31)]


def test_broadcast_clocks_start_at_zero_and_sound_stays_beside_the_picture(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path
) -> None:
    hour = 3600 * 90_000
    source = video("clip.ts", pts=[hour + 3000 * i for i in range(6)], time_base=Fraction(1, 90_000))
    with closing(VideoReader(source)) as reader:
        assert reader.info.origin > 3599
    finish(red_engine.run({"media": source}, {"export": "composite"}, tmp_path / "out"))
    assert times_of(tmp_path / "out/composite.mp4") == [Fraction(i, 30) for i in range(6)]


def test_odd_sizes_are_kept_where_the_format_can(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    pictures = [scene(index, 97, 65) for index in range(3)]
    source = video(frames=pictures, pixels="yuv444p")
    options = {"export": "prores4444,webm,luma,png,composite"}
    result, _ = finish(red_engine.run({"media": source}, options, tmp_path / "out"))
    for name in ("prores4444.mov", "webm.webm", "alpha.mkv"):
        assert pictures_of(tmp_path / "out" / name)[0].shape[:2] == (65, 97)
    assert pictures_of(tmp_path / "out/composite.mp4")[0].shape[:2] == (66, 98)  # 4:2:0 H.264 has even sides only
    assert (result.width, result.height) == (97, 65)


def test_notices_are_quiet_about_an_ordinary_video(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    _, events = finish(red_engine.run({"media": video()}, {"export": "luma"}, tmp_path / "out"))
    assert [event for event in events if isinstance(event, Notice)] == []
