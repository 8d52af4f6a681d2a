"""Opening an untrusted sound file, and the sound tracks in it. Called only in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av

from backends.core.errors import BadInput
from backends.separation.formats import FORMATS, SUFFIXES
from backends.shared.cut_files import INCOMPLETE, lacks_end
from backends.shared.media import NO_INDEX, lacks_index, open_untrusted

Disposition = av.stream.Disposition

UNUSUAL = ("comment", "hearing_impaired", "visual_impaired", "descriptions", "karaoke")
"""Flags of a track that is not what most people want to hear."""


@dataclass(frozen=True)
class Track:
    """One sound track: its `number` among those of the file, from 1, and what the file says of it."""

    number: int
    language: str = ""
    title: str = ""
    channels: int = 0
    default: bool = False
    unusual: bool = False
    readable: bool = True

    @property
    def name(self) -> str:
        """
        >>> Track(2, "jpn", "Live").name
        '2 (jpn, Live)'
        """
        known = ", ".join(filter(None, (self.language, self.title)))
        return f"{self.number} ({known})" if known else str(self.number)


def open_container(path: Path, part: range | None = None) -> av.container.InputContainer:
    """Open `path`, or the bytes `part` of it, for reading, or raise BadInput."""
    try:
        return open_untrusted(path, ",".join(SUFFIXES), part)
    except (av.error.FFmpegError, ValueError, UnicodeError) as error:
        if lacks_index(path):
            raise BadInput(NO_INDEX) from error
        if lacks_end(path):
            raise BadInput(INCOMPLETE) from error
        raise BadInput(f"This file could not be read as sound: choose a {FORMATS}.") from error


def list_tracks(container: av.container.InputContainer) -> tuple[Track, ...]:
    """The sound tracks of a file in their order. Raises BadInput where there is none that can be decoded."""
    tracks = tuple(_track(number, stream) for number, stream in enumerate(container.streams.audio, start=1))
    if not tracks:
        what = "This video has no sound" if container.streams.video else "There is no sound in this file"
        raise BadInput(f"{what}: choose a {FORMATS}.")
    if not any(track.readable for track in tracks):
        raise BadInput(f"The sound in this file is of a kind that cannot be decoded here: choose a {FORMATS}.")
    return tracks


def _track(number: int, stream: av.AudioStream) -> Track:
    flags = stream.disposition
    language = _printable(stream.metadata.get("language", ""))
    return Track(
        number,
        "" if language == "und" else language,
        _printable(stream.metadata.get("title", "")),
        stream.codec_context.layout.nb_channels if stream.codec_context else 0,
        Disposition.default in flags,
        any(flag in flags for name, flag in Disposition.__members__.items() if name in UNUSUAL),
        stream.codec_context is not None,
    )


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable()).strip()[:60]


def by_preference(tracks: tuple[Track, ...]) -> tuple[Track, ...]:
    """The readable tracks, best first: the one that is flagged as the default, no commentary, the first."""
    readable = [track for track in tracks if track.readable]
    return tuple(sorted(readable, key=lambda track: (not track.default, track.unusual, track.number)))


def find_track(tracks: tuple[Track, ...], wanted: str) -> Track:
    """The track that `wanted` names: by its number, language or title. Raises BadInput where none is."""
    word = wanted.strip().casefold()
    for track in by_preference(tracks):
        if word in (str(track.number), track.language.casefold(), track.title.casefold()):
            return track
    names = ", ".join(track.name for track in tracks if track.readable)
    raise BadInput(f"This file has no sound track “{wanted.strip()[:40]}”; it has {names}.")


def only_stream(container: av.container.InputContainer, number: int) -> av.AudioStream:
    """The stream of a track; every other stream is skipped while reading."""
    chosen = container.streams.audio[number - 1]
    for stream in container.streams:
        if stream is not chosen:
            stream.discard = av.stream.Discard.all
    return chosen
