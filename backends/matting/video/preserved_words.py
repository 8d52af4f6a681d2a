"""What is left of the source's words in a written file: timecode, title and date, chapters, and further tracks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from backends.matting.types import Chapter, MediaInfo, PreservationCheck

REPORTED = {"title": "title", "artist": "artist", "date": "date", "creation_time": "time of creation"}
"""The tags whose loss is said, with their names for people; the others are carried where a format has a place."""


CHAPTER_TOLERANCE = Fraction(2, 1000)
"""Seconds by which a chapter may begin elsewhere: formats count thousandths."""


def check_words(info: MediaInfo, written: MediaInfo | None) -> Iterator[PreservationCheck]:
    """The lines on words. `written` is None for pictures, which hold none."""
    if info.timecode:
        yield _timecode(info.timecode, written.timecode if written else "")
    yield from _tags(dict(info.tags), dict(written.tags) if written else {})
    if info.chapters:
        yield _chapters(info.chapters, written.chapters if written else ())
    if info.subtitles:
        yield PreservationCheck("subtitles", "lost", "Subtitles are not carried over: take them from the original.")
    yield from _other_tracks(info)


def _other_tracks(info: MediaInfo) -> Iterator[PreservationCheck]:
    if info.further_pictures:
        more = "another video track" if info.further_pictures == 1 else f"{info.further_pictures} more video tracks"
        sentence = f"The source has {more}: only the largest picture was cut out."
        yield PreservationCheck("further pictures", "lost", sentence)
    if info.data_tracks:
        sentence = "Data beside picture and sound (positions, fonts or the like) is not carried over."
        yield PreservationCheck("data", "lost", sentence)


def _timecode(before: str, after: str) -> PreservationCheck:
    if after == before:
        return PreservationCheck("timecode", "kept", f"It begins at {before}.")
    if after:
        return PreservationCheck("timecode", "changed", f"{before} became {after}.")
    return PreservationCheck("timecode", "lost", f"This format holds none; the first frame's is {before}.")


def _chapters(before: Sequence[Chapter], after: Sequence[Chapter]) -> PreservationCheck:
    """Most formats say when a chapter begins, and end it where the next one begins."""
    if not after:
        return PreservationCheck("chapters", "lost", "This format holds none: take them from the original.")
    same = len(before) == len(after) and all(
        was.title == became.title and abs(was.begin - became.begin) <= CHAPTER_TOLERANCE
        for was, became in zip(before, after, strict=True)
    )
    if same:
        count = "One chapter" if len(before) == 1 else f"{len(before)} chapters"
        return PreservationCheck("chapters", "kept", f"{count}, with times and names.")
    return PreservationCheck("chapters", "changed", f"{len(after)} of {len(before)} are in it, some with other words.")


def _tags(before: dict[str, str], after: dict[str, str]) -> Iterator[PreservationCheck]:
    said = {name: value for name, value in before.items() if name in REPORTED}
    if not said:
        return
    lost = [REPORTED[name] for name, value in said.items() if _plain(after.get(name, "")) != _plain(value)]
    if not lost:
        words = ", ".join(REPORTED[name] for name in said)
        yield PreservationCheck("title and date", "kept", f"{words[0].upper()}{words[1:]}.")
    else:
        state = "lost" if len(lost) == len(said) else "changed"
        yield PreservationCheck("title and date", state, f"Not in the file: {', '.join(lost)}.")


def _plain(value: str) -> str:
    """A value without the fraction of a second, which formats write differently."""
    return value.strip().removesuffix("Z").removesuffix(".000000")
