"""Decodes the sound of a video in a process of its own, block by block, packed and with its times."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np

from backends.matting.video.source import open_container, origin
from backends.matting.video.timeline import RunningTime
from backends.shared.isolation import isolated
from backends.shared.media import Packer, packets_until_damage

DECODE = f"{__name__}:decode_blocks"

LEAD_IN = Fraction(1, 10)
"""Seconds of sound that a decoder needs before the first that is wanted; what lies earlier is hidden on purpose."""


@dataclass(frozen=True)
class SoundBlock:
    """A block of decoded sound.

    Attributes:
        track: the index of its stream in the source.
        samples: `(N, C)` in the type of `format`, which is one of FFmpeg's packed sample formats.
        format: the sample format.
        layout: FFmpeg's name of the speakers.
        rate: samples a second.
        begin: in seconds of the output; None where the source does not say.
        damaged: that the block stands for a packet that could not be decoded, and has no samples.
    """

    track: int
    samples: np.ndarray
    format: str
    layout: str
    rate: int
    begin: Fraction | None
    damaged: bool = False

    def frame(self) -> av.AudioFrame:
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(self.samples).reshape(1, -1), format=self.format, layout=self.layout
        )
        frame.sample_rate = self.rate
        return frame


def read_blocks(
    path: Path, tracks: Sequence[int], start: Fraction, length: Fraction | None
) -> Generator[SoundBlock, None, None]:
    """The blocks of some tracks, in the order of the file.

    Args:
        path: the file, untrusted.
        tracks: the indices of the streams.
        start: of the part in seconds from the beginning of the file, which becomes 0.
        length: of the part in seconds; None for all of it.

    Raises:
        UndecodableFile: it crashes the decoder.
    """
    if not tracks:
        return
    arguments = {"tracks": list(tracks), "start": str(start), "length": None if length is None else str(length)}
    items = isolated(DECODE, path=path.resolve(), **arguments)
    with closing(cast(Generator[dict[str, Any], None, None], items)):
        for item in items:
            begin = item.pop("begin")
            yield SoundBlock(**item, begin=None if begin is None else Fraction(begin))


def decode_blocks(path: str, tracks: Sequence[int], start: str, length: str | None) -> Iterator[dict[str, Any]]:
    """What `read_blocks` reads. Packets that cannot be decoded are left out."""
    stop = None if length is None else Fraction(length)
    with closing(open_container(Path(path))) as container:
        shift = Fraction(start) + origin(container)
        streams = [cast(av.AudioStream, container.streams[index]) for index in tracks]
        if Fraction(start):
            container.seek(int((shift - LEAD_IN) * av.time_base), backward=True)
        pack = Packer(planes=0)
        clocks = {index: RunningTime() for index in tracks}
        offset = Fraction(0)
        for packet in packets_until_damage(container, *streams):
            index, stamp = packet.stream.index, packet.pts if packet.pts is not None else packet.dts
            if stamp is not None:
                begin, lasts = stamp * packet.time_base - shift, (packet.duration or 0) * packet.time_base
                offset = clocks[index].offset(begin, lasts)
                begin += offset
                if begin + lasts <= -LEAD_IN or (stop is not None and begin >= stop):
                    continue
            try:
                frames = cast(list[av.AudioFrame], packet.decode())
            except av.error.FFmpegError:
                yield {**_NO_SOUND, "track": index}
                continue
            for frame in frames:
                yield _block(pack(frame), index, shift - offset)


_NO_SOUND = {
    **{"samples": np.zeros((0, 1), np.int16), "format": "s16", "layout": "mono", "rate": 48_000},
    **{"begin": None, "damaged": True},
}


def _block(frame: av.AudioFrame, track: int, shift: Fraction) -> dict[str, Any]:
    """The samples of a packed frame, with its time."""
    begin = None
    if frame.pts is not None and frame.time_base is not None:
        begin = str(frame.pts * Fraction(frame.time_base) - shift)
    return {
        "track": track,
        "samples": frame.to_ndarray().reshape(-1, frame.layout.nb_channels),
        "format": frame.format.name,
        "layout": frame.layout.name,
        "rate": frame.sample_rate,
        "begin": begin,
    }
