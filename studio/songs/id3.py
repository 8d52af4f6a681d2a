"""ID3v2.3 tags for MP3 files, as https://id3.org/id3v2.3.0 lays them out: text and a picture before the sound."""

from __future__ import annotations

import re
from collections.abc import Mapping

from backends.separation.io.cover import Cover

FRAMES: Mapping[str, str] = {
    "title": "TIT2",
    "artist": "TPE1",
    "album_artist": "TPE2",
    "album": "TALB",
    "date": "TYER",
    "genre": "TCON",
    "track": "TRCK",
    "disc": "TPOS",
    "composer": "TCOM",
    "copyright": "TCOP",
    "publisher": "TPUB",
    "isrc": "TSRC",
    "language": "TLAN",
    "bpm": "TBPM",
    "key": "TKEY",
}
WITH_DESCRIPTION: Mapping[str, str] = {"comment": "COMM", "lyrics": "USLT"}
UTF16 = b"\x01"
FRONT_COVER = b"\x03"


def id3_tag(tags: Mapping[str, str], cover: Cover | None = None) -> bytes:
    """The whole tag; names without a frame of their own are kept as user-defined text (TXXX)."""
    frames = b"".join(_frame(name, value) for name, value in tags.items() if value)
    if cover is not None:  # section 4.15: media type and a description, each ended by a zero
        frames += _framed("APIC", b"\0" + cover.type.encode() + b"\0" + FRONT_COVER + b"\0" + cover.data)
    size = len(frames)
    syncsafe = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))  # section 3.1: seven bits a byte
    return b"ID3\x03\x00\x00" + syncsafe + frames


def _frame(written: str, value: str) -> bytes:
    """The frame of one tag; a name of somebody's own stays as it was written."""
    name = written.lower()
    if name in WITH_DESCRIPTION:  # sections 4.9 and 4.11: language and a short description come first
        frame, body = WITH_DESCRIPTION[name], UTF16 + b"eng" + _text("") + b"\0\0" + _text(value)
    elif name == "date":
        return _date(value)
    elif name in FRAMES:
        frame, body = FRAMES[name], UTF16 + _text(value)
    else:
        frame, body = "TXXX", UTF16 + _text(written) + b"\0\0" + _text(value)
    return _framed(frame, body)


def _date(value: str) -> bytes:
    """The year, and where the day is known that as DDMM (section 4.2.1, TDAT)."""
    year = _framed("TYER", UTF16 + _text(value[:4]))
    day = re.fullmatch(r"\d{4}-(\d\d)-(\d\d).*", value)
    return year + (_framed("TDAT", UTF16 + _text(day[2] + day[1])) if day else b"")


def _framed(frame: str, body: bytes) -> bytes:
    return frame.encode() + len(body).to_bytes(4, "big") + b"\0\0" + body


def _text(value: str) -> bytes:
    return b"\xff\xfe" + value.encode("utf-16-le")
