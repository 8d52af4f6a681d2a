"""Writers of the exports: `write` one picture at a time, then `close`, or `abandon` when the job is given up."""

from __future__ import annotations

import csv
import io
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from backends.core.errors import BadInput, EngineFailed
from backends.matting.types import Colour, MediaInfo
from backends.matting.video.colour import matrix, matrix_number, to_luma_chroma, value_range
from backends.matting.video.exports import MATTE, RAW_MATTE, Export
from backends.matting.video.sound import NoSound, SoundTracks
from backends.matting.video.sound_tracks import Track
from backends.matting.video.tags import write_chapters

EXACT_FORMAT, EXACT_BITS = "yuva444p10le", 10
"""Of exports that editors work on: luma and chroma for every pixel, of this many bits."""

_FORMATS = {
    ("uint8", 1): "gray",
    ("uint8", 3): "rgb24",
    ("uint8", 4): "rgba",
    ("uint16", 3): "rgb48le",
    ("uint16", 4): "rgba64le",
}
"""FFmpeg's pixel format of an array, by its type and channels."""


@dataclass(frozen=True)
class SourcePart:
    """The part of a source that is exported, from which a writer takes sound and times.

    `start` and `end` are in seconds, `end` None for the end of the file; `tags` are written into the output.
    """

    path: Path
    info: MediaInfo
    start: Fraction = Fraction(0)
    end: Fraction | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class Writer(ABC):
    """Writes one export, picture by picture. `bits` is the depth of the pictures that it was given."""

    def __init__(self, path: Path, export: Export) -> None:
        self.path = path
        self.export = export
        self.bits = 8

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The sound that is written beside the pictures."""
        return ()

    @abstractmethod
    def write(self, picture: np.ndarray, pts: int) -> None:
        """Add a picture.

        Args:
            picture: `(H, W)` gray, `(H, W, 3)` RGB or `(H, W, 4)` straight RGBA, uint8; colours may be uint16 too.
            pts: when it is shown, in ticks of the source.
        """

    @abstractmethod
    def close(self, end: int) -> None:
        """Complete the file; the last picture is shown until `end` ticks of the source."""

    @abstractmethod
    def abandon(self) -> None:
        """Close everything at once and delete the unfinished file."""


class VideoWriter(Writer):
    """Writes a video file: the pictures at the source's own times, with the source's sound beside them."""

    def __init__(self, path: Path, export: Export, source: SourcePart, colour: Colour) -> None:
        super().__init__(path, export)
        info = source.info
        self._info, self._colour = info, colour
        # A matte is no photograph: it is encoded as plain BT.709, and losslessly with every value from 0 to 255.
        if export.content in (MATTE, RAW_MATTE):
            self._colour = Colour(matrix=1, primaries=1, transfer=1, full=export.pix_fmt == "gray")
        elif export.limited and colour.full:
            self._colour = replace(colour, full=False)
        self._matrix = matrix(self._colour, info.height)
        self.size = self._output_size()
        self._time_base = info.time_base
        self._reformatter = VideoReformatter()  # a frame's own one prepares its tables anew for each frame
        self._last: av.Packet | None = None
        self._first = (0, 0)
        self._open(source)

    def _open(self, source: SourcePart) -> None:
        """Open the file with all its encoders. Sound that it refuses as it is, is encoded anew.

        Raises:
            BadInput: it takes the sound in no way.
        """
        for copy in (True, False):
            self._out = av.open(str(self.path), "w", options=dict(self.export.container))
            self.sound: SoundTracks | NoSound = NoSound()
            try:
                self._out.metadata.update({**dict(source.info.tags), **source.tags})
                if self.export.timecode and source.info.timecode:
                    self._out.metadata["timecode"] = timecode_tag(source.info)
                write_chapters(self._out, source.info.chapters)
                self._stream = self._add_stream()
                if self.export.audio and source.info.tracks:
                    self.sound = SoundTracks(source.path, self._out, self.export, source.start, source.end, copy=copy)
                self._out.start_encoding()
                return
            except (av.error.FFmpegError, ValueError) as error:
                refused = error
                self.abandon()
        if not source.info.tracks:
            raise refused
        raise BadInput(
            f"The sound of this video cannot be written as {self.export.title}: choose another export."
        ) from refused

    def _output_size(self) -> tuple[int, int]:
        """Width and height as encoded: made square or even only where the format requires it."""
        width, height = self._info.width, self._info.height
        if self.export.square and self._info.sar != 1:
            width = max(2, round(width * self._info.sar))
        if self.export.even:
            width, height = width + width % 2, height + height % 2
        return width, height

    def _add_stream(self) -> av.VideoStream:
        export, info = self.export, self._info
        options = {key: value for key, value in export.options.items() if key != "qscale"}
        stream = cast(av.VideoStream, self._out.add_stream(export.codec, rate=info.rate, options=options))
        stream.width, stream.height = self.size
        stream.pix_fmt = export.pix_fmt
        codec = stream.codec_context
        if "qscale" in export.options:  # a fixed quantiser: ProRes searches for one, slice by slice, otherwise
            codec.qscale = True
            codec.global_quality = int(export.options["qscale"])
        codec.time_base = info.time_base
        stream.time_base = info.time_base
        codec.colorspace = self._colour.matrix if self._colour.matrix != 0 else 2
        codec.color_primaries, codec.color_trc = self._colour.primaries, self._colour.transfer
        codec.color_range = int(value_range(self._colour))
        if info.sar != 1 and not export.square:
            codec.sample_aspect_ratio = info.sar
        return stream

    @property
    def tracks(self) -> tuple[Track, ...]:
        return tuple(self.sound.tracks.values())

    def write(self, picture: np.ndarray, pts: int) -> None:
        channels = 1 if picture.ndim == 2 else picture.shape[2]
        self.bits = 8 * picture.itemsize
        if self.export.pix_fmt == EXACT_FORMAT and channels == 4:
            frame = self._exact(self._fit(picture))
        else:
            frame = av.VideoFrame.from_ndarray(self._fit(picture), format=_FORMATS[picture.dtype.name, channels])
            frame = self._reformatter.reformat(
                frame,
                format=self.export.pix_fmt,
                dst_colorspace=self._matrix,
                dst_color_range=value_range(self._colour),
                threads=1,
            )
        tag_frame(frame, self._colour)
        frame.pts, frame.time_base = pts, self._time_base
        self._mux(self._stream.encode(frame))
        self.sound.advance(pts * self._time_base)

    def _exact(self, picture: np.ndarray) -> av.VideoFrame:
        """A frame of `EXACT_FORMAT`, rounded to the nearest level: FFmpeg's own way is a level too light."""
        deep = picture if picture.dtype == np.uint16 else picture.astype(np.uint16) * 257
        planes = cv2.split(cv2.transform(deep, to_luma_chroma(self._matrix, self._colour.full, EXACT_BITS)))
        height, width = picture.shape[:2]
        frame = av.VideoFrame(width, height, EXACT_FORMAT)
        for plane, samples in zip(frame.planes, planes, strict=True):
            rows = np.zeros((height, plane.line_size // 2), np.uint16)  # with the padding of FFmpeg's rows
            rows[:, :width] = samples
            plane.update(rows.tobytes())
        frame.colorspace = matrix_number(self._colour, self._info.height)
        frame.color_range = value_range(self._colour)
        return frame

    def close(self, end: int) -> None:
        last = [packet for packet in (self._last, *self._stream.encode(None)) if packet is not None]
        self._end(last, end)
        for packet in last:
            self._put(packet)
        self.sound.close()
        self._out.close()

    def abandon(self) -> None:
        self.sound.abandon()
        try:
            self._out.close()
        finally:
            self.path.unlink(missing_ok=True)

    def _mux(self, packets: list[av.Packet]) -> None:
        """Write packets, but keep the last one back: until the end is known, so is not how long it lasts."""
        for packet in packets:
            if self._last is not None:
                self._put(self._last)
            elif packet.pts is not None and packet.dts is not None:
                self._first = (packet.pts, packet.dts)
            self._last = packet

    def _end(self, packets: list[av.Packet], end: int) -> None:
        """Let the last picture be shown until `end` ticks.

        Formats count in decoding order: with pictures reordered, the last to be decoded is not the last to be shown,
        yet the file is as long as the last one decoded makes it.
        """
        timed = [(p.pts, p.dts, p) for p in packets if p.pts is not None and p.dts is not None]
        if not timed:
            return
        if self._last is None:
            self._first = timed[0][:2]
        shown_at, _, shown = max(timed, key=lambda packet: packet[0])
        ticks = round(end * self._time_base / shown.time_base)
        shown.duration = max(1, ticks - shown_at)
        _, decoded_at, decoded = timed[-1]
        decoded.duration = max(1, ticks - self._first[0] - (decoded_at - self._first[1]))

    def _put(self, packet: av.Packet) -> None:
        try:
            self._out.mux(packet)
        except OSError as error:
            raise EngineFailed(f"The result could not be written ({error.strerror}): free some disk space.") from error

    def _fit(self, picture: np.ndarray) -> np.ndarray:
        width, height = self.size
        if picture.shape[1::-1] == (width, height):
            return np.ascontiguousarray(picture)
        if self.export.square and self._info.sar != 1:
            return cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        extra = (height - picture.shape[0], width - picture.shape[1])
        return cv2.copyMakeBorder(picture, 0, extra[0], 0, extra[1], cv2.BORDER_REPLICATE)


class PngWriter(Writer):
    """Writes PNG pictures into one ZIP, and their times in seconds into `times.csv` beside them."""

    def __init__(self, path: Path, export: Export, source: SourcePart) -> None:
        super().__init__(path, export)
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True)  # PNG is compressed already
        self._base = source.info.time_base
        self._times = io.StringIO()
        self._rows = csv.writer(self._times, lineterminator="\n")
        self._rows.writerow(["file", "seconds"])
        self._count = 0

    def write(self, picture: np.ndarray, pts: int) -> None:
        self.bits = 8 * picture.itemsize
        swapped = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA)
        encoded, data = cv2.imencode(".png", swapped, [cv2.IMWRITE_PNG_COMPRESSION, 2])
        if not encoded:
            raise EngineFailed("A picture could not be coded as PNG: try another export.")
        name = f"{self._count:06d}.png"
        self._zip.writestr(name, data.tobytes())
        self._rows.writerow([name, f"{float(pts * self._base):.6f}"])
        self._count += 1

    def close(self, end: int) -> None:
        self._zip.writestr("times.csv", self._times.getvalue(), zipfile.ZIP_DEFLATED)
        self._zip.close()

    def abandon(self) -> None:
        self._zip.close()
        self.path.unlink(missing_ok=True)


def tag_frame(frame: av.VideoFrame, colour: Colour) -> None:
    """Name the colours in the frame, too: ProRes writes them into every frame, and takes them from there."""
    frame.color_primaries, frame.color_trc = colour.primaries, colour.transfer


def timecode_tag(info: MediaInfo) -> str:
    """The timecode of the first frame that is written."""
    return info.timecode


def open_writer(export: Export, folder: Path, source: SourcePart, colour: Colour) -> Writer:
    """The writer of an export.

    Args:
        export: what to write.
        folder: where to; the file is named after the export's kind.
        source: whose sound and times it takes.
        colour: how the colours of the output are coded.
    """
    path = folder / f"{export.kind}{export.suffix}"
    if export.kind == "png":
        return PngWriter(path, export, source)
    return VideoWriter(path, export, source, colour)
