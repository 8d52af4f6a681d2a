"""What a sound file says of itself: its length, as far as that can be believed, and its tags.

Called only in a process of its own, as `tracks.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import av

from backends.core.errors import BadInput
from backends.separation.io.timeline import demuxer, picture_start
from backends.separation.io.tracks import only_stream, open_container
from backends.shared.joined_files import beginning, joined_parts
from backends.shared.media import packets_until_damage, wav_goes_on

TAGS = (
    "title",
    "artist",
    "album",
    "album_artist",
    "track",
    "disc",
    "date",
    "genre",
    "composer",
    "copyright",
    "publisher",
    "isrc",
    "bpm",
    "key",
    "language",
    "lyrics",
    "comment",
)
"""The usual tags, by FFmpeg's names; all others are kept as they are called, but those about the file itself."""

TECHNICAL = re.compile(
    r"(encod|encd|tsse|itun|replaygain|r128|accurip|id3v2_priv|musicbrainz_discid|acoustid_fingerprint|duration|tlen$"
    r"|length$|bps|number_of_|_statistics|waveformat|coding_history|time_reference|timecode|umid|originator|origination"
    r"|creation_time|major_brand|minor_version|compatible_brands|handler_name|vendor|device|wm/|isvbr|asf_|cuesheet)"
)
"""How tags begin that tell of the bytes of a file, its level or its programs, and so are not true of an export."""

ALIASES = {
    "tbpm": "bpm",
    "tempo": "bpm",
    "tmpo": "bpm",
    "tkey": "key",
    "initialkey": "key",
    "initial_key": "key",
    "tsrc": "isrc",
    "organization": "publisher",
    "label": "publisher",
    "year": "date",
    "tracknumber": "track",
    "discnumber": "disc",
    "albumartist": "album_artist",
    "album artist": "album_artist",
    "unsyncedlyrics": "lyrics",
}
"""Names that other programs give to the same tags."""

LONGEST_TAG = 300
LONGEST_LYRICS = 20_000
MAX_TAGS = 60

BELIEVED_SECONDS = 3600.0
"""A length over this is checked by counting packets: headers of cut or joined files can be wrong by any factor."""

GUESSED = ("mp3", "aac")
"""Demuxers that guess the length from size and bit rate, far off where the rate varies."""


def sound_seconds(path: Path, track: int) -> float:
    """The length of a track, 0 where nobody can tell: as the header has it, counted where that may be wrong."""
    parts = joined_parts(path)
    if parts:
        return _seconds_of_parts(path, parts)
    with open_container(path) as container:
        stream = container.streams.audio[track - 1]
        seconds = _header_seconds(container, stream)
        doubtful = demuxer(container) in GUESSED or not 0 < seconds <= BELIEVED_SECONDS or wav_goes_on(path)
    return _counted_seconds(path, track) if doubtful else seconds


def _seconds_of_parts(path: Path, parts: Sequence[range]) -> float:
    """The length of the parts of a file up to the first that cannot be read, where decoding will end, too."""
    seconds = 0.0
    for part in parts:
        try:
            with open_container(path, part) as container:
                if not container.streams.audio:
                    break
                seconds += _header_seconds(container, container.streams.audio[0])
        except BadInput:
            break
    return seconds


def stated_seconds(path: Path, track: int) -> float:
    """The length that the file itself states of a track, 0 where it states nothing."""
    if joined_parts(path):
        return 0.0
    with open_container(path) as container:
        stream = container.streams.audio[track - 1]
        seconds, kind = _header_seconds(container, stream), demuxer(container)
        if kind in GUESSED:
            # Without a count of frames in the file, this is size / bit rate: a guess. Where the two disagree it cannot
            # be that guess: the file states its length and was cut short, which must be reported.
            cut = seconds * (stream.bit_rate or 0) / 8 > 1.05 * path.stat().st_size
            return seconds if cut else 0.0
        if kind == "wav":
            return seconds * _truncation_factor(path)
        if stream.duration is None and (tag := _tagged_seconds(stream)):
            return tag
        # The container's length is that of the longest stream, which with moving pictures may be theirs.
        return 0.0 if stream.duration is None and picture_start(container) is not None else seconds


def _header_seconds(container: av.container.InputContainer, stream: av.AudioStream) -> float:
    base = stream.time_base
    seconds = float(stream.duration * base) if stream.duration and base else (container.duration or 0) / 1e6
    return max(seconds, 0.0)


def _tagged_seconds(stream: av.AudioStream) -> float:
    """The length of a track in a Matroska file, as most programs note it beside the track."""
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", "").strip())
    return 3600 * int(match[1]) + 60 * int(match[2]) + float(match[3]) if match else 0.0


def _counted_seconds(path: Path, track: int) -> float:
    """The length of all packets of a track, read without decoding them."""
    first, last, total = None, 0.0, 0.0
    with open_container(path) as container:
        for packet in packets_until_damage(container, only_stream(container, track)):
            if packet.time_base is None or not packet.size:
                continue
            length = float((packet.duration or 0) * packet.time_base)
            total += length
            if packet.pts is not None:
                begin = float(packet.pts * packet.time_base)
                first = begin if first is None else first
                last = max(last, begin + length)
    return max(total, last - (first or 0.0))


def _truncation_factor(path: Path) -> float:
    """Stated over actual length of a WAV file's data: 1 for a complete file, more for one that was cut short.

    The demuxer only reports what is there. Programs that stream leave a length of 0 or all ones, which states nothing.
    """
    with path.open("rb") as file:
        file.seek(beginning(path))
        riff = file.read(12)
        if riff[:4] != b"RIFF":
            return 1.0
        for _ in range(64):
            header = file.read(8)
            if len(header) < 8:
                return 1.0
            length = int.from_bytes(header[4:], "little")
            if header[:4] == b"data":
                actual = path.stat().st_size - file.tell()
                stated = length not in (0, 0xFFFFFFFF) and actual > 0
                return max(length / actual, 1.0) if stated else 1.0
            file.seek(length + length % 2, 1)
    return 1.0


def known_tags(*sources: Mapping[str, str]) -> dict[str, str]:
    """What the tags say of the song, printable and of bounded length, at most `MAX_TAGS` of them.

    A container's own come before those of its stream. A tag with a name of its own that is too long is left out whole.
    """
    tags: dict[str, str] = {}
    further: dict[str, tuple[str, str]] = {}
    for source in sources:
        for key, value in source.items():
            name = key.lower()
            name = ALIASES.get(name, name.partition("-")[0] if name.startswith("lyrics-") else name)
            longest, kept = (LONGEST_LYRICS, "\n") if name == "lyrics" else (LONGEST_TAG, "")
            words = str(value) if kept else re.sub(r"[\r\n\t\0]+", " ", str(value))
            text = "".join(letter for letter in words if letter.isprintable() or letter in kept).strip()
            if (name, text) == ("language", "und"):  # not determined
                continue
            if name in TAGS and text:
                tags.setdefault(name, text[:longest])
            elif _is_of_the_song(name) and 0 < len(text) <= longest:
                further.setdefault(name, (key, text))  # programs look for them as they wrote them
    room = MAX_TAGS - len(tags)
    return tags | dict(list(further.values())[:room])


def _is_of_the_song(name: str) -> bool:
    """Whether a name can be that of a tag (a Vorbis comment has no “=” in it), and it is none about the file."""
    return name.isascii() and name.isprintable() and "=" not in name and len(name) <= 60 and not TECHNICAL.match(name)
