"""What every run leaves behind: its mattes, from which another export equals a fresh run, and a proxy for a browser."""

from __future__ import annotations

import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from backends.core.engine import Progress
from backends.core.errors import BadInput, TooLarge
from backends.matting.video.still_image import read_picture
from tests.support.matting import CARD, MakeVideo, RedEngine, finish, frames_of, pictures_of, scene, times_of, truth
from tests.support.waiting import no_thread_left

UNEVEN = [0, 3, 4, 9, 10, 14, 20, 21]
CALM = {"export": "luma", "temporal": "on"}


class Unasked(RedEngine):
    """Any look at a frame is a failure: the matte was there."""

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        raise AssertionError("the engine was asked although the matte was sent along")


def test_the_matte_has_one_frame_at_the_time_of_each_source_frame(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path
) -> None:
    source = video(frames=8, pts=UNEVEN, time_base=Fraction(1, 30))
    finish(red_engine.run({"media": source}, CALM, tmp_path / "out"))
    kept = pictures_of(tmp_path / "out/matte.mkv", "gray")
    seen = frames_of(source)
    assert len(kept) == len(seen) == 8
    for matte, picture in zip(kept, seen, strict=True):
        expected = red_engine.mattes(picture[None])[0] * 255
        assert np.abs(matte - expected).max() < 8
    assert times_of(tmp_path / "out/matte.mkv") == pytest.approx([pts / 30 for pts in UNEVEN], abs=6e-4)


