"""The preservation report: which properties of the source are in the exports, checked by opening the written files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av

from backends.matting.types import MediaInfo, PreservationCheck
from backends.matting.video.exports import EXPORTS
from backends.matting.video.frames import VideoReader
from backends.matting.video.writers import VideoWriter, Writer

REORDER_WINDOW = 64
"""Packets come in decoding order; no codec here reorders frames over so many."""


@dataclass
class Timeline:
    """The times of a sequence of frames, in seconds, summarised in a few numbers however many frames there are.

    >>> timeline = Timeline()
    >>> for tick in (0, 1, 3):
    ...     timeline.add(Fraction(tick, 25))
    >>> timeline.count, timeline.shortest, timeline.longest, timeline.varies
    (3, Fraction(1, 25), Fraction(2, 25), True)
    """

    count: int = 0
    first: Fraction = Fraction(0)
    last: Fraction = Fraction(0)
    shortest: Fraction | None = None
    longest: Fraction = Fraction(0)
    total: float = 0.0

    def add(self, seconds: Fraction) -> None:
        """Add the next frame's time."""
        if not self.count:
            self.first = seconds
        else:
            step = seconds - self.last
            self.shortest = step if self.shortest is None else min(step, self.shortest)
            self.longest = max(step, self.longest)
        self.last = seconds
        self.total += float(seconds)
        self.count += 1

    @property
    def varies(self) -> bool:
        """Whether the frame rate is variable, beyond the rounding of clocks that tick in milliseconds."""
        return self.shortest is not None and self.longest - self.shortest > Fraction(3, 1000)

    def agrees(self, other: Timeline, tick: Fraction) -> bool:
        """Whether both have the same number of frames at the same times, within one `tick` of the coarser clock."""
        close = abs(self.first - other.first) <= tick and abs(self.last - other.last) <= tick
        return self.count == other.count and close and abs(self.total - other.total) <= float(tick) * self.count


def timeline_of(writer: VideoWriter) -> tuple[Timeline, Fraction]:
    """The timeline of a written video, and the tick of its clock in seconds."""
    with av.open(str(writer.path)) as container:
        stream = container.streams.video[0]
        tick = Fraction(stream.time_base or Fraction(1, 1000))
        timeline, pending = Timeline(), []
        for packet in container.demux(stream):
            if packet.pts is None:
                continue
            pending.append(packet.pts)
            if len(pending) > REORDER_WINDOW:
                pending.sort()
                timeline.add(pending.pop(0) * tick)
        for pts in sorted(pending):
            timeline.add(pts * tick)
    return timeline, tick


def preservation_report(info: MediaInfo, timeline: Timeline, writers: Sequence[Writer]) -> Iterator[PreservationCheck]:
    """One report for all exports together: what is the same in all of them is said once, else with their titles.

    Args:
        info: of the source.
        timeline: of the frames that were given to the writers.
        writers: closed; those whose file is no export of the user's are passed over.
    """
    exports = [writer for writer in writers if writer.export.kind in EXPORTS]
    titles_by_check: dict[str, dict[tuple[str, str], list[str]]] = {}
    for writer in exports:
        for check in _checks(info, timeline, writer):
            by_outcome = titles_by_check.setdefault(check.what, {})
            by_outcome.setdefault((check.state, check.sentence), []).append(writer.export.title)
    for what, by_outcome in titles_by_check.items():
        for (state, sentence), titles in by_outcome.items():
            prefix = "" if len(titles) == len(exports) else f"{', '.join(titles)}: "
            yield PreservationCheck(what, state, prefix + sentence)


