"""Files that crash a decoder cost their job alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backends.core.errors import UndecodableFile
from studio.videos.probe import probe
from tests.support.matting import CARD, MakeVideo, RedEngine, cut_out, finish, pictures_of, scene
from tests.support.sounds import Sound, write_clip


def test_a_video_that_crashes_the_decoder_ends_its_job_alone(
    video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = video()
    with monkeypatch.context() as patch:
        patch.setattr("backends.matting.video.reader.READ", "tests.support.crashing:read_frames")
        with pytest.raises(UndecodableFile, match="crash"):
            cut_out(source, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.mov"))
    cut_out(source, tmp_path / "again")
    assert len(pictures_of(tmp_path / "again/prores4444.mov")) == 6


def test_sound_that_crashes_the_decoder_ends_its_job_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.matting.video.sound_blocks.DECODE", "tests.support.crashing:decode_blocks")
    with pytest.raises(UndecodableFile):
        cut_out(write_clip(tmp_path / "clip.mkv", [Sound()]), tmp_path / "out")


def test_a_picture_that_crashes_the_decoder_has_a_sentence_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(scene(0)).save(tmp_path / "still.png")
    monkeypatch.setattr("backends.matting.video.still_image.DECODE", "tests.support.crashing:decode_picture")
    assert "crash" in probe(tmp_path / "still.png").problem


@pytest.mark.parametrize("codec", ["aac", "libopus"])
def test_eight_channels_are_carried_over(tmp_path: Path, codec: str) -> None:
    source = write_clip(tmp_path / "clip.mkv", [Sound(codec, 0.3, "7.1")], frames=2)
    result = cut_out(source, tmp_path / "out", export="webm,prores4444")
    assert {check.state for check in result.kept if check.what == "sound"} <= {"kept", "changed"}
    assert not any("channels" in check.sentence for check in result.kept)


@pytest.mark.parametrize("name", ["clip.webp", "clip.avif"])
def test_an_animated_picture_is_a_video(tmp_path: Path, name: str) -> None:
    opacity = np.full((64, 96), 255, np.uint8)
    opacity[:, :24] = 0
    pictures = [Image.fromarray(np.dstack([scene(index), opacity])) for index in range(4)]
    pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:], duration=[80, 80, 160, 500], loop=0)
    described = probe(tmp_path / name)
    assert not described.picture and described.info is not None and described.info.frames == 4
    result = cut_out(tmp_path / name, tmp_path / "out", export="png,prores4444")
    assert result.frames == 4
    made = pictures_of(tmp_path / "out/prores4444.mov", "rgba")
    assert len(made) == 4 and made[0][:, :20, 3].max() < 8 and made[0][32, 30, 3] > 240
    assert {check.what: check.state for check in result.kept if check.what == "transparency"} == {
        "transparency": "kept"
    }
    part = cut_out(tmp_path / name, tmp_path / "part", export="luma", start=0.1, end=0.5)
    assert part.frames == 2


@pytest.mark.slow
def test_a_moving_picture_may_lie_behind(video: MakeVideo, tmp_path: Path) -> None:
    blue = [Image.new("RGB", (48, 32), (0, 0, 200 + index)) for index in range(2)]
    blue[0].save(tmp_path / "blue.webp", save_all=True, append_images=blue[1:], duration=40, lossless=True)
    inputs = {"media": video(), "background": tmp_path / "blue.webp"}
    finish(RedEngine(CARD).run(inputs, {"export": "composite"}, tmp_path / "out"))
    assert pictures_of(tmp_path / "out/composite.mp4")[1][4, 90, 2] > 180


def test_a_heic_picture_may_be_cut_out_or_lie_behind(video: MakeVideo, tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    try:
        pillow_heif.from_pillow(Image.fromarray(scene(0))).save(tmp_path / "photo.heic")
    except (RuntimeError, OSError):
        pytest.skip("this build of pillow_heif cannot write HEIC")
    assert probe(tmp_path / "photo.heic").picture
    cut_out(tmp_path / "photo.heic", tmp_path / "out")
    assert Image.open(tmp_path / "out/cutout.png").size == (96, 64)
