"""Small videos with a known matte, and an engine whose matte every test can work out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from backends.core.engine import Event
from backends.core.model_card import ModelCard
from backends.matting.base import MattingEngine
from backends.matting.types import Matting
from backends.matting.video.frames import VideoReader

CARD = ModelCard("test", "matting", "test", "Test", "", "", "MIT", "builtin")


class RedEngine(MattingEngine):
    """Cuts out what is red: a matte whose truth every test can work out."""

    name = "red"
    task = "matting"

    def load(self, device: str) -> None:
        return

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        red, rest = frames[..., 0].astype(np.float32), frames[..., 1:].max(axis=-1).astype(np.float32)
        return np.clip((red - rest - 40) / 120, 0, 1)


def scene(index: int, width: int = 96, height: int = 64) -> np.ndarray:
    """A red disk that moves to the right over a green and blue slope, `(H, W, 3)` uint8."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 1] = np.linspace(60, 160, width, dtype=np.uint8)
    picture[..., 2] = np.linspace(60, 140, height, dtype=np.uint8)[:, None]
    cv2.circle(picture, (width // 4 + 2 * index, height // 2), height // 4, (220, 20, 30), -1, cv2.LINE_AA)
    return picture


def truth(index: int, width: int = 96, height: int = 64) -> np.ndarray:
    """Where the disk surely is, bool."""
    mask = np.zeros((height, width), np.uint8)
    cv2.circle(mask, (width // 4 + 2 * index, height // 2), height // 4 - 3, 1, -1)
    return mask.astype(bool)


MakeVideo = Callable[..., Path]


def write_video(
    path: Path,
    pictures: list[np.ndarray],
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    pts: list[int] | None = None,
    time_base: Fraction = Fraction(1, 30),
    rotation: int = 0,
    mirrored: bool = False,
    sar: Fraction | None = None,
    tags: tuple[int, int, int] = (1, 1, 1),
    full: bool = False,
    sound: str = "",
    seconds: float = 0.2,
    interlaced: bool = False,
) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=30, options=dict(options or {}))
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pixels
        context = stream.codec_context
        context.time_base = stream.time_base = time_base
        context.colorspace, context.color_primaries, context.color_trc = tags
        context.color_range = 2 if full else 1
        if sar is not None:
            context.sample_aspect_ratio = sar
        if rotation or mirrored:
            stream.set_display_rotation(rotation, hflip=mirrored)
        if interlaced:
            context.flags |= 1 << 18 | 1 << 29
        voice = _sound_stream(out, sound) if sound else None
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(
                format=pixels, dst_colorspace={9: 9}.get(tags[0], 1), dst_color_range=2 if full else 1
            )
            frame.pts, frame.time_base = (pts[index] if pts else index), time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if voice is not None:
            _write_sound(out, voice, seconds)


def make_video(folder: Path) -> MakeVideo:
    """What writes a video with the properties asked for into `folder`, and gives its path."""

    def make(name: str = "clip.mp4", frames: Iterable[np.ndarray] | int = 6, **facts: Any) -> Path:
        pictures = [scene(index) for index in range(frames)] if isinstance(frames, int) else list(frames)
        write_video(folder / name, pictures, **facts)
        return folder / name

    return make


def cut_out(path: Path, out: Path, **options: Any) -> Matting:
    """The result of cutting out what is red."""
    return finish(RedEngine(CARD).run({"media": path}, options, out))[0]


def lines(result: Matting, what: str) -> list[tuple[str, str]]:
    """States and sentences of the preservation report on `what`."""
    return [(check.state, check.sentence) for check in result.kept if check.what == what]


def _sound_stream(out: Any, codec: str) -> Any:
    rate = 48_000 if "opus" in codec else 44_100
    return out.add_stream(codec, rate=rate, layout="stereo")


def _write_sound(out: Any, stream: Any, seconds: float) -> None:
    rate = stream.codec_context.sample_rate
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    samples = (np.repeat(wave[None], 2, axis=0).T.reshape(1, -1) * 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
    frame.sample_rate, frame.pts = rate, 0
    resampler = av.AudioResampler(stream.codec_context.format, "stereo", rate, stream.codec_context.frame_size or None)
    for part in (*resampler.resample(frame), *resampler.resample(None)):
        out.mux(stream.encode(part))
    out.mux(stream.encode(None))


def finish(events: Iterable[Event]) -> tuple[Matting, list[Event]]:
    """Run to the end; the result and all events."""
    seen = list(events)
    assert isinstance(seen[-1], Matting)
    return seen[-1], seen


def pictures_of(path: Path, layout: str = "rgb24", decoder: str = "") -> list[np.ndarray]:
    """Every frame of a video, by the decoder named or the usual one."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if not decoder:
            return [frame.to_ndarray(format=layout) for frame in container.decode(stream)]
        context = av.CodecContext.create(decoder, "r")
        context.extradata = stream.codec_context.extradata
        found = [frame for packet in container.demux(stream) for frame in context.decode(packet)]
        return [frame.to_ndarray(format=layout) for frame in found]


def frames_of(path: Path) -> list[np.ndarray]:
    """Every frame `(H, W, 3)` uint8 as a run reads it: FFmpeg's quick way to RGB is a level off."""
    with closing(VideoReader(path)) as reader:
        return [frame.rgb for frame in iter(reader.read, None)]


def times_of(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def sounds_of(path: Path) -> list[bytes]:
    """The bytes of every audio packet."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]
