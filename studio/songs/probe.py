"""What is known of a song before it is split, how long that takes, and the stems to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backends.core.errors import UserError
from backends.core.info import CardInfo
from backends.separation.formats import ALL_SUFFIXES
from studio.ui import formatting

TYPES = tuple(suffix.removeprefix(".") for suffix in ALL_SUFFIXES)
"""Endings that an uploaded file keeps; others are read as well, since a file is recognised by its bytes."""

REST = "other"
"""The stem that holds what the others leave: nobody asks for everything but the rest."""


@dataclass(frozen=True)
class Probe:
    """What is known of a song before it is run. `problem` is one sentence where it cannot be.

    `tracks` are the names of its sound tracks by number, where it has several, and `track` the one that is used unless
    another is asked for.
    """

    seconds: float = 0.0
    text: str = ""
    problem: str = ""
    tracks: Mapping[str, str] = field(default_factory=dict)
    track: str = ""


def probe(path: Path) -> Probe:
    """Open the file as the engine will, without reading it whole."""
    from backends.separation.io.audio import open_song

    try:
        song = open_song(path)
    except UserError as error:
        return Probe(problem=error.sentence)
    channels = {1: "mono", 2: "stereo"}.get(song.channels, f"{song.channels} channels")
    length = formatting.duration(song.duration) if song.duration else "length unknown"
    title = song.tags.get("title", "")
    named = f"“{title}”, " if title else ""
    tracks = {str(each.number): each.name for each in song.tracks if each.readable} if len(song.tracks) > 1 else {}
    several = f", {len(song.tracks)} sound tracks" if tracks else ""
    text = f"{named}{length}, {channels}, {song.samplerate / 1000:g} kHz{several}"
    return Probe(song.duration, text, tracks=tracks, track=str(song.candidates[0]))


def too_long(card: CardInfo, seconds: float) -> str:
    """One sentence where the song is over the card's limit, else ""."""
    limit = card.limits.seconds
    if limit and seconds > limit:
        return (
            f"This song lasts {formatting.duration(seconds)}; {card.title} takes up to {formatting.duration(limit)} "
            "here. Cut it into parts first."
        )
    return ""


def estimate(card: CardInfo, seconds: float) -> str:
    """How long the card takes for a song of that length, in words, "" where nobody has measured."""
    if not card.speed or not seconds:
        return ""
    source = "measured here" if card.speed_measured_here else "on two processor cores"
    return f"takes {formatting.about(card.speed * seconds)} ({source})"


def stem_choices(outputs: Sequence[str]) -> dict[str, str]:
    """The ways to group a card's outputs: words for people to the option's value. Made from the outputs alone."""
    if not outputs:  # weights of one's own, whose stems are known once they are loaded
        return {"All that it has": ""}
    spoken = f"All {len(outputs)}: {', '.join(outputs)}"
    alone = sorted((name for name in outputs if name != REST), key=lambda name: name != "vocals")
    return {spoken: "", **{f"Two: {name}, and everything but {name}": name for name in alone}}
