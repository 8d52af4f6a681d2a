"""Files that are broken, hostile or odd: each gives a sentence or the right result, never a traceback."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from backends.core.engine import Notice, Progress
from backends.core.errors import BadInput, TooLarge, UserError
from backends.matting.video.colour import hlg_light, pq_light, to_sdr
from backends.matting.video.source import check_size
from tests.support.matting import CARD, MakeVideo, RedEngine, finish, pictures_of, scene, times_of, truth, write_video
from tests.support.waiting import no_thread_left


def refused(red_engine: RedEngine, path: Path, out: Path, kind: type[UserError] = BadInput) -> str:
    with pytest.raises(kind) as caught:
        list(red_engine.run({"media": path}, {"export": "luma"}, out))
    assert "\n" not in caught.value.sentence
    return caught.value.sentence


def test_an_empty_file(red_engine: RedEngine, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert "empty" in refused(red_engine, tmp_path / "empty.mp4", tmp_path / "out")


def test_a_text_file_that_calls_itself_a_video(red_engine: RedEngine, tmp_path: Path) -> None:
    (tmp_path / "words.mp4").write_text("This is not a video.\n" * 50)
    assert "could not be read" in refused(red_engine, tmp_path / "words.mp4", tmp_path / "out")


@pytest.mark.parametrize(
    "words",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{secret}'\n",
        "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><BaseURL>{secret}</BaseURL></MPD>",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    ],
    ids=["hls", "concat", "dash", "sdp"],
)
def test_a_playlist_cannot_reach_another_file(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path, words: str
) -> None:
    secret = video("secret.mp4")
    (tmp_path / "list.mp4").write_text(words.format(secret=secret))
    assert "could not be read" in refused(red_engine, tmp_path / "list.mp4", tmp_path / "out")


def test_sound_alone_is_told_apart(red_engine: RedEngine, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "song.mp4"), "w") as out:
        stream = out.add_stream("aac", rate=44_100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 44_100, 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert "sound but no pictures" in refused(red_engine, tmp_path / "song.mp4", tmp_path / "out")


def test_a_video_without_a_single_frame(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    data = bytearray(video("clip.avi", codec="mjpeg", pixels="yuvj420p").read_bytes())
    start = data.index(b"movi")
    for index in range(start + 12, len(data)):
        data[index] = 0  # headers as before, nothing in the frames
    (tmp_path / "hollow.avi").write_bytes(data)
    sentence = refused(red_engine, tmp_path / "hollow.avi", tmp_path / "out")
    assert "Not one picture" in sentence


def test_a_file_that_was_cut_off_gives_what_is_left_and_says_so(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path
) -> None:
    noise = np.random.default_rng(1).integers(0, 40, (40, 64, 96, 3), np.uint8)
    whole = video("clip.mkv", [scene(i % 20) + noise[i] for i in range(40)], options={"g": "1"}).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    result, _ = finish(red_engine.run({"media": tmp_path / "cut.mkv"}, {"export": "luma"}, tmp_path / "out"))
    assert 10 <= result.frames < 30
    assert len(pictures_of(tmp_path / "out/alpha.mkv")) == result.frames


def test_damage_in_the_middle_is_left_out_and_told(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    data = bytearray(video("clip.avi", 12, codec="png", pixels="rgb24").read_bytes())
    spots = [index for index in range(len(data) - 4) if data[index : index + 4] == b"IDAT"]
    for spot in spots[4:6]:
        data[spot + 6 : spot + 30] = bytes(24)
    (tmp_path / "hurt.avi").write_bytes(data)
    result, events = finish(red_engine.run({"media": tmp_path / "hurt.avi"}, {"export": "luma"}, tmp_path / "out"))
    assert result.frames == 10
    assert any("damaged" in event.sentence for event in events if isinstance(event, Notice))


def test_a_movie_without_its_index_is_refused(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    data = video().read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: data.index(b"moov") - 4])
    assert "not complete: the index at its end is missing" in refused(
        red_engine, tmp_path / "cut.mp4", tmp_path / "out"
    )


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(red_engine: RedEngine, tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(60_000, 60_000))
    assert "pixels" in refused(red_engine, tmp_path / "bomb.png", tmp_path / "out", TooLarge)
    (tmp_path / "large.png").write_bytes(png_header(12_000, 9_000))
    assert "12000 × 9000" in refused(red_engine, tmp_path / "large.png", tmp_path / "out2", TooLarge)


def test_the_cap_of_a_card_holds_for_videos(video: MakeVideo, tmp_path: Path) -> None:
    from dataclasses import replace

    from backends.core.model_card import Limits

    small = RedEngine(replace(CARD, limits={"cpu": Limits(megapixels=0.005)}))
    assert "96 × 64" in refused(small, video(), tmp_path / "out", TooLarge)


def test_pictures_that_are_next_to_nothing_are_refused() -> None:
    with pytest.raises(BadInput, match="too small"):
        check_size(4, 4, 100)


def test_one_single_frame(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    result, _ = finish(red_engine.run({"media": video(frames=1)}, {"export": "prores4444,webm,luma"}, tmp_path / "out"))
    assert result.frames == 1
    assert len(pictures_of(tmp_path / "out/prores4444.mov")) == len(pictures_of(tmp_path / "out/webm.webm")) == 1


def test_a_part_beyond_the_end_is_refused(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no picture in the part"):
        list(red_engine.run({"media": video()}, {"export": "luma", "start": 50}, tmp_path / "out"))
    assert not list((tmp_path / "out").glob("*.mkv"))


def test_missing_times_are_made_up_from_the_rate_and_told(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path
) -> None:
    source = video("raw.h264", 8, options={"bf": "0"})
    result, events = finish(red_engine.run({"media": source}, {"export": "luma"}, tmp_path / "out"))
    assert result.frames == 8
    assert any("no usable time" in event.sentence for event in events if isinstance(event, Notice))
    assert times_of(tmp_path / "out/luma.mp4") == [Fraction(index, 25) for index in range(8)]


def test_an_interlaced_video_has_no_combs_left(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    woven = []
    for index in range(8):
        odd, even = scene(4 * index, 160, 96), scene(4 * index + 2, 160, 96)
        frame = even.copy()
        frame[1::2] = odd[1::2]
        woven.append(frame)
    source = video("clip.mpg", woven, codec="mpeg2video", interlaced=True, options={"b": "4000000"})
    result, events = finish(red_engine.run({"media": source}, {"export": "composite,luma"}, tmp_path / "out"))
    assert result.frames == 8
    assert any("interlaced" in event.sentence for event in events if isinstance(event, Notice))
    matte = pictures_of(tmp_path / "out/alpha.mkv", "gray")[4].astype(int)
    rows = np.abs(np.diff(matte, axis=0)).sum()
    pairs = np.abs(matte[2:] - matte[:-2]).sum()
    assert rows < pairs  # combs change from row to row and back


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_is_brought_down_to_ordinary_colours(red_engine: RedEngine, tmp_path: Path, transfer: int) -> None:
    codes = {16: 0.5, 18: 0.6}
    light = pq_light(np.array([codes[16]]))[0] if transfer == 16 else hlg_light(np.full((1, 3), codes[18]))[0, 0]
    grey = np.full((64, 96, 3), round(255 * codes[transfer]), np.uint8)
    grey[:, 48:] = 0
    path = tmp_path / "hdr.mkv"
    write_video(path, [grey] * 3, codec="ffv1", pixels="yuv420p10le", tags=(9, 9, transfer))
    _, events = finish(red_engine.run({"media": path}, {"export": "composite", "background": "blur"}, tmp_path / "out"))
    assert any("HDR" in event.sentence for event in events if isinstance(event, Notice))
    with av.open(str(tmp_path / "out/composite.mp4")) as made:
        context = made.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)
        seen = next(made.decode(video=0)).to_ndarray(format="rgb24")
    expected = 255 * to_sdr(np.full((1, 3), codes[transfer]), transfer)[0, 0]
    assert seen[32, 10].astype(int) == pytest.approx([expected] * 3, abs=6)
    assert 60 < light < 250 and seen[32, 80].max() < 8


def test_sdr_of_reference_white_is_bright_and_of_more_never_over() -> None:
    codes = np.repeat(np.linspace(0, 1, 50)[:, None], 3, axis=1)
    for transfer in (16, 18):
        sdr = to_sdr(codes, transfer)
        assert (np.diff(sdr[:, 0]) >= -1e-6).all() and sdr.min() >= 0 and sdr.max() <= 1
    assert pq_light(np.array([0.5081]))[0] == pytest.approx(100, rel=0.01)  # ST 2084: code 0.5081 is 100 cd/m²
    assert to_sdr(np.full((1, 3), 0.58), 16)[0, 0] > 0.85


def test_an_animated_gif_is_a_video(red_engine: RedEngine, tmp_path: Path) -> None:
    frames = [Image.fromarray(scene(index)) for index in range(5)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:], duration=80, loop=0)
    result, _ = finish(red_engine.run({"media": tmp_path / "moving.gif"}, {"export": "luma"}, tmp_path / "out"))
    assert result.frames == 5
    assert float(times_of(tmp_path / "out/alpha.mkv")[1]) == pytest.approx(0.08, abs=0.002)


def test_a_picture_gives_alpha_and_cutout(red_engine: RedEngine, tmp_path: Path) -> None:
    Image.fromarray(scene(0)).save(tmp_path / "still.png")
    result, _ = finish(red_engine.run({"media": tmp_path / "still.png"}, {"export": "composite"}, tmp_path / "out"))
    alpha = np.asarray(Image.open(tmp_path / "out/alpha.png"))
    cutout = np.asarray(Image.open(tmp_path / "out/cutout.png"))
    assert alpha.shape == (64, 96) and cutout.shape == (64, 96, 4)
    assert alpha[truth(0)].min() > 250 and alpha[2, 2] == 0
    assert np.array_equal(cutout[..., 3], alpha)
    soft = (alpha > 60) & (alpha < 200)
    assert (
        cutout[soft][:, 0].mean() > scene(0)[soft][:, 0].mean() + 15
    )  # the edge is redder than it was: decontaminated
    assert {item.name for item in result.artifacts} == {"alpha", "cutout", "composite", "matte", "proxy"}


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "I;16", "RGBA", "1"])
def test_pictures_of_every_kind_are_taken(red_engine: RedEngine, tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("still.tif" if mode in ("CMYK", "I;16") else "still.png")
    if mode == "I;16":
        Image.fromarray(scene(0)[..., 1].astype(np.uint16) * 257).save(path)
    else:
        Image.fromarray(scene(0)).convert(mode).save(path)
    finish(red_engine.run({"media": path}, {}, tmp_path / "out"))
    assert np.asarray(Image.open(tmp_path / "out/alpha.png")).shape == (64, 96)


def test_a_photo_held_sideways_is_turned_and_its_transparency_stays(red_engine: RedEngine, tmp_path: Path) -> None:
    photo = Image.fromarray(scene(0))
    exif = photo.getexif()
    exif[0x0112] = 6
    photo.save(tmp_path / "phone.jpg", exif=exif, quality=95)
    result, _ = finish(red_engine.run({"media": tmp_path / "phone.jpg"}, {}, tmp_path / "out"))
    alpha = np.asarray(Image.open(tmp_path / "out/alpha.png"))
    assert alpha.shape == (96, 64) and alpha[24, 64 - 32] > 200
    assert any(item.what == "orientation" for item in result.kept)
    seen_through = np.dstack([scene(0), np.full((64, 96), 128, np.uint8)])
    Image.fromarray(seen_through).save(tmp_path / "glass.png")
    finish(red_engine.run({"media": tmp_path / "glass.png"}, {}, tmp_path / "glass"))
    assert abs(int(np.asarray(Image.open(tmp_path / "glass/alpha.png"))[32, 24]) - 128) <= 1


def test_a_damaged_picture_and_a_heic_are_refused(red_engine: RedEngine, tmp_path: Path) -> None:
    Image.fromarray(scene(0)).save(tmp_path / "whole.jpg")
    data = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(data[:-200])
    assert "damaged" in refused(red_engine, tmp_path / "half.jpg", tmp_path / "out")
    (tmp_path / "phone.heic").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(200))
    assert "HEIC" in refused(red_engine, tmp_path / "phone.heic", tmp_path / "out")


def test_nobody_in_the_picture_is_said(red_engine: RedEngine, video: MakeVideo, tmp_path: Path) -> None:
    empty = [np.full((64, 96, 3), 90, np.uint8)] * 3
    _, events = finish(red_engine.run({"media": video(frames=empty)}, {"export": "luma"}, tmp_path / "out"))
    assert any("No person" in event.sentence for event in events if isinstance(event, Notice))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"edge": "wide"}, "takes a number"),
        ({"softness": 900}, "from 0 to 50"),
        ({"softness": 10**400}, "from 0 to 50"),
        ({"start": "nan"}, "from 0"),
        ({"start": 3, "end": 2}, "after the start"),
        ({"temporal": "maybe"}, "“on” or “off”"),
        ({"export": "composite", "background": "plaid"}, "is no background"),
        ({"export": "mp4"}, "cannot hold transparency"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path, options: dict[str, object], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        list(red_engine.run({"media": video()}, options, tmp_path / "out"))


def test_closing_stops_every_thread_and_takes_half_made_files_away(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path
) -> None:
    with no_thread_left():
        events = red_engine.run({"media": video(frames=60)}, {"export": "prores4444,luma"}, tmp_path / "out")
        for event in events:
            if isinstance(event, Progress) and event.done >= 2:
                break
        events.close()  # type: ignore[attr-defined]
    assert not [path for path in (tmp_path / "out").iterdir() if path.suffix in (".mov", ".mp4", ".mkv")]


def test_an_engine_that_fails_midway_stops_all_and_tells_why(video: MakeVideo, tmp_path: Path) -> None:
    class Failing(RedEngine):
        def mattes(self, frames: np.ndarray) -> np.ndarray:
            if frames[0].max() > 0 and self.calls > 1:
                raise ZeroDivisionError("as if the device had gone")
            self.calls += 1
            return super().mattes(frames)

        calls = 0

    with no_thread_left(), pytest.raises(ZeroDivisionError):
        list(Failing(CARD).run({"media": video(frames=30)}, {"export": "luma"}, tmp_path / "out"))


def test_a_writer_that_fails_stops_all_and_tells_why(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backends.core.errors import EngineFailed
    from backends.matting.video import writers

    def full(self: object, packets: object) -> None:
        raise EngineFailed("The result could not be written: free some disk space.")

    monkeypatch.setattr(writers.VideoWriter, "_mux", full)
    with pytest.raises(EngineFailed, match="disk space"):
        list(red_engine.run({"media": video(frames=40)}, {"export": "luma"}, tmp_path / "out"))


def test_frames_that_change_size_midway_are_brought_to_the_first(red_engine: RedEngine, tmp_path: Path) -> None:
    first, second = tmp_path / "a.ts", tmp_path / "b.ts"
    write_video(first, [scene(i) for i in range(6)])
    write_video(
        second, [scene(i, 192, 128) for i in range(6)], pts=[6 + i for i in range(6)], time_base=Fraction(1, 30)
    )
    (tmp_path / "both.ts").write_bytes(first.read_bytes() + second.read_bytes())
    result, events = finish(red_engine.run({"media": tmp_path / "both.ts"}, {"export": "luma"}, tmp_path / "out"))
    assert (result.width, result.height) == (96, 64) and result.frames == 12
    assert any("changes its size" in event.sentence for event in events if isinstance(event, Notice))
    assert {picture.shape for picture in pictures_of(tmp_path / "out/alpha.mkv", "gray")} == {(64, 96)}


def test_cv2_agrees_that_there_is_one_matte_for_each_frame(
    red_engine: RedEngine, video: MakeVideo, tmp_path: Path
) -> None:
    source = video(frames=25, options={"bf": "3"})
    finish(red_engine.run({"media": source}, {"export": "luma"}, tmp_path / "out"))
    counts = []
    for path in (source, tmp_path / "out/alpha.mkv"):
        capture, count = cv2.VideoCapture(str(path)), 0
        while capture.read()[0]:
            count += 1
        counts.append(count)
    assert counts == [25, 25]
