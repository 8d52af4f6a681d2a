"""Reading damaged sound and video with PyAV. Called only in a process of its own: decoders are native code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import av

from backends.core.errors import BadInput
from backends.shared.joined_files import beginning, behind_tag, boxes

NO_INDEX = (
    "This file is not complete: the index at its end is missing, as after a download or a recording that broke off. "
    "Copy it again from where it came."
)

NO_CLOCK = (
    "The clock of this file is damaged (its time scale is 0), so nobody can tell how fast it plays: export it anew in "
    "the program that it came from."
)
MAX_INDEX_BYTES = 64 << 20

PLANE_POINTERS = 8
"""An FFmpeg frame has this many pointers to planes. PyAV finds the last plane by the null pointer behind it, which is
not there where all are taken, and so reads wild memory."""


def open_untrusted(path: Path, formats: str, part: range | None = None) -> av.container.InputContainer:
    """Open a file for reading, as one of `formats` (FFmpeg's names, with commas between) and nothing that it refers to.

    `part` is where in the file to read, in bytes; None for all of it, but for a tag that some program put before it.

    An edit list of length 0 stands for the whole sound or picture (ISO/IEC 14496-12, 8.6.6); FFmpeg takes it at its
    word and plays nothing, so such a file is read by the beginning of its edit list alone.

    Raises:
        FFmpegError, ValueError, UnicodeError: it cannot be opened.
        BadInput: it is an MP4 or MOV file whose clock stands still.
    """
    part = part or behind_tag(path)
    options = {"format_whitelist": formats, "protocol_whitelist": "file,subfile" if part else "file"}
    if wav_goes_on(path):
        options["ignore_length"] = "1"
    name = f"subfile,,start,{part.start},end,{part.stop},,:{path.resolve()}" if part else f"file:{path.resolve()}"
    container = av.open(name, options=options, metadata_errors="replace")
    streams = (*container.streams.audio, *container.streams.video)
    is_mov = container.format.name.startswith("mov")
    if is_mov and any(one.time_base == 1 for one in streams) and _lacks_time_scale(path):
        container.close()
        raise BadInput(NO_CLOCK)
    if is_mov and any(one.frames > 1 and one.duration == 0 for one in streams):
        container.close()
        container = av.open(name, options=options | {"advanced_editlist": "0"}, metadata_errors="replace")
    return container


def lacks_index(path: Path) -> bool:
    """Whether a file is an MP4 or MOV without its index, the "moov" box, and so cannot be read at all."""
    kinds = [kind for kind, _ in boxes(path)]
    return kinds[:1] == [b"ftyp"] and b"moov" not in kinds


def _lacks_time_scale(path: Path) -> bool:
    """Whether a track of an MP4 file states 0 ticks a second (ISO/IEC 14496-12, 8.4.2), for which FFmpeg takes 1."""
    place = next((place for kind, place in boxes(path) if kind == b"moov"), range(0))
    with path.open("rb") as file:
        file.seek(place.start)
        index = file.read(min(place.stop - place.start, MAX_INDEX_BYTES))
    found = index.find(b"mdhd")
    while found >= 0:
        scale = found + (24 if index[found + 4 : found + 5] == b"\1" else 16)
        if index[scale : scale + 4] == bytes(4):
            return True
        found = index.find(b"mdhd", found + 4)
    return False


def wav_goes_on(path: Path) -> bool:
    """Whether a WAV file holds a second or more of sound behind the end that its header states.

    A recorder that stopped in the middle leaves an old length; files that were joined have that of the first.
    """
    with path.open("rb") as file:
        file.seek(beginning(path))
        if file.read(12)[:4] != b"RIFF":
            return False
        second = 0
        for _ in range(64):
            kind, length = file.read(4), int.from_bytes(file.read(4), "little")
            begin = file.tell()
            if kind == b"fmt ":
                second = int.from_bytes(file.read(12)[8:], "little")
            file.seek(begin + length + length % 2)
            if kind == b"data" or not kind:
                break
        rest = path.stat().st_size - file.tell()
        following, size = file.read(4), int.from_bytes(file.read(4), "little")
    if kind != b"data" or not length or not 0 < second <= rest:
        return False
    is_chunk = all(0x20 <= letter < 0x7F for letter in following) and size <= rest
    return following == b"RIFF" or not is_chunk


def packets_until_damage(
    container: av.container.InputContainer, *streams: av.stream.Stream, on_damage: Callable[[], object] = lambda: None
) -> Iterator[av.Packet]:
    """The packets of some streams up to the first damage of the container itself, after which nothing can be found.

    Args:
        container: opened for reading.
        streams: whose packets are wanted.
        on_damage: called where the container is damaged, and not at its end.
    """
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError:
            on_damage()
            return
        yield packet


class Packer:
    """Gives frames of sound in a form that numpy can take: planes as one with the channels in turn, 64-bit as floats.

    Args:
        planes: planar frames with fewer channels are left as they are.
    """

    def __init__(self, planes: int = PLANE_POINTERS) -> None:
        self._planes = planes
        self._resampler: av.AudioResampler | None = None
        self._format: tuple[str, str, int] | None = None

    def __call__(self, frame: av.AudioFrame) -> av.AudioFrame:
        packed = frame.format.name.removesuffix("p")
        if packed != "s64" and (not frame.format.is_planar or frame.layout.nb_channels < self._planes):
            return frame
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or self._format != kind:
            packed = "dbl" if packed == "s64" else packed
            self._resampler = av.AudioResampler(format=packed, layout=frame.layout, rate=frame.sample_rate)
            self._format = kind
        return self._resampler.resample(frame)[0]
