"""Video files with several sound tracks, late sound, and sound that is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 44100


def video(
    path: Path,
    tracks: Sequence[np.ndarray],
    *,
    container: str = "matroska",
    picture_seconds: float = 1.0,
    default: int | None = None,
    languages: Sequence[str] = (),
    late: float = 0.0,
    lost: tuple[float, float] = (0.0, 0.0),
    codec: str = "aac",
) -> Path:
    """A video file with sound.

    Args:
        path: the file to write.
        tracks: (T, 2) samples of each sound track.
        container: FFmpeg's name of the container.
        picture_seconds: how long the picture lasts.
        default: the only track with the default flag, from 0; None leaves the flags as they come.
        languages: of the tracks.
        late: seconds by which the sound begins after the picture.
        lost: sound packets from the one to the other second are left out.
        codec: of the sound, one that takes planes of floats.
    """
    with av.open(str(path), "w", format=container) as out:
        is_stream = container == "vob"  # which has its own codec and rates
        pictures = out.add_stream("mpeg2video" if is_stream else "mpeg4", rate=25 if is_stream else 10)
        pictures.width = pictures.height = 32
        pictures.pix_fmt = "yuv420p"
        streams = [out.add_stream(codec, rate=RATE, layout="stereo") for _ in tracks]
        for number, stream in enumerate(streams):
            if number < len(languages):
                stream.metadata["language"] = languages[number]
            if default is not None:
                flag = av.stream.Disposition.default if number == default else av.stream.Disposition(0)
                stream.disposition = flag
        packets = _picture_packets(pictures, round(10 * picture_seconds))
        for stream, samples in zip(streams, tracks, strict=True):
            packets += _sound_packets(stream, samples, late, lost)
        for packet in sorted(packets, key=lambda packet: float((packet.dts or 0) * packet.time_base)):
            out.mux(packet)
    return path


def _picture_packets(stream: Any, count: int) -> list[Any]:
    packets: list[Any] = []
    for index in range(count):
        frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 20 * index % 255, np.uint8), format="rgb24")
        frame.pts = index
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _sound_packets(stream: Any, samples: np.ndarray, late: float, lost: tuple[float, float]) -> list[Any]:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T, np.float32), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = RATE, 0
    packets = []
    for packet in [*stream.encode(frame), *stream.encode(None)]:
        if lost[0] <= float(packet.pts * packet.time_base) < lost[1]:
            continue
        packet.pts += round(late / packet.time_base)
        packet.dts += round(late / packet.time_base)
        packets.append(packet)
    return packets
