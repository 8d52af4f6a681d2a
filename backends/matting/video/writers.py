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

from backends.core.errors import EngineFailed
from backends.matting.types import Colour, MediaInfo
from backends.matting.video.colour import matrix, value_range
from backends.matting.video.exports import MATTE, RAW_MATTE, Export
from backends.matting.video.sound import SoundTracks

_FORMATS = {1: "gray", 3: "rgb24", 4: "rgba"}


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
    """Writes one export, picture by picture."""

    def __init__(self, path: Path, export: Export) -> None:
        self.path = path
        self.export = export

    @abstractmethod
    def write(self, picture: np.ndarray, pts: int) -> None:
        """Add a picture: `(H, W)` gray, `(H, W, 3)` RGB or `(H, W, 4)` straight RGBA, uint8, at `pts` ticks."""

    @abstractmethod
    def close(self) -> None:
        """Complete the file."""

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
        self._out = av.open(str(path), "w", options=dict(export.container))
        self._out.metadata.update(source.tags)
        self._stream = self._add_stream()
        self._time_base = info.time_base
        self.sound = SoundTracks(source.path, self._out, export, source.start, source.end)

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

    def write(self, picture: np.ndarray, pts: int) -> None:
        channels = 1 if picture.ndim == 2 else picture.shape[2]
        frame = av.VideoFrame.from_ndarray(self._fit(picture), format=_FORMATS[channels])
        frame = frame.reformat(
            format=self.export.pix_fmt, dst_colorspace=self._matrix, dst_color_range=value_range(self._colour)
        )
        frame.pts, frame.time_base = pts, self._time_base
        self._mux(self._stream.encode(frame))
        self.sound.advance(pts * self._time_base)

    def close(self) -> None:
        self._mux(self._stream.encode(None))
        self.sound.close()
        self._out.close()

    def abandon(self) -> None:
        self.sound.abandon()
        try:
            self._out.close()
        finally:
            self.path.unlink(missing_ok=True)

    def _mux(self, packets: list[av.Packet]) -> None:
        try:
            for packet in packets:
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
        swapped = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA)
        encoded, data = cv2.imencode(".png", swapped, [cv2.IMWRITE_PNG_COMPRESSION, 2])
        if not encoded:
            raise EngineFailed("A picture could not be coded as PNG: try another export.")
        name = f"{self._count:06d}.png"
        self._zip.writestr(name, data.tobytes())
        self._rows.writerow([name, f"{float(pts * self._base):.6f}"])
        self._count += 1

    def close(self) -> None:
        self._zip.writestr("times.csv", self._times.getvalue(), zipfile.ZIP_DEFLATED)
        self._zip.close()

    def abandon(self) -> None:
        self._zip.close()
        self.path.unlink(missing_ok=True)


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
