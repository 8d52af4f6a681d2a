"""Tags and the cover of an Ogg Vorbis file: its second packet, written anew.

RFC 3533 lays out the pages of an Ogg file, and https://xiph.org/vorbis/doc/v-comment.html the comments in it. The cover
is a comment too: the picture block of FLAC (RFC 9639, section 8.8) in base64.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from backends.separation.io.cover import Cover

NAMES = {
    "track": "TRACKNUMBER",
    "disc": "DISCNUMBER",
    "album_artist": "ALBUMARTIST",
    "publisher": "ORGANIZATION",
    "key": "INITIALKEY",
    "comment": "DESCRIPTION",
}
"""Comments that have another name than the tag."""

PICTURE, FRONT_COVER = "METADATA_BLOCK_PICTURE", 3
SEGMENT, MAX_SEGMENTS = 255, 255  # bytes of a segment, and segments of a page
CONTINUED = 1
NOTHING_ENDS = b"\xff" * 8
"""The position of a page on which no packet ends."""

REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Page:
    """One page: its flags, the `position` and `serial` as they are stored, the lengths of its segments, its content."""

    flags: int
    position: bytes
    serial: bytes
    segments: bytes
    content: bytes

    def write(self, file: IO[bytes], number: int) -> None:
        """As the page with that number of its file."""
        head = b"OggS\0" + bytes([self.flags]) + self.position + self.serial + number.to_bytes(4, "little")
        rest = bytes([len(self.segments)]) + self.segments + self.content
        file.write(head + checksum(head + bytes(4) + rest).to_bytes(4, "little") + rest)


def checksum(content: bytes) -> int:
    """The CRC-32 of a page, whose bits run the other way round than those of zlib's.

    >>> hex(checksum(b"123456789"))
    '0x89a1897f'
    """
    raw = zlib.crc32(content.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{raw:032b}"[::-1], 2)


def write_tags(path: Path, tags: Mapping[str, str], cover: Cover | None = None) -> None:
    """Give an Ogg Vorbis file with one stream these tags and this cover, and no others."""
    target = path.with_name(f"{path.name}.tagged")
    try:
        with path.open("rb") as source, target.open("wb") as file:
            pages = _pages(source)
            first = next(pages)  # the codec's own head has a page for itself
            comment, setup = _header_packets(pages)
            headers = _paged([_with_comments(comment, _comments(tags, cover)), setup], first.serial)
            for number, page in enumerate([first, *headers]):
                page.write(file, number)
            for number, page in enumerate(pages, len(headers) + 1):
                page.write(file, number)
        target.replace(path)
    finally:
        target.unlink(missing_ok=True)


def _pages(file: IO[bytes]) -> Iterator[Page]:
    while head := file.read(27):
        segments = file.read(head[26])
        yield Page(head[5], head[6:14], head[14:18], segments, file.read(sum(segments)))


def _header_packets(pages: Iterator[Page]) -> list[bytes]:
    """The two packets after the first; what follows them begins on a page of its own."""
    packets, open_packet = [], b""
    for page in pages:
        place = 0
        for length in page.segments:
            open_packet += page.content[place : place + length]
            place += length
            if length < SEGMENT:
                packets.append(open_packet)
                open_packet = b""
        if len(packets) >= 2:
            return packets
    raise ValueError("no Ogg Vorbis file: it ends within its head")


def _paged(packets: list[bytes], serial: bytes) -> list[Page]:
    """Packets that follow each other, in as few pages as there can be."""
    segments = b"".join(bytes([SEGMENT]) * (len(one) // SEGMENT) + bytes([len(one) % SEGMENT]) for one in packets)
    content, pages, continued = b"".join(packets), [], False
    for start in range(0, len(segments), MAX_SEGMENTS):
        part = segments[start : start + MAX_SEGMENTS]
        ends = any(length < SEGMENT for length in part)
        page = Page(0, bytes(8) if ends else NOTHING_ENDS, serial, part, content[: sum(part)])
        pages.append(replace(page, flags=CONTINUED) if continued else page)
        content, continued = content[sum(part) :], part[-1] == SEGMENT
    return pages


def _with_comments(packet: bytes, comments: list[bytes]) -> bytes:
    """A comment packet of the same program with other comments."""
    begin = packet[: 7 + 4 + int.from_bytes(packet[7:11], "little")]  # type, name, and who made it
    listed = b"".join(len(one).to_bytes(4, "little") + one for one in comments)
    return begin + len(comments).to_bytes(4, "little") + listed + b"\1"


def _comments(tags: Mapping[str, str], cover: Cover | None) -> list[bytes]:
    """`NAME=value` of each tag; a name may have no letters but those of ASCII, and no equals sign."""
    named = {NAMES.get(name, name).upper(): value for name, value in tags.items() if value}
    plain = [f"{name}={value}".encode() for name, value in named.items() if name.isascii() and "=" not in name]
    return plain if cover is None else [*plain, f"{PICTURE}=".encode() + base64.b64encode(_picture(cover))]


def _picture(cover: Cover) -> bytes:
    def number(value: int) -> bytes:
        return value.to_bytes(4, "big")

    kind = cover.type.encode()
    size = number(cover.width) + number(cover.height) + number(24) + number(0)  # bits a pixel; no palette
    return number(FRONT_COVER) + number(len(kind)) + kind + number(0) + size + number(len(cover.data)) + cover.data
