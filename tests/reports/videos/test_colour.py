"""Colours, bits and transparency that came out as others."""

from __future__ import annotations

import zipfile
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from backends.matting.types import Frame
from backends.matting.video.frames import VideoReader
from tests.support.matting import CARD, MakeVideo, RedEngine, cut_out, finish, lines, scene, write_video
from tests.support.sounds import write_clip


def first_png(path: Path) -> np.ndarray:
    with zipfile.ZipFile(path) as archive:
        return cv2.imdecode(np.frombuffer(archive.read("000000.png"), np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("tags", [(1, 1, 1), (6, 6, 6), (9, 9, 14)])
def test_every_prores_frame_names_its_colours(video: MakeVideo, tmp_path: Path, tags: tuple[int, int, int]) -> None:
    result = cut_out(video(tags=tags), tmp_path / "out")
    with av.open(str(tmp_path / "out/prores4444.mov")) as made:
        frame = next(made.decode(video=0))
        assert (int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc)) == tags
    assert lines(result, "colour") == [("kept", "Range, primaries and transfer are those of the source.")]


def test_an_ordinary_source_is_kept_in_all_by_the_default_export(video: MakeVideo, tmp_path: Path) -> None:
    for name, tags in (("said.mp4", (1, 1, 1)), ("unsaid.mp4", (2, 2, 2)), ("browser.mp4", (5, 2, 2))):
        result = cut_out(video(name, sound="aac", tags=tags), tmp_path / name.removesuffix(".mp4"))
        assert {check.state for check in result.kept} == {"kept"}


@pytest.mark.parametrize(("pixels", "state"), [("yuv444p", "kept"), ("yuv444p10le", "changed")])
def test_full_range_is_kept_where_the_file_has_more_bits_than_the_source(
    video: MakeVideo, tmp_path: Path, pixels: str, state: str
) -> None:
    """Video range has fewer levels: two bits more keep all of 8 bits apart, and no bits more cannot."""
    result = cut_out(video("clip.mkv", codec="ffv1", pixels=pixels, full=True), tmp_path / "out")
    [(said, sentence)] = lines(result, "colour")
    assert said == state and "became video range" in sentence


def test_missing_colours_in_the_frames_are_seen(
    video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.matting.video.writers.tag_frame", lambda frame, colour: None)
    (line,) = lines(cut_out(video(tags=(9, 9, 14)), tmp_path / "out"), "colour")
    assert line[0] == "changed"


def test_pictures_are_decoded_to_the_nearest_level(tmp_path: Path) -> None:
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:] = np.linspace(30, 220, 96).astype(np.uint8)[:, None]
    picture[..., 1] = picture[..., 0] // 2 + 60
    write_video(tmp_path / "clip.mkv", [picture] * 2, codec="ffv1", pixels="yuv444p")
    reader = VideoReader(tmp_path / "clip.mkv")
    frame = reader.read()
    reader.close()
    assert frame is not None
    assert np.abs((frame.rgb.astype(int) - picture).mean(axis=(0, 1))).max() < 0.2


def deep_clip(path: Path) -> np.ndarray:
    """A 10-bit red slope, and its red values `(96,)` in 0..65535."""
    slope = np.linspace(44_000, 48_000, 96).astype(np.uint16)
    picture = np.zeros((64, 96, 3), np.uint16)
    picture[..., 0] = slope
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv444p10le"
        frame = av.VideoFrame.from_ndarray(picture, format="rgb48le")
        out.mux(stream.encode(frame.reformat(format="yuv444p10le", dst_colorspace=5, dst_color_range=1)))
        out.mux(stream.encode(None))
    return slope


def test_ten_bits_stay_ten_bits(tmp_path: Path) -> None:
    slope = deep_clip(tmp_path / "deep.mkv")
    result = cut_out(tmp_path / "deep.mkv", tmp_path / "out", export="prores4444,png")
    picture = first_png(tmp_path / "out/png.zip")
    assert picture.dtype == np.uint16 and picture[32, :, 3].min() == 65535
    error = picture[20:40, :, 2].mean(axis=0) - slope
    assert np.abs(error - error.mean()).max() < 128  # an 8-bit picture has steps of 257
    assert len(np.unique(picture[32, :, 2])) > 2 * 4000 / 257
    with av.open(str(tmp_path / "out/prores4444.mov")) as made:
        shown = next(made.decode(video=0)).to_ndarray(format="rgb48le")
    assert len(np.unique(shown[32, 4:-4, 0] // 32)) > 2 * 4000 / 257
    assert lines(result, "bit depth") == [("kept", "10 bits a colour.")]


def test_fewer_bits_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep_clip(tmp_path / "deep.mkv")
    result = cut_out(tmp_path / "deep.mkv", tmp_path / "out", export="webm")
    assert lines(result, "bit depth") == [("changed", "10 bits a colour became 8.")]
    monkeypatch.setattr("backends.matting.finishing.finishing.deep_cutout", _shallow)
    result = cut_out(tmp_path / "deep.mkv", tmp_path / "out2", export="prores4444,png")
    assert lines(result, "bit depth") == [("changed", "10 bits a colour became 8.")]


def _shallow(frame: Frame, colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return cv2.merge([colours, cv2.convertScaleAbs(alpha, alpha=255)])


def pierced(index: int) -> np.ndarray:
    """The moving disk, whose left part is see-through: `(H, W, 4)` uint8."""
    opacity = np.full((64, 96), 255, np.uint8)
    opacity[:, :24] = 0
    return np.dstack([scene(index), opacity])


def write_pierced(path: Path) -> None:
    if path.suffix in (".gif", ".png", ".webp", ".avif"):
        pictures = [Image.fromarray(pierced(index)) for index in range(4)]
        more = {"lossless": True} if path.suffix == ".webp" else {}
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[80, 80, 80, 500], loop=0, **more)
        return
    codec, pixels, options = {
        ".mov": ("prores_ks", "yuva444p10le", {"profile": "4444"}),
        ".webm": ("libvpx-vp9", "yuva420p", {"auto-alt-ref": "0", "deadline": "realtime"}),
    }[path.suffix]
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixels
        for index in range(4):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pierced(index), format="rgba").reformat(format=pixels)))
        out.mux(stream.encode(None))


