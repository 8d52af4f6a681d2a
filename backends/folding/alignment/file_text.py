"""The bytes of an uploaded text file as text: unpacked, decoded, and refused where it is none."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from pathlib import Path

from backends.core.errors import BadInput, TooLarge

GZIP = b"\x1f\x8b"
COMPRESSED = (b"PK\x03\x04", b"7z\xbc\xaf", b"\x28\xb5\x2f\xfd", b"\x1f\x9d", b"Rar!", b"\x04\x22\x4d\x18", b"LZIP")
"""How archives begin that are not unpacked here: ZIP, 7z, Zstandard, compress, RAR, LZ4, lzip."""


def _open_archive(path: Path, head: bytes) -> gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    if head == GZIP:
        return gzip.open(path, "rb")
    return bz2.open(path, "rb") if head == b"BZ" else lzma.open(path, "rb")


_NAMED = (b">", b";", b"#", b"TITLE", b"HEADER", b"COMPND", b"AUTHOR")
"""How lines begin that hold words beside the data."""


def _with_utf8_names(data: bytes) -> bytes:
    """Text whose names are in the old alphabet of Windows, with these in UTF-8; all else as it is."""
    if data.isascii() or b"\0" in data:
        return data
    return b"".join(_as_utf8(line) if line.startswith(_NAMED) else line for line in data.splitlines(keepends=True))


def _as_utf8(line: bytes) -> bytes:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace").encode()
    return line


def unpacked(path: Path, data: bytes, most: int) -> bytes:
    """The content `data` of a file, unpacked where it is compressed alone: at most one byte more than `most` of it.

    Raises BadInput where it is damaged.
    """
    if not data.startswith((GZIP, b"BZh", b"\xfd7zXZ")):
        return data
    try:
        with _open_archive(path, data[:2]) as file:
            return file.read(most + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BadInput("This file is compressed and damaged: fetch it again.") from error


def read_data(path: Path, most: int, too_large: str) -> bytes:
    """The bytes of a file as UTF-8 without a byte order mark; unpacked where it is compressed alone.

    Null bytes between lines, which the servers of MMseqs2 leave behind each alignment, are left out.

    Raises:
        BadInput: compressed and damaged.
        TooLarge: over `most` bytes, packed or not.
    """
    if path.stat().st_size > most:
        raise TooLarge(too_large)
    data = unpacked(path, path.read_bytes(), most)
    if len(data) > most:
        raise TooLarge(too_large)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", "replace").encode()
    data = _with_utf8_names(data.removeprefix(b"\xef\xbb\xbf"))
    if b"\0" in data and data.lstrip(b"\0 \r\n")[:1] in (b">", b"#"):
        data = re.sub(rb"(?:(?<=\n)|(?<=\r)|\A)\x00+|\x00+(?=\r?\n|\Z)", b"", data)
    return data
