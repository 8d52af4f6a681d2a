"""Files whose end is missing, as after a download that broke off, by what they say of their own length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from backends.shared.joined_files import ogg_page_length

INCOMPLETE = (
    "This file is not complete: its end is missing, as after a download or a recording that broke off. Copy it again "
    "from where it came."
)

OGG_END = 4
"""The flag of the last page of an Ogg stream (RFC 3533, section 6)."""

MAX_OGG_PAGE = 65_307
MAX_CHUNKS = 10_000
PAD = 16
"""Bytes that programs forget at the end, or count twice."""

ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


def lacks_end(path: Path) -> bool:
    """Whether a file is shorter than it says, or, of an Ogg file, has no last page.

    Looked for where FFmpeg reads what is there and says nothing: AVI, CAF, W64, ASF, VOC, DSF and Ogg.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        if head[:4] == b"OggS":
            return _lacks_last_page(file, size)
        stated = next((length(file) for start, length in LENGTHS.items() if head.startswith(start)), 0)
    return size + PAD < stated


def _lacks_last_page(file: BinaryIO, size: int) -> bool:
    file.seek(max(size - 2 * MAX_OGG_PAGE, 0))
    rest = file.read()
    last = rest.rfind(b"OggS\0")
    page = rest[last:]
    return last < 0 or len(page) < 27 or not page[5] & OGG_END or len(page) < ogg_page_length(page)


def _number(file: BinaryIO, place: int, length: int = 8) -> int:
    file.seek(place)
    return int.from_bytes(file.read(length), "little")


def _avi(file: BinaryIO) -> int:
    """A WAV file begins alike; of that the length of its sound is known."""
    size = _number(file, 4, 4)
    is_avi = file.read(4) == b"AVI "
    return 8 + size if is_avi and size < 0x7FFFFFFF else 0  # programs that stream leave a number without meaning


def _caf(file: BinaryIO) -> int:
    place = 8
    for _ in range(MAX_CHUNKS):
        file.seek(place)
        kind, size = file.read(4), int.from_bytes(file.read(8), "big", signed=True)
        if not kind or size < 0:  # to the end of the file, wherever that is
            return 0
        if kind == b"data":
            return place + 12 + size
        place += 12 + size
    return 0


def _asf(file: BinaryIO) -> int:
    place = 30
    for _ in range(MAX_CHUNKS):
        file.seek(place)
        kind, size = file.read(16), int.from_bytes(file.read(8), "little")
        if kind == ASF_PROPERTIES:
            is_broadcast = _number(file, place + 88, 4) & 1
            return 0 if is_broadcast else _number(file, place + 40)
        if size < 24:
            return 0
        place += size
    return 0


def _voc(file: BinaryIO) -> int:
    place = _number(file, 20, 2)
    for _ in range(MAX_CHUNKS):
        file.seek(place)
        kind = file.read(1)
        if kind in (b"", b"\0"):
            return place
        place += 4 + int.from_bytes(file.read(3), "little")
    return 0


LENGTHS: Mapping[bytes, Callable[[BinaryIO], int]] = {
    b"RIFF": _avi,
    b"caff": _caf,
    b"riff\x2e\x91\xcf\x11": lambda file: _number(file, 16),
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": _asf,
    b"Creative Voice F": _voc,
    b"DSD ": lambda file: _number(file, 12),
}
"""The length that a file states of itself in bytes, by how it begins; 0 where it states none."""
