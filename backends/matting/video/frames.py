"""Reads a video frame by frame: upright, progressive, in RGB, with the source's own times."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.filter import Graph
from av.sidedata.sidedata import SideData

from backends.core.errors import BadInput
from backends.matting.types import Colour, Frame, MediaInfo
from backends.matting.video.colour import matrix, value_range, write_sdr_table
from backends.matting.video.source import MAX_VIDEO_PIXELS, check_size, open_container, origin, select_video_stream

DisplaySigns = tuple[int, int, int, int]
"""The signs of the four linear terms of a display matrix: which multiple of 90° and which mirroring it stands for."""

# The OpenCV rotation and whether to mirror afterwards, which do to a picture what the matrix does to unit vectors.
_ROT90 = cv2.ROTATE_90_COUNTERCLOCKWISE
_ORIENTATIONS: dict[DisplaySigns, tuple[int | None, bool]] = {
    (1, 0, 0, 1): (None, False),
    (0, -1, 1, 0): (_ROT90, False),
    (-1, 0, 0, -1): (cv2.ROTATE_180, False),
    (0, 1, -1, 0): (cv2.ROTATE_90_CLOCKWISE, False),
    (-1, 0, 0, 1): (None, True),
    (1, 0, 0, -1): (cv2.ROTATE_180, True),
    (0, 1, 1, 0): (cv2.ROTATE_90_CLOCKWISE, True),
    (0, -1, -1, 0): (_ROT90, True),
}
UPRIGHT = (1, 0, 0, 1)


def orientation(frame: av.VideoFrame) -> DisplaySigns:
    """The orientation that a frame's display matrix asks for; upright without one, or at other angles than 90°."""
    for data in cast(Iterable[SideData], frame.side_data):
        if data.type.name == "DISPLAYMATRIX":
            terms = np.frombuffer(bytes(data)[:36], np.int32).reshape(3, 3)[:2, :2] / 65536
            signs = tuple(int(term) for term in np.rint(terms).ravel())
            return signs if signs in _ORIENTATIONS else UPRIGHT
    return UPRIGHT


def make_upright(picture: np.ndarray, signs: DisplaySigns) -> np.ndarray:
    """`picture` `(H, W, 3)` rotated and mirrored as it is meant to be watched."""
    rotation, mirrored = _ORIENTATIONS[signs]
    if rotation is not None:
        picture = cv2.rotate(picture, rotation)
    return cv2.flip(picture, 1) if mirrored else picture


