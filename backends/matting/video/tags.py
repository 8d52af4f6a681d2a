"""What a file says in words: its timecode, title, date, chapters and the like."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from backends.matting.types import Chapter
from backends.matting.video.source import origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from av.container import InputContainer, OutputContainer

CARRIED = (
    "title",
    "artist",
    "author",
    "date",
    "creation_time",
    "comment",
    "description",
    "copyright",
    "genre",
    "make",
    "model",
    "reel_name",
)
"""The names of the tags that are carried over, as FFmpeg calls them."""

_APPLE = "com.apple.quicktime."
_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")
MAX_CHARACTERS = 2000
MAX_CHAPTERS = 1000
CHAPTER_CLOCK = Fraction(1, 1000)
"""Seconds: what the formats count the times of chapters in."""


def tags_of(container: InputContainer) -> tuple[tuple[str, str], ...]:
    """Names and values of the tags of a file that say something to people."""
    said = {name.lower().removeprefix(_APPLE): value for name, value in container.metadata.items()}
    if "creationdate" in said:
        said.setdefault("date", said["creationdate"])
    return tuple((name, said[name][:MAX_CHARACTERS]) for name in CARRIED if said.get(name))


def start_timecode(container: InputContainer, start: Fraction, rate: Fraction) -> str:
    """The timecode `hh:mm:ss:ff` of the frame at `start` seconds; "" where the file has none.

    Args:
        container: of the video.
        start: in seconds from the file's first frame.
        rate: of the frames, in Hz.
    """
    places = [container.metadata, *(stream.metadata for stream in container.streams)]
    said = next((place["timecode"] for place in places if "timecode" in place), "")
    return shift_timecode(said, start, rate)


def shift_timecode(timecode: str, seconds: Fraction, rate: Fraction) -> str:
    """A timecode moved on; "" for one that makes no sense.

    With drop frame, written with ";", the first two numbers of each minute are left out but in every tenth minute
    (four of 59.94 Hz), so that 29.97 Hz keeps up with the clock (SMPTE ST 12-1).

    >>> shift_timecode("10:20:30:12", Fraction(2), Fraction(25))
    '10:20:32:12'
    >>> shift_timecode("00:00:59;29", Fraction(1001, 30000), Fraction(30000, 1001))
    '00:01:00;02'
    """
    read = _TIMECODE.fullmatch(timecode.strip())
    if read is None:
        return ""
    whole = max(1, round(rate))
    drops = 2 * (whole // 30) if read[4] in ";." else 0
    hours, minutes, secs, frames = (int(read[group]) for group in (1, 2, 3, 5))
    count = ((60 * hours + minutes) * 60 + secs) * whole + frames
    count -= drops * (60 * hours + minutes - (60 * hours + minutes) // 10)
    count += round(seconds * rate)
    if drops:  # put the numbers back that were left out
        tens, rest = divmod(count, 600 * whole - 9 * drops)
        count += 9 * drops * tens + drops * max(0, (rest - drops) // (60 * whole - drops))
    count %= 24 * 3600 * whole
    secs, frames = divmod(count, whole)
    minutes, secs = divmod(secs, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{secs:02}{';' if drops else ':'}{frames:02}"


def chapters_of(container: InputContainer, start: Fraction, end: Fraction | None) -> tuple[Chapter, ...]:
    """The chapters of a file that lie in the part from `start` to `end` seconds, None for the end of the file."""
    found = []
    shift = start + origin(container)
    for chapter in container.chapters()[:MAX_CHAPTERS]:
        base = chapter["time_base"] or CHAPTER_CLOCK
        begin, close = max(chapter["start"] * base - shift, Fraction(0)), chapter["end"] * base - shift
        close = close if end is None else min(close, end - start)
        if begin < close:
            found.append(Chapter(begin, close, chapter["metadata"].get("title", "")[:MAX_CHARACTERS]))
    return tuple(found)


def write_chapters(out: OutputContainer, chapters: Sequence[Chapter]) -> None:
    """Give a file that is open for writing, and has no header yet, these chapters."""
    out.set_chapters(
        [
            {
                "id": number,
                "start": round(chapter.begin / CHAPTER_CLOCK),
                "end": round(chapter.end / CHAPTER_CLOCK),
                "time_base": CHAPTER_CLOCK,
                "metadata": {"title": chapter.title} if chapter.title else {},
            }
            for number, chapter in enumerate(chapters, start=1)
        ]
    )
