"""Videos with sound tracks of any kind: codecs, layouts, names, holes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from backends.matting.types import Chapter
from backends.matting.video.tags import write_chapters
from tests.support.matting import scene


@dataclass(frozen=True)
class Sound:
    """A tone with a click at every half second.

    `hole` is a stretch in seconds for which nothing is written; `format` is FFmpeg's sample format, for a codec
    that has several.
    """

    codec: str = "pcm_s16le"
    seconds: float = 1.0
    layout: str = "stereo"
    hole: tuple[float, float] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    format: str = ""


RATE = 48_000


def write_clip(
    path: Path,
    sounds: Sequence[Sound] = (),
    *,
    frames: int = 4,
    rate: Fraction = Fraction(25),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    words: Mapping[str, str] | None = None,
    chapters: Sequence[Chapter] = (),
) -> Path:
    """A small moving disk with these sound tracks.

    Args:
        path: where to.
        sounds: the tracks.
        frames: how many.
        rate: of the frames, in Hz.
        codec: FFmpeg's name of the video encoder.
        pixels: its pixel format.
        words: tags of the file, such as its timecode.
        chapters: of the file.
    """
    with av.open(str(path), "w") as out:
        out.metadata.update(words or {})
        write_chapters(out, chapters)
        stream = out.add_stream(codec, rate=rate)
        stream.height, stream.width = scene(0).shape[:2]
        stream.pix_fmt = pixels
        tracks = [out.add_stream(sound.codec, rate=RATE, layout=sound.layout) for sound in sounds]
        for track, sound in zip(tracks, sounds, strict=True):
            track.metadata.update(sound.names)
            track.codec_context.options = {"strict": "experimental"}  # FFmpeg's own Vorbis
            if sound.format:
                track.codec_context.format = sound.format
        packets = []
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(scene(index)).reformat(format=pixels, dst_colorspace=1)
            frame.pts, frame.time_base = index, 1 / rate
            packets += stream.encode(frame)
        packets += stream.encode(None)
        for track, sound in zip(tracks, sounds, strict=True):
            packets += _coded(track, sound)
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            out.mux(packet)
    return path


def _coded(track: av.AudioStream, sound: Sound) -> list[av.Packet]:
    channels = track.codec_context.layout.nb_channels
    time = np.arange(round(sound.seconds * RATE)) / RATE
    wave = 0.2 * np.sin(2 * np.pi * 440 * time)
    wave[time % 0.5 < 0.01] = 0.9
    samples = (np.repeat(wave[:, None], channels, axis=1) * 32767).astype(np.int16).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=sound.layout)
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    context = track.codec_context
    resampler = av.AudioResampler(context.format, context.layout, RATE, context.frame_size or 1024)
    packets = []
    for part in (*resampler.resample(frame), *resampler.resample(None)):
        if sound.hole is None or not sound.hole[0] <= part.pts / RATE < sound.hole[1]:
            packets += track.encode(part)
    return packets + track.encode(None)


def clicks(path: Path, track: int = 0) -> list[float]:
    """The times in seconds, on the file's clock, at which a click begins, rounded to milliseconds."""
    found: list[float] = []
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.audio[track]):
            resampled = av.AudioResampler("flt", frame.layout, frame.sample_rate).resample(frame)
            samples = np.concatenate([part.to_ndarray().ravel() for part in resampled])
            loud = np.abs(samples.reshape(-1, frame.layout.nb_channels)).max(axis=1) > 0.5
            for start in np.flatnonzero(loud & ~np.r_[False, loud[:-1]]):
                seconds = float(frame.pts * frame.time_base) + start / frame.sample_rate
                if not found or seconds - found[-1] > 0.1:
                    found.append(seconds)
    return [round(seconds, 3) for seconds in found]


def tracks_of(path: Path) -> list[tuple[str, int, str]]:
    """Codec, number of channels and sample format of each sound track."""
    with av.open(str(path)) as container:
        contexts = [stream.codec_context for stream in container.streams.audio]
        return [(context.name, context.layout.nb_channels, context.format.name) for context in contexts]
