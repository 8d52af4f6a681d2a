"""Whether a PNG file holds all of its rows. Decoders leave those that lack at 0, black or see-through, unsaid."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

from PIL import Image

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""By the type of colour (ISO/IEC 15948, 11.2.2)."""

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column and row, and steps, of the seven passes of an interlaced picture."""


def lacks_rows(source: Path | bytes, decoded: Image.Image) -> bool:
    """Whether rows are missing. Only where the last decoded row is all 0 is the file looked at once more."""
    width, height = decoded.size
    extrema = decoded.crop((0, height - 1, width, height)).getextrema()
    if any(most for _, most in (extrema if isinstance(extrema[0], tuple) else (extrema,))):
        return False
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file:
        file.seek(16)
        head = file.read(13)
        width, height = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
        bits = head[8] * CHANNELS.get(head[9], 1)
        passes = ADAM7 if head[12] else ((0, 0, 1, 1),)
        sizes = [(-(-(width - x) // across), -(-(height - y) // down)) for x, y, across, down in passes]
        wanted = sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in sizes if columns > 0 and rows > 0)
        file.seek(4, io.SEEK_CUR)  # the checksum
        return _inflated(file, wanted) < wanted


def _inflated(file: io.BufferedIOBase, most: int) -> int:
    """How many bytes the picture's data unpack to, counted up to about `most`."""
    inflate, count = zlib.decompressobj(), 0
    while len(head := file.read(8)) == 8 and count < most and not inflate.eof:
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        data = file.read(length + 4)[:length]
        if kind == b"IDAT":
            count += len(inflate.decompress(data, most))
        elif kind == b"IEND":
            break
    return count
