"""What the output kept of the source: checked by opening the written file, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av

from backends.matting.types import Kept, MediaInfo
from backends.matting.video.exports import EXPORTS
from backends.matting.video.frames import VideoReader
from backends.matting.video.writers import VideoWriter, Writer

if TYPE_CHECKING:
    from backends.matting.video.job import VideoJob


@dataclass
class Timeline:
    """When the frames were shown, in a few numbers however many there are."""

    count: int = 0
    first: Fraction = Fraction(0)
    last: Fraction = Fraction(0)
    shortest: Fraction | None = None
    longest: Fraction = Fraction(0)
    total: float = 0.0

    def add(self, seconds: Fraction) -> None:
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
        """Whether the rate is variable, beyond the rounding of clocks that tick in milliseconds."""
        return self.shortest is not None and self.longest - self.shortest > Fraction(3, 1000)

    def agrees(self, other: Timeline, tick: Fraction) -> bool:
        """The same number of frames at the same times, give or take one tick of the coarser clock."""
        close = abs(self.first - other.first) <= tick and abs(self.last - other.last) <= tick
        return self.count == other.count and close and abs(self.total - other.total) <= float(tick) * self.count


def timeline_of(writer: VideoWriter) -> tuple[Timeline, Fraction]:
    """The times of the pictures in a written file, in order, and its clock's tick."""
    with av.open(str(writer.path)) as container:
        stream = container.streams.video[0]
        tick = Fraction(stream.time_base or Fraction(1, 1000))
        found, waiting = Timeline(), []
        for packet in container.demux(stream):
            if packet.pts is None:
                continue
            waiting.append(packet.pts)
            if len(waiting) > 64:  # packets come in decoding order: no codec here reorders over so many
                waiting.sort()
                found.add(waiting.pop(0) * tick)
        for pts in sorted(waiting):
            found.add(pts * tick)
    return found, tick


def kept(job: VideoJob) -> Iterator[Kept]:
    """The list for all exports together: what is the same in all of them once, else each with its title."""
    exports = [writer for writer in job.writers if writer.export.kind in EXPORTS]
    found: dict[str, dict[tuple[str, str], list[str]]] = {}
    for writer in exports:
        for line in _lines(job, writer):
            same = found.setdefault(line.what, {}).setdefault((line.state, line.sentence), [])
            same.append(writer.export.title)
    for what, told in found.items():
        for (state, sentence), titles in told.items():
            named = "" if len(titles) == len(exports) else f"{', '.join(titles)}: "
            yield Kept(what, state, named + sentence)


def _lines(job: VideoJob, writer: Writer) -> Iterator[Kept]:
    """What one written file kept; a PNG sequence has its times beside it and no more."""
    if not isinstance(writer, VideoWriter):
        yield Kept("times", "kept", "The time of every frame is in times.csv beside the pictures.")
        if job.info.audio:
            yield Kept("sound", "lost", "Pictures hold no sound: take it from the original.")
        return
    reader = VideoReader(writer.path)
    try:
        made = reader.info
    finally:
        reader.close()
    yield _times(job, writer)
    yield _size(job.info, made, writer)
    yield from _upright(job.info, made)
    yield from _sound(job, writer, made)
    yield from _pixels(job.info, made)
    yield _colour(job, made, writer)
    if job.info.subtitles:
        yield Kept("subtitles", "lost", "Subtitles are not carried over: take them from the original.")


def _times(job: VideoJob, writer: VideoWriter) -> Kept:
    made, tick = timeline_of(writer)
    same = made.agrees(job.timeline, max(tick, job.info.time_base))
    kind = "a frame rate that varies" if job.timeline.varies else "the frame rate"
    if not same:
        return Kept("times", "changed", f"{made.count} of {job.timeline.count} frames are in it, some at other times.")
    exact = "to the millisecond" if tick >= Fraction(1, 1000) > job.info.time_base else "exactly"
    return Kept("times", "kept", f"All {made.count} frames and {kind}, {exact}.")


def _size(info: MediaInfo, made: MediaInfo, writer: VideoWriter) -> Kept:
    if (made.width, made.height) == (info.width, info.height):
        return Kept("size", "kept", f"{info.width} × {info.height} pixels.")
    why = "pixels are square here" if writer.export.square else "this format needs even numbers"
    sizes = f"{info.width} × {info.height} became {made.width} × {made.height}"
    return Kept("size", "changed", f"{sizes}: {why}.")


def _upright(info: MediaInfo, made: MediaInfo) -> Iterator[Kept]:
    if info.turned:
        state = "changed" if made.turned else "kept"
        yield Kept("orientation", state, "The picture is turned the way it was filmed, in every player.")


def _sound(job: VideoJob, writer: VideoWriter, made: MediaInfo) -> Iterator[Kept]:
    if not job.info.audio:
        return
    if len(made.audio) < len(job.info.audio):
        yield Kept("sound", "lost", "The sound could not be carried over: take it from the original.")
    elif all(track.copied for track in writer.sound.tracks.values()):
        yield Kept("sound", "kept", f"Copied bit by bit ({', '.join(made.audio)}).")
    else:
        change = f"{', '.join(job.info.audio)} became {', '.join(made.audio)}"
        yield Kept("sound", "changed", f"Coded anew, for this format cannot hold it as it was: {change}.")


def _pixels(info: MediaInfo, made: MediaInfo) -> Iterator[Kept]:
    if info.sar == 1:
        return
    if made.sar == info.sar:
        yield Kept("pixel shape", "kept", f"Pixels {info.sar.numerator}:{info.sar.denominator}, as in the source.")
    else:
        yield Kept("pixel shape", "changed", "The picture was stretched to square pixels; it looks the same.")


def _colour(job: VideoJob, made: MediaInfo, writer: VideoWriter) -> Kept:
    if job.info.colour.hdr:
        return Kept("colour", "changed", "HDR became ordinary BT.709 colour.")
    if writer.export is EXPORTS["luma"]:
        return Kept("colour", "kept", "The matte is gray; the original keeps its own colours.")
    source = job.colour
    tags = (source.matrix, source.primaries, source.transfer) == (
        made.colour.matrix,
        made.colour.primaries,
        made.colour.transfer,
    )
    if tags and source.full == made.colour.full:
        return Kept("colour", "kept", "Range, primaries and transfer are those of the source.")
    if tags:
        return Kept("colour", "changed", "Full range became video range, which editors expect; it looks the same.")
    return Kept("colour", "changed", "The source's colour description could not be written into this format.")
