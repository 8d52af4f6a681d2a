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


def _open_archive(path: Path, head: bytes) -> gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    if head == GZIP:
        return gzip.open(path, "rb")
    return bz2.open(path, "rb") if head == b"BZ" else lzma.open(path, "rb")


def read_data(path: Path, most: int, too_large: str) -> bytes:
    """The bytes of a file as UTF-8 without a byte order mark; unpacked where it is compressed alone.

    Null bytes between lines, which the servers of MMseqs2 leave behind each alignment, are left out.

    Raises:
        BadInput: compressed and damaged.
        TooLarge: over `most` bytes, packed or not.
    """
    if path.stat().st_size > most:
        raise TooLarge(too_large)
    data = path.read_bytes()
    if data.startswith((GZIP, b"BZh", b"\xfd7zXZ")):
        try:
            with _open_archive(path, data[:2]) as file:
                data = file.read(most + 1)
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            raise BadInput("This file is compressed and damaged: fetch it again.") from error
        if len(data) > most:
            raise TooLarge(too_large)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", "replace").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in data and data.lstrip(b"\0 \r\n")[:1] in (b">", b"#"):
        data = re.sub(rb"(?:(?<=\n)|(?<=\r)|\A)\x00+|\x00+(?=\r?\n|\Z)", b"", data)
    return data
