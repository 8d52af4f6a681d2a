"""When the sound of a file is to be heard: late starts and holes by its time stamps, and its stated end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import av

if TYPE_CHECKING:
    from backends.separation.io.decode import DecodeReport, Piece

TIMED = ("mov", "matroska", "mpegts", "mpeg", "asf", "flac", "mp3", "aac", "ogg", "flv")
"""Demuxers whose time stamps go on over missing sound."""

BEGINS_ONLY = ("avi", "mxf")
"""Demuxers that count the sound from its stated beginning on: only the time stamp of the first packet says anything."""

NEXT_LINK = 1.0
"""Seconds by which time stamps of an Ogg file go back where another link of a chain begins, with a clock of its own."""

TOLERANCE = 0.04
"""Seconds that sound may be early against the picture before anybody notices (EBU R37), and so need no silence."""

JUMP = 0.015
"""Seconds between two frames from which it is a hole: time stamps are rounded, and clocks drift, by less."""

MAX_PADDING = 0.25
"""Seconds after the stated end that are an encoder's padding; where there is more, the statement is wrong."""


def demuxer(container: av.container.InputContainer) -> str:
    """The first of the demuxer's names, such as "mov" or "matroska"."""
    return container.format.name.split(",")[0]


def picture_start(container: av.container.InputContainer) -> float | None:
    """When the first moving picture is to be seen, in seconds by the file's clock; None where there is none."""
    for stream in container.streams.video:
        attached = av.stream.Disposition.attached_pic in stream.disposition
        if not attached and stream.start_time is not None and stream.time_base is not None:
            return float(stream.start_time * stream.time_base)
    return None


class Timeline:
    """Follows the time stamps of one track. `end` is where the sound given so far ends, with the silence between."""

    def __init__(self, container: av.container.InputContainer, stream: av.AudioStream, report: DecodeReport) -> None:
        kind = demuxer(container)
        self._timed, self._chains, self._counts = kind in (*TIMED, *BEGINS_ONLY), kind == "ogg", kind in BEGINS_ONLY
        self._origin = picture_start(container) if self._timed else None
        self._longest = (container.duration or 0) / 1e6 + 1.0
        self._report = report
        self._begun = False
        self._frame_end = 0.0
        self.end = 0.0

    def silence_before(self, frame: av.AudioFrame, tags: float = 0.0) -> float:
        """Seconds of silence that belong in front of the frame, and moves on to the end of the frame.

        `tags`: seconds that the file's clock ran on over packets that were no sound at all.
        """
        length = frame.samples / frame.sample_rate
        silence = 0.0
        if self._timed and frame.pts is not None and frame.time_base:
            time = float(frame.pts * frame.time_base) - tags
            self._timed = not self._chains or time > self._frame_end - NEXT_LINK
            silence = self._missing(time) if self._timed else 0.0
            self._timed = self._timed and not self._counts
            self._frame_end = time + length
        self._begun = True
        self.end += silence + length
        return silence

    def _missing(self, time: float) -> float:
        """How much sound is missing before a frame of that time, by the file's clock."""
        if not self._begun:
            late = time - self._origin if self._origin is not None else 0.0
            self._origin = self._origin if late > JUMP else time
            if JUMP < late < self._longest:
                self._report.late = late
                return late
            return 0.0
        missing = time - (self._origin or 0.0) - self.end
        if missing <= TOLERANCE or time - self._frame_end <= JUMP or self.end + missing > self._longest:
            return 0.0
        self._report.holes.append((self.end, missing))
        return missing


def stated_end(container: av.container.InputContainer, stream: av.AudioStream) -> float | None:
    """The length that the file states to the sample, in seconds; None for containers that round it or count padding."""
    if demuxer(container) in ("mov", "caf") and stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return None


def without_padding(pieces: Iterator[Piece], seconds: float, report: DecodeReport) -> Iterator[Piece]:
    """The pieces up to the stated length; what follows is an encoder's padding, unless it is too long for that.

    Args:
        pieces: samples (2, T) and their rate.
        seconds: the stated length of the sound, without the silence before a late start.
        report: of the decoder that makes the pieces; its `seconds` is set right at the end.
    """
    held: list[Piece] = []
    position, believed = 0.0, True
    for samples, rate in pieces:
        count = samples.shape[1]
        fitting = min(max(round((seconds + report.late - position) * rate), 0), count)
        position += count / rate
        if position > seconds + report.late + MAX_PADDING:
            believed = False
        if not believed:
            yield from held
            held.clear()
            yield samples, rate
            continue
        if fitting:
            yield samples[:, :fitting], rate
        if fitting < count:
            held.append((samples[:, fitting:], rate))
    report.seconds -= sum(samples.shape[1] / rate for samples, rate in held)
