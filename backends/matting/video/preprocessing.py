"""Deinterlacing, and HDR brought down to ordinary brightness, before a frame becomes an RGB picture."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
from av.filter import Graph

from backends.matting.types import Colour
from backends.matting.video.colour import matrix, value_range, write_sdr_table


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