@pytest.mark.parametrize("name", ["clip.mov", "clip.webm", "clip.gif", "clip.png"])
def test_what_was_see_through_stays_see_through(tmp_path: Path, name: str) -> None:
    write_pierced(tmp_path / name)
    result = cut_out(tmp_path / name, tmp_path / "out", export="png,webm,luma")
    alpha = first_png(tmp_path / "out/png.zip")[..., 3]
    assert alpha[:, :20].max() < 0.02 * np.iinfo(alpha.dtype).max
    assert alpha[32, 28] == np.iinfo(alpha.dtype).max
    assert lines(result, "transparency") == [("kept", "What was see-through in the source still is.")]


def test_transparency_that_was_filled_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pierced(tmp_path / "clip.mov")
    composite = cut_out(tmp_path / "clip.mov", tmp_path / "out", export="composite")
    assert lines(composite, "transparency")[0][0] == "changed"
    monkeypatch.setattr("backends.matting.video.job.with_own_alpha", lambda alpha, frame: alpha)
    for export in ("prores4444", "png", "webm", "luma"):
        result = cut_out(tmp_path / "clip.mov", tmp_path / export, export=export)
        assert [state for state, _ in lines(result, "transparency")] == ["changed"], export


def test_a_still_picture_of_sixteen_bits_says_that_it_becomes_eight(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "deep.png"), scene(0)[..., ::-1].astype(np.uint16) * 257)
    assert lines(cut_out(tmp_path / "deep.png", tmp_path / "out"), "bit depth") == [
        ("changed", "16 bits a colour became 8.")
    ]


@pytest.mark.parametrize(
    ("codec", "pixels", "was"), [("ffv1", "bgra", "4:4:4"), ("libx264", "yuv422p", "4:2:2"), ("qtrle", "argb", "4:4:4")]
)
def test_colour_of_half_the_detail_is_seen(tmp_path: Path, codec: str, pixels: str, was: str) -> None:
    source = write_clip(
        tmp_path / "clip.mov" if codec == "qtrle" else tmp_path / "clip.mkv", codec=codec, pixels=pixels
    )
    result = cut_out(source, tmp_path / "out", export="prores4444,composite")
    assert [(state, was in sentence) for state, sentence in lines(result, "colour detail")] == [
        ("kept", True),
        ("changed", True),
    ]
    assert lines(cut_out(write_clip(tmp_path / "usual.mp4"), tmp_path / "out2"), "colour detail") == []


@pytest.mark.parametrize("deep", [False, True])
def test_the_export_for_editors_is_as_fine_as_the_source_and_no_lighter(tmp_path: Path, deep: bool) -> None:
    """Levels are of 10 bits. FFmpeg's own way to luma and chroma is one of them too light, everywhere."""
    pixels = "yuv444p10le" if deep else "yuv444p"
    ramp = np.linspace(80, 160, 96)
    picture = np.repeat(np.repeat(ramp[None, :, None], 64, axis=0), 3, axis=2)
    picture[:8] = (220, 30, 30)
    source = tmp_path / "clip.mkv"
    with av.open(str(source), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixels
        kind = ("rgb48le", np.uint16, 257) if deep else ("rgb24", np.uint8, 1)
        frame = av.VideoFrame.from_ndarray(np.rint(picture * kind[2]).astype(kind[1]), format=kind[0])
        out.mux([*stream.encode(frame.reformat(format=pixels)), *stream.encode(None)])
    finish(EverythingEngine(CARD).run({"media": source}, {"export": "prores4444"}, tmp_path / "out"))
    before, after = (luma(path)[16:] for path in (source, tmp_path / "out/prores4444.mov"))
    assert abs(float((after - before).mean())) < 0.3 and float((after - before).std()) < 1.0


class EverythingEngine(RedEngine):
    """Takes everything for the person."""

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        return np.ones(frames.shape[:3], np.float32)


def luma(path: Path) -> np.ndarray:
    """The luma of the first frame in levels of 10 bits."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    deep = frame.format.components[0].bits > 8
    plane = np.frombuffer(bytes(frame.planes[0]), np.uint16 if deep else np.uint8).reshape(frame.height, -1)
    levels = plane[:, : frame.width].astype(float)
    return levels / 4 if frame.format.components[0].bits == 12 else levels * (1 if deep else 4)
