"""The times of frames and sounds, of a source as it is read and of a file that was written."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

MAX_BACKWARDS = Fraction(1, 4)
"""Seconds by which a packet may begin before the last one; where it is more, the clock begins anew."""

MAX_HOLE = Fraction(3600)
"""Seconds: a longer hole is a clock that jumped."""

REORDER_WINDOW = 64
"""Packets come in decoding order; no codec here reorders frames over so many."""


@dataclass
class Timeline:
    """The times of a sequence of frames, in seconds, summarised in a few numbers however many frames there are.

    `end` is when the last frame stops being shown; it is set apart.

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
    end: Fraction = Fraction(0)

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

    def has_rate(self, rate: Fraction, tick: Fraction) -> bool:
        """Whether every frame lasts 1/`rate` seconds, within one `tick`."""
        length = 1 / rate
        steps = () if self.shortest is None else (self.shortest, self.longest)
        return bool(steps) and all(abs(step - length) <= tick for step in steps)


class RunningTime:
    """Times of one stream that run on where the file's clock starts anew, as in recordings that were joined.

    `restarts` counts how often it did.
    """

    def __init__(self) -> None:
        self._offset = Fraction(0)
        self._begin: Fraction | None = None
        self._end = Fraction(0)
        self.restarts = 0

    def offset(self, begin: Fraction, length: Fraction) -> Fraction:
        """What to add to the times of the next packet or frame in order, all in seconds.

        >>> clock = RunningTime()
        >>> [str(begin + clock.offset(begin, Fraction(1))) for begin in map(Fraction, (0, 1, 0, 1, 9000))]
        ['0', '1', '2', '3', '4']
        """
        begin += self._offset
        if self._begin is not None and not -MAX_BACKWARDS <= begin - self._begin <= MAX_HOLE:
            self._offset += self._end - begin
            begin = self._end
            self.restarts += 1
        self._begin, self._end = begin, begin + length
        return self._offset


@dataclass
class Span:
    """When a track's sound begins and ends, in seconds; `begin` is None where there is none."""

    begin: Fraction | None = None
    end: Fraction = Fraction(0)

    def add(self, begin: Fraction, end: Fraction) -> None:
        """Widen the span by sound from `begin` to `end`; what lies before 0 is not heard."""
        if end > 0:
            shown = max(begin, Fraction(0))
            self.begin = shown if self.begin is None else min(self.begin, shown)
            self.end = max(self.end, end)


@dataclass(frozen=True)
class WrittenTimes:
    """The times in a written file: of its frames, on a clock of `tick` seconds, and of its sound tracks in order."""

    frames: Timeline
    tick: Fraction
    sounds: tuple[Span, ...]


def read_times(path: Path) -> WrittenTimes:
    """The times of all packets of a file that the program wrote itself."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        tick = Fraction(video.time_base or Fraction(1, 1000))
        timeline, pending = Timeline(), []
        spans = {stream.index: Span() for stream in container.streams.audio}
        for packet in container.demux(video, *container.streams.audio):
            if packet.pts is None or packet.time_base is None:
                continue
            begin, length = packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base
            if packet.stream.index in spans:
                spans[packet.stream.index].add(begin, begin + length)
                continue
            pending.append((begin, begin + length))
            if len(pending) > REORDER_WINDOW:
                pending.sort()
                timeline.add(pending.pop(0)[0])
        for begin, end in sorted(pending):
            timeline.add(begin)
            timeline.end = end
        if video.duration:
            # Where a format has a length of the whole, that of a packet is counted in decoding order.
            timeline.end = ((video.start_time or 0) + video.duration) * tick
    return WrittenTimes(timeline, tick, tuple(spans.values()))
