"""Alignments as programs for trees and profiles write them: PHYLIP, NEXUS, MSF, and lines of a name and a row."""

from __future__ import annotations

import re

from backends.core.errors import BadInput
from backends.folding.alignment.tables import numbered_rows

Rows = dict[bytes, bytes]
"""Raw rows by name, in their order."""

_COUNTS = re.compile(rb"\A\s*(\d{1,7})[ \t]+(\d{1,6})(?:[ \t]+[A-Za-z ]*)?[ \t]*\r?\n")
_MSF = re.compile(rb"\bMSF:\s*\d+[^\n]*\.\.\s*$", re.MULTILINE)
_MATRIX = re.compile(rb"^\s*matrix\b(.*?);", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_MATCH = re.compile(rb"\bmatchchar\s*=\s*(\S)", re.IGNORECASE)
_LETTERS = re.compile(rb"[A-Za-z.\-*~?]+")
MAX_NUMBERED_BYTES = 20_000_000
_NAME_LETTERS = 10
"""Of a name in strict PHYLIP, which may hold blanks."""


def read_blocks(data: bytes) -> Rows | None:
    """The rows of an alignment in one of these formats, None where the data is in another.

    Raises:
        BadInput: it says that it is such an alignment, and is damaged.
    """
    if data.lstrip()[:6].upper() == b"#NEXUS":
        return _nexus(data)
    if _MSF.search(data[:100_000]):
        return _msf(data)
    if match := _COUNTS.match(data):
        return _phylip(data[match.end() :], int(match[1]), int(match[2]))
    return _named_rows(data)


def _plain(row: bytes) -> bytes:
    """A row with one sign for a gap, and X for what is missing."""
    return row.translate(bytes.maketrans(b"~?", b"-X"), b" \t\r\n")


def _phylip(data: bytes, count: int, width: int) -> Rows:
    """PHYLIP, sequential or interleaved; names end at a blank, or are ten letters long (the strict form)."""
    lines = [line.rstrip() for line in data.splitlines() if line.strip()]
    for strict in (False, True):
        for rows in (_sequential(lines, width, strict), _interleaved(lines, count, width, strict)):
            if rows is not None and len(rows) == count:
                return rows
    raise BadInput(
        f"This PHYLIP alignment announces {count:,} rows of {width:,} letters, and that is not what follows: "
        "save it again, or bring it as aligned FASTA."
    )


def _split(line: bytes, strict: bool) -> tuple[bytes, bytes]:
    """The name and the letters of a line that begins a row."""
    if strict:
        return line[:_NAME_LETTERS].strip(), _plain(line[_NAME_LETTERS:])
    name, *rest = line.split(None, 1)
    return name, _plain(rest[0] if rest else b"")


def _sequential(lines: list[bytes], width: int, strict: bool) -> Rows | None:
    rows: Rows = {}
    waiting = iter(lines)
    for line in waiting:
        name, row = _split(line, strict)
        while len(row) < width and (more := next(waiting, None)) is not None:
            row += _plain(more)
        if len(row) != width or name in rows or not _LETTERS.fullmatch(row):
            return None
        rows[name] = row
    return rows


def _interleaved(lines: list[bytes], count: int, width: int, strict: bool) -> Rows | None:
    if not count or len(lines) < count or len(lines) % count:
        return None
    heads = [_split(line, strict) for line in lines[:count]]
    rows = dict(heads)
    for place, line in enumerate(lines[count:]):
        name = heads[place % count][0]
        rows[name] += _plain(line.removeprefix(name))
    fits = all(len(row) == width and _LETTERS.fullmatch(row) for row in rows.values())
    return rows if fits and len(rows) == count else None


def _nexus(data: bytes) -> Rows:
    """The character matrix of a NEXUS file (Maddison et al. 1997), whose rows may come in several blocks."""
    matrix = _MATRIX.search(re.sub(rb"\[[^\]]*\]", b"", data))
    rows = _joined(matrix[1] if matrix else b"")
    if not rows:
        raise BadInput("This NEXUS file holds no alignment.")
    if same := _MATCH.search(data):
        first = next(iter(rows.values()))
        rows = {
            name: bytes(one if one != same[1][0] else top for one, top in zip(row, first, strict=False))
            for name, row in rows.items()
        }
    return rows


def _msf(data: bytes) -> Rows:
    """GCG's MSF: blocks of a name and a row below a line “//”."""
    rows = _joined(re.split(rb"^\s*//\s*$", data, maxsplit=1, flags=re.MULTILINE)[-1])
    if not rows:
        raise BadInput("This MSF alignment holds no sequence.")
    return rows


def _joined(block: bytes) -> Rows:
    """Lines of a name, perhaps in quotes, and letters, put together by name. Lines of numbers are left out."""
    rows: Rows = {}
    for line in block.splitlines():
        if (fields := re.match(rb"\s*('[^']*'|\S+)\s+(.*)", line)) and not fields[1].isdigit():
            name, row = fields[1].strip(b"'"), _plain(fields[2])
            rows[name] = rows.get(name, b"") + row
    return rows


def _named_rows(data: bytes) -> Rows | None:
    """A name and a row with gaps in each line, as SELEX and many scripts write them."""
    if numbered := numbered_rows(data.decode("utf-8", "replace")) if len(data) <= MAX_NUMBERED_BYTES else []:
        rows = {name.encode(): _plain(row.encode()) for name, row in numbered}
        return rows if len(rows) > 1 and len({len(row) for row in rows.values()}) == 1 else None
    lines = [line.split() for line in data.splitlines() if line.strip() and not line.startswith((b"#", b"%"))]
    if len(lines) < 2 or any(len(line) != 2 for line in lines):
        return None
    rows = {name: _plain(row) for name, row in lines}
    fits = len(rows) == len(lines) and all(_LETTERS.fullmatch(row) for row in rows.values())
    gaps = any(b"-" in row for row in rows.values())
    return rows if fits and gaps and len({len(row) for row in rows.values()}) == 1 else None


def is_blocks(data: bytes) -> bool:
    """Whether the data says that it is in one of these formats, or looks like named rows with gaps."""
    declared = data.lstrip()[:6].upper() == b"#NEXUS" or _MSF.search(data[:100_000]) or _COUNTS.match(data)
    return bool(declared) or _named_rows(data) is not None