class FramePreprocessor:
    """Deinterlaces frames and maps HDR to ordinary brightness, where a video needs it."""

    def __init__(self, colour: Colour, height: int) -> None:
        self._colour = colour
        self._matrix = matrix(colour, height)
        self._folder = tempfile.TemporaryDirectory(prefix="fourfold-colour-") if colour.hdr else None
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None
        self.interlaced = False

    def push(self, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        """Take one frame, or None at the end; yield the frames that are ready, in order."""
        if frame is None:
            yield from self._flush()
            return
        if not (self.interlaced or frame.interlaced_frame or self._colour.hdr):
            yield frame
            return
        if frame.interlaced_frame and not self.interlaced:
            yield from self._flush()
            self.interlaced = True
        if self._colour.hdr:
            frame = self._to_planar(frame)
        shape = (frame.width, frame.height, frame.format.name)
        if self._graph is None or shape != self._shape:
            yield from self._flush()
            self._graph, self._shape = self._build_graph(frame), shape
        self._graph.push(frame)
        yield from self._pull()

    def close(self) -> None:
        self._graph = None
        if self._folder is not None:
            self._folder.cleanup()

    def _to_planar(self, frame: av.VideoFrame) -> av.VideoFrame:
        pts, base = frame.pts, frame.time_base
        out = frame.reformat(
            format="gbrp10le",
            src_colorspace=self._matrix,
            src_color_range=value_range(self._colour),
            dst_color_range=2,
        )
        out.pts, out.time_base = pts, base
        return out

    def _build_graph(self, frame: av.VideoFrame) -> Graph:
        graph = Graph()
        nodes = [
            graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
        ]
        if self.interlaced:
            nodes.append(graph.add("bwdif", "mode=send_frame:deint=interlaced"))
        if self._folder is not None:
            table = Path(self._folder.name) / "sdr.cube"
            if not table.exists():
                write_sdr_table(table, self._colour.transfer)
            nodes.append(graph.add("lut3d", f"file={table}:interp=tetrahedral"))
        graph.link_nodes(*nodes, graph.add("buffersink"))
        graph.configure()
        return graph

    def _pull(self) -> Iterator[av.VideoFrame]:
        assert self._graph is not None
        while True:
            try:
                yield self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return

    def _flush(self) -> Iterator[av.VideoFrame]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pull()
            self._graph = None


class VideoReader:
    """The frames of a video, upright RGB, with the source's own times.

    Args:
        path: the file, untrusted.
        start: where to begin, in seconds from the beginning of the file.
        end: where to stop, in seconds; None for the end of the file.
        max_pixels: the largest picture that is read.

    Raises:
        BadInput: nothing in it can be decoded as video.
        TooLarge: its pictures are larger than `max_pixels`.
    """

    def __init__(
        self, path: Path, start: float = 0.0, end: float | None = None, max_pixels: int = MAX_VIDEO_PIXELS
    ) -> None:
        self._container = open_container(path)
        self._first: av.VideoFrame | None = None
        self.broken = 0
        self.untimed = 0
        self.reshaped = False
        try:
            self._stream = select_video_stream(self._container)
            codec = self._stream.codec_context
            if codec.width and codec.height:
                check_size(codec.width, codec.height, max_pixels)
            codec.options = {"max_pixels": str(max_pixels)}  # a header may lie: the decoder checks before it allocates
            codec.thread_type, codec.thread_count = "AUTO", 2
            self._start = Fraction(start).limit_denominator(1000)
            self._end = None if end is None else Fraction(end).limit_denominator(1000)
            self._seek()
            self._packets = self._decode()
            first = next(self._packets, None)
            if first is None:
                raise BadInput("Not one picture in this video could be read; the file is empty or damaged.")
            check_size(first.width, first.height, max_pixels)
            self._signs = orientation(first)
            self.info = self._describe(first)
            self._preprocessor = FramePreprocessor(self.info.colour, first.height)
            self._size = (first.width, first.height)
            self._frames: Generator[Frame, None, None] = self._with_times(first)
        except BaseException:
            self._container.close()
            raise

    @property
    def deinterlaced(self) -> bool:
        return self._preprocessor.interlaced

    def read(self) -> Frame | None:
        """The next frame between start and end, or None after the last."""
        return next(self._frames, None)

    def close(self) -> None:
        self._frames.close()
        self._packets.close()
        self._preprocessor.close()
        self._container.close()

    def _describe(self, first: av.VideoFrame) -> MediaInfo:
        stream, codec = self._stream, self._stream.codec_context
        rate = stream.average_rate or stream.guessed_rate or stream.base_rate or Fraction(25)
        rate = Fraction(rate) if 0 < rate <= 1000 else Fraction(25)
        seconds = self._seconds()
        sideways = self._signs[0] == 0
        sar = Fraction(stream.sample_aspect_ratio or codec.sample_aspect_ratio or 1)
        sar = sar if Fraction(1, 10) < sar < 10 else Fraction(1)
        width, height = (first.height, first.width) if sideways else (first.width, first.height)
        return MediaInfo(
            kind="video",
            width=width,
            height=height,
            frames=stream.frames or round(seconds * rate),
            seconds=seconds,
            rate=rate,
            time_base=Fraction(stream.time_base or Fraction(1, 90_000)),
            origin=origin(self._container),
            sar=1 / sar if sideways else sar,
            colour=_colour_of(first),
            depth=max((component.bits for component in first.format.components), default=8),
            turned=self._signs != UPRIGHT,
            interlaced=first.interlaced_frame,
            audio=tuple(audio.codec_context.codec.canonical_name for audio in self._container.streams.audio),
            subtitles=len(self._container.streams.subtitles),
            codec=codec.codec.canonical_name,
        )

    def _seek(self) -> None:
        """Seek to the last key frame before `start`; a file without an index is read from its beginning."""
        if self._start:
            try:
                self._container.seek(int((origin(self._container) + self._start) * av.time_base), backward=True)
            except av.error.FFmpegError:
                self._container.seek(0, any_frame=True)

    def _seconds(self) -> float:
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        return self._container.duration / av.time_base if self._container.duration else 0.0

    def _decode(self) -> Generator[av.VideoFrame, None, None]:
        """Every frame that can be decoded. Packets that cannot are counted and left out."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                self.broken += 1  # the container is damaged: nothing after this point can be read
                yield from self._stream.codec_context.decode(None)
                return
            try:
                yield from packet.decode()
            except av.error.FFmpegError:
                self.broken += 1

    def _preprocessed(self, first: av.VideoFrame) -> Iterator[av.VideoFrame]:
        yield from self._preprocessor.push(first)
        for frame in self._packets:
            yield from self._preprocessor.push(frame)
        yield from self._preprocessor.push(None)

    def _with_times(self, first: av.VideoFrame) -> Generator[Frame, None, None]:
        """Frames with strictly increasing times, counted from `start`."""
        base, index, last = self.info.time_base, 0, -1
        step = max(1, round(1 / (self.info.rate * base)))
        offset = round((self.info.origin + self._start) / base)
        for frame in self._preprocessed(first):
            if frame.pts is None:
                self.untimed += 1
                pts = last + step if last >= 0 else 0
            else:
                pts = round(frame.pts * Fraction(frame.time_base or base) / base) - offset
            if pts < 0:
                continue  # between the key frame and the start of the part
            if self._end is not None and pts * base >= self._end - self._start:
                return
            if pts <= last:
                self.untimed += 1
                pts = last + 1
            yield Frame(self._upright(frame), pts, index)
            index, last = index + 1, pts

    def _upright(self, frame: av.VideoFrame) -> np.ndarray:
        colour = self.info.colour
        rgb: np.ndarray = frame.to_ndarray(
            format="rgb24",
            src_colorspace=matrix(colour, frame.height),
            src_color_range=value_range(colour),
            dst_color_range=2,
        )
        if (frame.width, frame.height) != self._size:
            self.reshaped = True
            rgb = cv2.resize(rgb, self._size, interpolation=cv2.INTER_AREA)
        return make_upright(rgb, self._signs)


def _colour_of(frame: av.VideoFrame) -> Colour:
    full = frame.color_range == 2 or frame.format.name.startswith("yuvj") or frame.format.is_rgb
    return Colour(
        matrix=int(frame.colorspace), primaries=int(frame.color_primaries), transfer=int(frame.color_trc), full=full
    )
