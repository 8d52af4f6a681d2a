"""What is left of the source's sound in a written file: tracks, codecs, channels, bits, times and names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from backends.matting.types import MediaInfo, PreservationCheck, SoundInfo
from backends.matting.video.sound_tracks import Track
from backends.matting.video.speakers import same_language
from backends.matting.video.timeline import Span

TIME_TOLERANCE = Fraction(1, 10)
"""Seconds by which a track may begin or end elsewhere: a packet, and the lead-in of an encoder."""


def check_sound(
    info: MediaInfo, written: MediaInfo, tracks: Sequence[Track], spans: Sequence[Span]
) -> Iterator[PreservationCheck]:
    """The lines on sound.

    Args:
        info: of the source.
        written: of the written file.
        tracks: which carried the source's sound over, in order.
        spans: when the sound of each track of the written file plays.
    """
    if info.unknown_tracks:
        unknown = "One sound track" if info.unknown_tracks == 1 else f"{info.unknown_tracks} sound tracks"
        verb = "is" if info.unknown_tracks == 1 else "are"
        yield PreservationCheck("sound", "lost", f"{unknown} of an unknown codec {verb} lost.")
    if not info.tracks:
        return
    if not written.tracks:
        yield PreservationCheck("sound", "lost", "The sound could not be carried over: take it from the original.")
        return
    if len(written.tracks) < len(info.tracks):
        sentence = (
            f"{len(written.tracks)} of {len(info.tracks)} sound tracks are in it: take the rest from the original."
        )
        yield PreservationCheck("sound", "lost", sentence)
        return
    shifts = [sentence for track, span in zip(tracks, spans, strict=False) if (sentence := _shift(track.span, span))]
    dropped = sum(track.dropped for track in tracks)
    if dropped:
        pieces = "One damaged piece of the sound is" if dropped == 1 else f"{dropped} damaged pieces of the sound are"
        yield PreservationCheck("sound", "changed", f"{pieces} left out: listen to it before you use it.")
    elif shifts:
        yield PreservationCheck("sound", "changed", shifts[0])
    else:
        yield _coding(info.tracks, written.tracks, all(track.lossless for track in tracks))
    yield from _names(info.tracks, written.tracks)


def _shift(before: Span, after: Span) -> str:
    """A sentence where a track plays at another time; a hole that closed up makes it end early."""
    if before.begin is None:
        return ""
    if after.begin is None:
        return "A sound track is empty: take it from the original."
    for what, was, became in (("begins", before.begin, after.begin), ("ends", before.end, after.end)):
        if abs(became - was) > TIME_TOLERANCE:
            return (
                f"The sound {what} at {float(became):.2f} s instead of {float(was):.2f} s, so some of it is heard at "
                "another time: take it from the original."
            )
    return ""


def _coding(before: Sequence[SoundInfo], after: Sequence[SoundInfo], lossless: bool) -> PreservationCheck:
    codecs = _listed([track.codec for track in before]), _listed([track.codec for track in after])
    changes = [f"{codecs[0]} became {codecs[1]}"] if codecs[0] != codecs[1] else []
    pairs = list(zip(before, after, strict=False))
    changes += _changes([(was.channels, became.channels) for was, became in pairs], "channels")
    changes += _changes([(was.bits, became.bits) for was, became in pairs if was.bits and became.bits], "bits")
    changes += _changes([(was.rate, became.rate) for was, became in pairs], "Hz")
    if not changes and lossless:
        return PreservationCheck("sound", "kept", f"Copied bit by bit ({codecs[1]}).")
    if lossless:
        return PreservationCheck("sound", "changed", f"Coded anew, without loss: {', '.join(changes)}.")
    sentence = f"Coded anew, for this format cannot hold it as it was: {', '.join(changes)}."
    return PreservationCheck("sound", "changed", sentence)


def _listed(codecs: Sequence[str]) -> str:
    return ", ".join(codecs)


def _changes(pairs: Sequence[tuple[int, int]], unit: str) -> list[str]:
    changed = dict.fromkeys(pair for pair in pairs if pair[0] != pair[1])
    return [f"{was:,} {unit} became {became:,}" for was, became in changed]


def _names(before: Sequence[SoundInfo], after: Sequence[SoundInfo]) -> Iterator[PreservationCheck]:
    """Names and languages of the tracks, where the source has any."""
    said = [(track.title, track.language) for track in before]
    if not any(title or language for title, language in said):
        return
    lost = []
    for was, became in zip(before, after, strict=False):
        if was.title != became.title:
            lost.append(was.title)
        if was.language and not same_language(was.language, became.language):
            lost.append(was.language)
    if lost:
        sentence = f"Not in the file, or changed: {', '.join(f'“{name}”' for name in lost)}."
        yield PreservationCheck("track names", "changed", sentence)
    else:
        yield PreservationCheck("track names", "kept", "Names and languages of the sound tracks.")
