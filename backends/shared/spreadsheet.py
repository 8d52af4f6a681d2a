"""Tables as CSV for spreadsheets: with a byte order mark, and no cell that a spreadsheet would run as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import IO

BYTE_ORDER_MARK = "\ufeff"
"""Without it a spreadsheet takes UTF-8 for another encoding, and accents and other scripts become garbage."""

ENCODING = "utf-8-sig"
"""Reads such a table, and one without the mark."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that some spreadsheet takes for a formula."""


def safe_cell(value: object) -> object:
    """Text as a spreadsheet shows it and never runs it: with an apostrophe before a formula; numbers stay numbers.

    >>> safe_cell("=1+1"), safe_cell("cat"), safe_cell(-0.5), safe_cell("-0.5")
    ("'=1+1", 'cat', -0.5, '-0.5')
    """
    if not isinstance(value, str):
        return value
    start = value.lstrip(" '")
    if not start.startswith(FORMULA_STARTS) or is_number(value):
        return value
    return f"'{value}"


def plain_cell(text: str) -> str:
    """What `safe_cell` was given.

    >>> plain_cell("'=1+1"), plain_cell("'quoted'")
    ('=1+1', "'quoted'")
    """
    inner = text.removeprefix("'")
    return inner if inner != text and safe_cell(inner) == text else text


def is_number(text: str) -> bool:
    """Whether a spreadsheet reads the text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def write_rows(file: IO[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a whole table, the byte order mark before it. Open the file with `newline=""` and as UTF-8."""
    file.write(BYTE_ORDER_MARK)
    table = csv.writer(file)
    table.writerows([safe_cell(cell) for cell in row] for row in rows)
