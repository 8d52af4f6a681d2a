"""Files that hold more than one: those that were joined by copying, and those with a tag before their beginning."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

FLAC_HEADS = (b"fLaC\x00\x00\x00\x22", b"fLaC\x80\x00\x00\x22")
"""How a FLAC file begins: its mark, and the kind and length of its first block."""


OGG_BEGIN = re.compile(rb"OggS\x00[\x02\x03\x06\x07]")
"""The first page of a stream in an Ogg file: its flags have the second bit (RFC 3533, section 6)."""

MAX_LINKS = 2000
"""Parts of an Ogg file that are read apart from each other; where there are more, it is read as one."""

BEHIND_TAGS = (b"RIFF", b"RF64", b"BW64", b"FORM", b"OggS", b"caff")
"""How files begin before which FFmpeg does not pass over an ID3 tag, though some programs write one there."""

MAX_BOXES = 1000
"""Outermost boxes of an MP4 file that are looked at."""


def tag_length(head: bytes) -> int:
    """The length in bytes of an ID3v2 tag by its first ten bytes, 0 where they are none."""
    length = 0
    for byte in head[6:10]:
        length = length << 7 | byte & 0x7F
    return length + 10 if head[:3] == b"ID3" else 0


def behind_tag(path: Path) -> range | None:
    """Where a file lies behind an ID3 tag that FFmpeg does not pass over; None for all other files."""
    with path.open("rb") as file:
        length = tag_length(file.read(10))
        if not length:
            return None
        file.seek(length)
        known = file.read(4) in BEHIND_TAGS
    return range(length, path.stat().st_size) if known else None


def beginning(path: Path) -> int:
    """Where a file begins, in bytes, behind an ID3 tag that FFmpeg does not pass over."""
    part = behind_tag(path)
    return part.start if part else 0


def joined_parts(path: Path) -> tuple[range, ...]:
    """Where the parts of a sound file lie that FFmpeg does not read on from one to the next without loss.

    Empty for all files that are read as one.
    """
    return joined_flac(path) or ogg_links(path)


def ogg_links(path: Path) -> tuple[range, ...]:
    """Where the links of a chained Ogg file lie (RFC 3533, section 4), empty where there is but one.

    FFmpeg goes on where the next link is of the same kind, and stops where it has another rate or number of channels.
    """
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return ()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            begins: list[int] = []
            behind = -1
            for page in OGG_BEGIN.finditer(data):
                if page.start() != behind:  # streams that play together begin with one such page each
                    begins.append(page.start())
                behind = page.start() + ogg_page_length(data[page.start() : page.start() + 27 + 255])
    ends = [*begins[1:], path.stat().st_size]
    return tuple(map(range, begins, ends)) if 1 < len(begins) <= MAX_LINKS else ()


def ogg_page_length(head: bytes) -> int:
    """The length in bytes of an Ogg page by its header, with the table of its segments."""
    segments = head[26] if len(head) > 26 else 0
    return 27 + segments + sum(head[27 : 27 + segments])


def joined_flac(path: Path) -> tuple[range, ...]:
    """Where the parts of a FLAC file lie that was made by copying several into one; empty for any other file.

    FFmpeg reads on over the beginning of the next, but can lose frames there, and cannot change the bits a sample.
    """
    with path.open("rb") as file:
        if file.read(8) not in FLAC_HEADS:
            return ()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            begins = [0]
            for head in FLAC_HEADS:
                place = data.find(head, 8)
                while place > 0:
                    begins.append(place)
                    place = data.find(head, place + 8)
    ends = [*sorted(begins)[1:], path.stat().st_size]
    return tuple(map(range, sorted(begins), ends)) if len(begins) > 1 else ()


HEADS = {
    b"FLV\x01": 13,
    bytes.fromhex("060e2b34020501010d0102010102"): 14,  # MXF
    bytes.fromhex("3026b2758e66cf11"): 16,  # ASF
    b"TTA1\1\0": 10,
}
"""How some files begin, and how many bytes are the same where another one follows."""


def another_follows(path: Path) -> bool:
    """Whether behind the end of a file another one of its kind begins, of which a demuxer does not read all.

    That is how files look that were joined by copying. Looked for in MP4, MOV, AIFF, FLV, MXF, ASF and TTA, since the
    others are read on, or are said to break off. An MP4 file in fragments may state its kind again.
    """
    with path.open("rb") as file:
        head = file.read(16)
        for start, length in HEADS.items():
            if head.startswith(start):
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    return data.find(head[:length], length) > 0
        if head[:4] == b"FORM":
            file.seek(8 + int.from_bytes(head[4:8], "big"))
            return file.read(12)[:4] == b"FORM"
    if head[4:8] != b"ftyp":
        return False
    kinds = [kind for kind, _ in boxes(path)]
    return kinds.count(b"ftyp") > 1 and kinds.count(b"moov") > 1 and b"moof" not in kinds


def boxes(path: Path) -> list[tuple[bytes, range]]:
    """The outermost boxes of an MP4 or MOV file, each with its kind and place, the last perhaps cut off."""
    found: list[tuple[bytes, range]] = []
    begin, end = 0, path.stat().st_size
    with path.open("rb") as file:
        while begin < end and len(found) < MAX_BOXES:
            file.seek(begin)
            head = file.read(16)
            size = int.from_bytes(head[:4], "big")
            size = int.from_bytes(head[8:], "big") if size == 1 else size
            found.append((head[4:8], range(begin, begin + size)))
            if size < 8:
                break
            begin += size
    return found