def test_the_proxy_shows_the_source_above_its_matte(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    source = video(frames=8, pts=UNEVEN, time_base=Fraction(1, 30))
    finish(red_engine.run({"media": source}, CALM, tmp_path / "out"))
    made = pictures_of(tmp_path / "out/proxy.mp4")
    assert len(made) == 8 and made[0].shape == (128, 96, 3)
    assert np.abs(made[5][:64].astype(int) - scene(5)).mean() < 6
    assert made[5][64:][truth(5)].mean() > 245 and made[5][70, 90].mean() < 8
    assert times_of(tmp_path / "out/proxy.mp4") == pytest.approx([pts / 30 for pts in UNEVEN], abs=1e-3)
    head = (tmp_path / "out/proxy.mp4").read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")  # it plays before all of it has come
    with av.open(str(tmp_path / "out/proxy.mp4")) as container:
        assert all(packet.pts == packet.dts for packet in container.demux(video=0) if packet.size)


@pytest.mark.parametrize("sound", ["aac", "pcm_s16le", ""])
def test_the_proxy_plays_with_sound(red_engine: RedEngine, video: MakeVideo, tmp_path: Path, sound: str) -> None:
    """Coded as every browser plays it, of the part that was worked on; none where the source has none."""
    source = video("clip.mov", frames=24, sound=sound, seconds=0.8)
    part = {**CALM, "start": 0.2, "end": 0.6}
    result, _ = finish(red_engine.run({"media": source}, part, tmp_path / "out"))
    (meta,) = [artifact.meta for artifact in result.artifacts if artifact.kind == "proxy"]
    assert meta == {"sound": bool(sound)}
    with av.open(str(tmp_path / "out/proxy.mp4")) as container:
        assert [stream.codec_context.name for stream in container.streams.audio] == (["aac"] if sound else [])
        if sound:
            heard = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
            assert heard == pytest.approx(0.4, abs=0.1)


def test_another_export_from_the_matte_equals_a_fresh_run(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path
) -> None:
    source = video(frames=10)
    finish(red_engine.run({"media": source}, {"export": "webm"}, tmp_path / "first"))
    other = {"export": "luma", "edge": 2, "softness": 3}
    finish(red_engine.run({"media": source}, other, tmp_path / "fresh"))
    again = {"media": source, "matte": tmp_path / "first/matte.mkv"}
    finish(Unasked(CARD).run(again, other, tmp_path / "again"))
    fresh, reused = (pictures_of(tmp_path / name / "alpha.mkv", "gray") for name in ("fresh", "again"))
    assert len(fresh) == 10 and np.array_equal(fresh, reused)
    assert (tmp_path / "fresh/frames.json").read_text() == (tmp_path / "again/frames.json").read_text()


def test_a_part_of_what_the_matte_covers_can_be_made(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    source = video(frames=20)
    finish(red_engine.run({"media": source}, {**CALM, "start": 0.1, "end": 0.6}, tmp_path / "first"))
    matte = tmp_path / "first/matte.mkv"
    part = {"export": "luma", "start": 0.2, "end": 0.4, "temporal": "off"}
    finish(red_engine.run({"media": source}, part, tmp_path / "fresh"))
    finish(Unasked(CARD).run({"media": source, "matte": matte}, part, tmp_path / "again"))
    fresh, reused = (pictures_of(tmp_path / name / "alpha.mkv", "gray") for name in ("fresh", "again"))
    assert len(fresh) == 6 and np.array_equal(fresh, reused)
    with pytest.raises(BadInput, match="does not cover this part"):
        list(red_engine.run({"media": source, "matte": matte}, {"export": "luma"}, tmp_path / "whole"))
    assert not list((tmp_path / "whole").glob("*.mkv"))


def test_a_matte_of_something_else_is_refused(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    small = video("small.mp4", [scene(index, 64, 48) for index in range(3)])
    finish(red_engine.run({"media": small}, {"export": "luma"}, tmp_path / "first"))
    source, twin = video(), video("twin.mp4", [scene(index + 1) for index in range(12)])
    finish(red_engine.run({"media": twin}, {"export": "luma"}, tmp_path / "twin"))
    for matte, words in (
        (tmp_path / "first/matte.mkv", "belongs to another file"),
        (tmp_path / "twin/matte.mkv", "belongs to another file"),  # of the same size, length and times
        (tmp_path / "first/alpha.mkv", "none that was kept"),
        (source, "none that was kept"),
    ):
        with no_thread_left(), pytest.raises(BadInput, match=words) as refused:
            list(red_engine.run({"media": source, "matte": matte}, CALM, tmp_path / "out"))
        assert str(source) not in [file.path for file in psutil.Process().open_files()]
        del refused  # until here it held all that the job had opened


def test_hostile_tags_and_sizes_of_a_picture_s_matte_are_refused_at_once(red_engine: RedEngine, tmp_path: Path) -> None:
    still, matte = tmp_path / "still.png", tmp_path / "matte.png"
    Image.fromarray(scene(0)).save(still)
    told = PngInfo()
    told.add_text("FOURFOLD_START", "1e999999999")
    told.add_text("FOURFOLD_SIZE", "96x64")
    Image.new("L", (4, 4)).save(matte, pnginfo=told)
    bomb = bytearray(matte.read_bytes())
    bomb[16:24] = (20_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    for content in (matte.read_bytes(), bytes(bomb)):
        matte.write_bytes(content)
        with pytest.raises(BadInput, match="none that was kept"):
            list(red_engine.run({"media": still, "matte": matte}, {}, tmp_path / "out"))
    with pytest.raises(TooLarge, match="too many pixels"):
        read_picture(matte)


def test_cancelling_leaves_neither_matte_nor_proxy(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    events = red_engine.run({"media": video(frames=60)}, CALM, tmp_path / "out")
    next(event for event in events if isinstance(event, Progress) and event.done >= 2)
    events.close()  # type: ignore[attr-defined]
    assert {path.name for path in (tmp_path / "out").iterdir()} <= {"frames.json", "previews"}


def test_a_picture_leaves_the_same_two_and_takes_its_matte_back(red_engine: RedEngine, tmp_path: Path) -> None:
    still = tmp_path / "still.png"
    Image.fromarray(scene(0)).save(still)
    finish(red_engine.run({"media": still}, {}, tmp_path / "first"))
    proxy = np.asarray(Image.open(tmp_path / "first/proxy.webp").convert("RGB"))
    assert proxy.shape == (128, 96, 3)
    assert proxy[64:][truth(0)].mean() > 245 and proxy[70, 90].mean() < 8
    finish(red_engine.run({"media": still}, {"edge": -3}, tmp_path / "fresh"))
    finish(Unasked(CARD).run({"media": still, "matte": tmp_path / "first/matte.png"}, {"edge": -3}, tmp_path / "again"))
    cutouts = [np.asarray(Image.open(tmp_path / name / "cutout.png")) for name in ("fresh", "again")]
    assert np.array_equal(*cutouts)
    twin = tmp_path / "twin.png"
    Image.fromarray(scene(1)).save(twin)
    for media, matte, words in ((still, "alpha.png", "none that was kept"), (twin, "matte.png", "belongs to another")):
        with pytest.raises(BadInput, match=words):
            list(red_engine.run({"media": media, "matte": tmp_path / "first" / matte}, {}, tmp_path / "out"))