def _checks(info: MediaInfo, timeline: Timeline, writer: Writer) -> Iterator[PreservationCheck]:
    """The checks of one written file. A PNG sequence has its times beside it, and no more."""
    if not isinstance(writer, VideoWriter):
        yield PreservationCheck("times", "kept", "The time of every frame is in times.csv beside the pictures.")
        if info.audio:
            yield PreservationCheck("sound", "lost", "Pictures hold no sound: take it from the original.")
        return
    reader = VideoReader(writer.path)
    try:
        written = reader.info
    finally:
        reader.close()
    yield _times(info, timeline, writer)
    yield _size(info, written, writer)
    yield from _orientation(info, written)
    yield from _sound(info, written, writer)
    yield from _pixel_shape(info, written)
    yield _colour(info, written, writer)
    if info.subtitles:
        yield PreservationCheck("subtitles", "lost", "Subtitles are not carried over: take them from the original.")


def _times(info: MediaInfo, timeline: Timeline, writer: VideoWriter) -> PreservationCheck:
    written, tick = timeline_of(writer)
    if not written.agrees(timeline, max(tick, info.time_base)):
        sentence = f"{written.count} of {timeline.count} frames are in it, some at other times."
        return PreservationCheck("times", "changed", sentence)
    rate = "a frame rate that varies" if timeline.varies else "the frame rate"
    precision = "to the millisecond" if tick >= Fraction(1, 1000) > info.time_base else "exactly"
    return PreservationCheck("times", "kept", f"All {written.count} frames and {rate}, {precision}.")


def _size(info: MediaInfo, written: MediaInfo, writer: VideoWriter) -> PreservationCheck:
    if (written.width, written.height) == (info.width, info.height):
        return PreservationCheck("size", "kept", f"{info.width} × {info.height} pixels.")
    why = "pixels are square here" if writer.export.square else "this format needs even numbers"
    sizes = f"{info.width} × {info.height} became {written.width} × {written.height}"
    return PreservationCheck("size", "changed", f"{sizes}: {why}.")


def _orientation(info: MediaInfo, written: MediaInfo) -> Iterator[PreservationCheck]:
    if info.turned:
        state = "changed" if written.turned else "kept"
        yield PreservationCheck("orientation", state, "The picture is turned the way it was filmed, in every player.")


def _sound(info: MediaInfo, written: MediaInfo, writer: VideoWriter) -> Iterator[PreservationCheck]:
    if not info.audio:
        return
    if len(written.audio) < len(info.audio):
        yield PreservationCheck("sound", "lost", "The sound could not be carried over: take it from the original.")
    elif all(track.copied for track in writer.sound.tracks.values()):
        yield PreservationCheck("sound", "kept", f"Copied bit by bit ({', '.join(written.audio)}).")
    else:
        change = f"{', '.join(info.audio)} became {', '.join(written.audio)}"
        yield PreservationCheck("sound", "changed", f"Coded anew, for this format cannot hold it as it was: {change}.")


def _pixel_shape(info: MediaInfo, written: MediaInfo) -> Iterator[PreservationCheck]:
    if info.sar == 1:
        return
    if written.sar == info.sar:
        sentence = f"Pixels {info.sar.numerator}:{info.sar.denominator}, as in the source."
        yield PreservationCheck("pixel shape", "kept", sentence)
    else:
        sentence = "The picture was stretched to square pixels; it looks the same."
        yield PreservationCheck("pixel shape", "changed", sentence)


def _colour(info: MediaInfo, written: MediaInfo, writer: VideoWriter) -> PreservationCheck:
    if info.colour.hdr:
        return PreservationCheck("colour", "changed", "HDR became ordinary BT.709 colour.")
    if writer.export is EXPORTS["luma"]:
        return PreservationCheck("colour", "kept", "The matte is gray; the original keeps its own colours.")
    source = info.colour
    same_tags = (source.matrix, source.primaries, source.transfer) == (
        written.colour.matrix,
        written.colour.primaries,
        written.colour.transfer,
    )
    if same_tags and source.full == written.colour.full:
        return PreservationCheck("colour", "kept", "Range, primaries and transfer are those of the source.")
    if same_tags:
        sentence = "Full range became video range, which editors expect; it looks the same."
        return PreservationCheck("colour", "changed", sentence)
    sentence = "The source's colour description could not be written into this format."
    return PreservationCheck("colour", "changed", sentence)
