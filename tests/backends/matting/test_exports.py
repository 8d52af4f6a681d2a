"""Every export, decoded again: the alpha is the person, colours and times are the source's."""

from __future__ import annotations

import csv
import io
import itertools
import json
import zipfile
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from backends.core.engine import Metric, Partial, Progress
from backends.core.errors import BadInput
from backends.matting.finishing.background import open_background
from backends.matting.types import MediaInfo
from backends.matting.video.exports import EXPORTS, parse_exports
from backends.matting.video.reader import IsolatedReader
from tests.support.matting import MakeVideo, RedEngine, finish, pictures_of, scene, times_of, truth

UNEVEN = [0, 40, 45, 100, 180, 181]
"""Times in 1/90 s, as of a phone that drops frames."""


def check_alpha(mattes: list[np.ndarray], off_by: float) -> None:
    """The disk is in, what lies well away from it is out."""
    for index, matte in enumerate(mattes):
        inside = truth(index)
        outside = ~cv2.dilate(inside.astype(np.uint8), np.ones((15, 15), np.uint8)).astype(bool)
        assert matte[inside].mean() > 255 - off_by
        assert matte[outside].mean() < off_by


def test_prores_4444_holds_colour_alpha_and_times(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    source = video(pts=UNEVEN, time_base=Fraction(1, 90))
    finish(red_engine.run({"media": source}, {"export": "prores4444"}, tmp_path / "out"))
    made = pictures_of(tmp_path / "out/prores4444.mov", "rgba")
    assert len(made) == 6
    check_alpha([picture[..., 3] for picture in made], 4)
    for index, picture in enumerate(made):
        assert np.abs(picture[..., :3].astype(int) - scene(index))[truth(index)].mean() < 8
    assert times_of(tmp_path / "out/prores4444.mov") == [Fraction(pts, 90) for pts in UNEVEN]


def test_webm_alpha_is_there_when_decoded_with_libvpx(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    finish(red_engine.run({"media": video()}, {"export": "webm"}, tmp_path / "out"))
    made = pictures_of(tmp_path / "out/webm.webm", "rgba", decoder="libvpx-vp9")
    assert len(made) == 6
    check_alpha([picture[..., 3] for picture in made], 6)
    reference = pictures_of(tmp_path / "out/webm.webm", "rgba")  # the usual decoder knows no alpha in VP9
    assert all((picture[..., 3] == 255).all() for picture in reference)


@pytest.mark.parametrize(("kind", "off_by"), [("webp", 6), ("apng", 4)])
def test_an_animated_picture_holds_alpha_and_times(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path, kind: str, off_by: float
) -> None:
    source = video(pts=UNEVEN, time_base=Fraction(1, 90))
    finish(red_engine.run({"media": source}, {"export": kind}, tmp_path / "out"))
    with Image.open(tmp_path / f"out/{kind}.{kind}") as file:
        assert file.n_frames == 6 and file.info["loop"] == 0  # for ever
        pictures, lengths = [], []
        for index in range(6):
            file.seek(index)
            pictures.append(np.asarray(file.convert("RGBA")))
            lengths.append(file.info["duration"] / 1000)
    check_alpha([picture[..., 3] for picture in pictures], off_by)
    for index, picture in enumerate(pictures):
        assert np.abs(picture[..., :3].astype(int) - scene(index))[truth(index)].mean() < 9
    gaps = [(after - before) / 90 for before, after in itertools.pairwise(UNEVEN)]
    assert lengths[:5] == pytest.approx(gaps, abs=2e-3)


def test_an_animated_picture_of_a_long_video_is_refused(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path
) -> None:
    source = video(pts=[0, 900, 1800], frames=3, time_base=Fraction(1, 30))
    with pytest.raises(BadInput, match="Animated WebP with alpha can be up to 30 seconds long"):
        finish(red_engine.run({"media": source}, {"export": "webp"}, tmp_path / "out"))
    finish(red_engine.run({"media": source}, {"export": "webp", "end": 20}, tmp_path / "part"))
    with Image.open(tmp_path / "part/webp.webp") as file:
        assert file.size == (96, 64) and getattr(file, "n_frames", 1) == 1


def test_luma_makes_the_matte_twice_once_without_loss(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    source = video(pts=UNEVEN, time_base=Fraction(1, 90))
    result, _ = finish(red_engine.run({"media": source}, {"export": "luma"}, tmp_path / "out"))
    exact, coded = pictures_of(tmp_path / "out/alpha.mkv", "gray"), pictures_of(tmp_path / "out/luma.mp4", "gray")
    assert len(exact) == len(coded) == 6
    check_alpha(exact, 1)
    check_alpha(coded, 4)
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(exact, coded, strict=True)) < 4
    milliseconds = [round(float(time) * 1000) for time in times_of(tmp_path / "out/alpha.mkv")]
    assert milliseconds == [round(1000 * pts / 90) for pts in UNEVEN]
    assert {artifact.kind for artifact in result.artifacts} == {"export", "alpha", "matte", "proxy", "frames"}


def test_png_pictures_carry_alpha_and_their_times(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    source = video(pts=UNEVEN, time_base=Fraction(1, 90))
    finish(red_engine.run({"media": source}, {"export": "png"}, tmp_path / "out"))
    with zipfile.ZipFile(tmp_path / "out/png.zip") as archive:
        rows = list(csv.reader(io.StringIO(archive.read("times.csv").decode())))[1:]
        made = [cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_UNCHANGED) for name, _ in rows]
    assert [float(seconds) for _, seconds in rows] == pytest.approx([pts / 90 for pts in UNEVEN], abs=1e-5)
    check_alpha([picture[..., 3] for picture in made], 1)
    assert made[0][32, 24, 2] > 200 and made[0][32, 24, 0] < 60  # BGRA: the disk is red


def test_a_background_is_not_stretched_by_pixels_that_are_not_square(tmp_path: Path) -> None:
    disk = cv2.circle(np.zeros((90, 160, 3), np.uint8), (80, 45), 40, (255, 255, 255), -1)
    Image.fromarray(disk).save(tmp_path / "disk.png")
    frame = np.zeros((90, 80, 3), np.uint8)  # shown 160 wide
    behind = open_background("", tmp_path / "disk.png", Fraction(2)).render(frame, np.zeros((90, 80), np.float32), 0.0)
    _, _, wide, high = cv2.boundingRect((behind[..., 0] > 128).astype(np.uint8))
    assert behind.shape == frame.shape and wide == pytest.approx(40, abs=2) and high == pytest.approx(80, abs=2)


def test_composite_puts_the_colour_behind(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    options = {"export": "composite", "background": "#2040c0"}
    finish(red_engine.run({"media": video()}, options, tmp_path / "out"))
    made = pictures_of(tmp_path / "out/composite.mp4")
    assert np.abs(made[3][2, 2].astype(int) - (0x20, 0x40, 0xC0)).max() < 8
    assert made[3][32, 30][0] > 190


def test_a_picture_and_a_video_can_lie_behind(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    yellow = np.full((30, 30, 3), (240, 230, 10), np.uint8)
    cv2.imwrite(str(tmp_path / "yellow.png"), yellow[..., ::-1])
    media = video()
    finish(
        red_engine.run({"media": media, "background": tmp_path / "yellow.png"}, {"export": "composite"}, tmp_path / "a")
    )
    assert np.abs(pictures_of(tmp_path / "a/composite.mp4")[0][2, 2].astype(int) - (240, 230, 10)).max() < 10
    greys = [np.full((64, 96, 3), 40 * index, np.uint8) for index in range(3)]  # shorter than the clip: it starts over
    moving = video("greys.mp4", greys)
    finish(red_engine.run({"media": media, "background": moving}, {"export": "composite"}, tmp_path / "b"))
    seen = [int(picture[2, 2].mean()) for picture in pictures_of(tmp_path / "b/composite.mp4")]
    assert seen == pytest.approx([0, 40, 80, 0, 40, 80], abs=6)


def test_a_video_of_one_picture_stays_behind_and_is_opened_once(
    video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[IsolatedReader] = []

    class Counted(IsolatedReader):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            opened.append(self)

    monkeypatch.setattr("backends.matting.finishing.background.IsolatedReader", Counted)
    behind = open_background("", video("one.mp4", [np.full((64, 96, 3), 120, np.uint8)]))
    for seconds in (0.0, 5.0, 3600.0):
        seen = behind.render(scene(0), np.zeros((64, 96), np.float32), seconds)
        assert seen.shape == (64, 96, 3) and abs(int(seen.mean()) - 120) < 5
    behind.close()
    assert len(opened) == 1


def test_blur_keeps_the_scene_but_not_the_person_in_it(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    finish(red_engine.run({"media": video()}, {"export": "composite", "background": "blur"}, tmp_path / "out"))
    made = pictures_of(tmp_path / "out/composite.mp4")[0].astype(int)
    assert abs(made[4, 80] - scene(0)[4, 80]).max() < 14  # the slope is smooth, so blur hardly changes it
    rim = made[32, 24 + 16 + 4]  # just beside the disk there is no red halo
    assert rim[0] < 60


def test_several_exports_are_made_in_one_run(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    result, _ = finish(red_engine.run({"media": video()}, {"export": "webm, luma"}, tmp_path / "out"))
    assert [(item.kind, item.name) for item in result.artifacts] == [
        ("export", "webm"),
        ("export", "luma"),
        ("alpha", "alpha"),
        ("matte", "matte"),
        ("proxy", "proxy"),
        ("frames", "frames"),
    ]
    assert all(item.path.stat().st_size > 200 for item in result.artifacts)


def test_events_count_frames_show_previews_and_measure(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    _, events = finish(red_engine.run({"media": video()}, {"export": "luma"}, tmp_path / "out"))
    counts = [event.done for event in events if isinstance(event, Progress)]
    assert counts == sorted(counts) and counts[-1] == 6
    previews = [event.artifact for event in events if isinstance(event, Partial)]
    assert previews and previews[0].meta["frame"] == 0
    shown = cv2.imread(str(previews[0].path), cv2.IMREAD_UNCHANGED)
    assert shown[32, 24, 3] > 250 and shown[2, 2, 3] < 5
    metrics = {event.name: event.value for event in events if isinstance(event, Metric)}
    assert metrics["frames per second"] > 0
    assert metrics["area of the person"] == pytest.approx(100 * np.pi * 16**2 / (96 * 64), rel=0.1)


def test_frames_json_has_a_row_for_every_frame(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    finish(red_engine.run({"media": video()}, {"export": "luma"}, tmp_path / "out"))
    table = json.loads((tmp_path / "out/frames.json").read_text())
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    assert [row["frame"] for row in rows] == list(range(6))
    assert rows[3]["seconds"] == pytest.approx(0.1, abs=1e-3)
    assert all(0 < row["uncertain"] < 0.2 for row in rows)


def test_alpha_in_formats_without_it_is_refused_in_words() -> None:
    with pytest.raises(BadInput, match="MP4 cannot hold transparency"):
        parse_exports("mp4")
    with pytest.raises(BadInput, match="no soft edges"):
        parse_exports("gif")
    with pytest.raises(BadInput, match="no export called “avi”"):
        parse_exports("avi")
    with pytest.raises(BadInput, match="Choose what to make"):
        parse_exports(" , ")


def test_every_export_says_what_opens_it_and_how_large_it_gets() -> None:
    info = MediaInfo("video", 1920, 1080, frames=300, seconds=10, rate=Fraction(30), audio=("aac",))
    sizes = {kind: export.estimate(info) for kind, export in EXPORTS.items()}
    assert all(export.opens_in.startswith("Opens ") for export in EXPORTS.values())
    assert sizes["png"] > sizes["prores4444"] > sizes["webm"] > sizes["luma"] > 240_000
    assert EXPORTS["webm"].estimate(info, 3.0) == pytest.approx(0.3 * sizes["webm"], rel=0.01)
