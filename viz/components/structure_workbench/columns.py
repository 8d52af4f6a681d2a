"""Numbers of one's own for each residue, from an uploaded CSV file."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence

import numpy as np

from backends.core.errors import BadInput, TooLarge
from backends.folding.limits import MAX_STRUCTURE_RESIDUES
from backends.folding.structure.structure import Structure
from viz.components.structure_workbench.colourings import Column

MAX_BYTES = 8 << 20
MAX_COLUMNS = 40
LONGEST_LABEL = 60
NUMBER_NAMES = (
    *("residue", "residue number", "residue_number", "resi", "resnum", "resid"),
    *("number", "position", "pos", "site"),
)
CHAIN_NAMES = ("chain", "chain id", "chain_id", "chainid", "asym", "asym_id")
NOTHING = frozenset({"", "na", "n/a", "nan", "none", "null", "-", "–", "?", "."})


def parse_csv(data: bytes, structure: Structure) -> tuple[Column, ...]:
    """The columns of numbers in a table of residues, one `Column` each, values laid on the residues of `structure`.

    The first row names the columns. One of them, "residue" (or "position", "resi"…), holds residue numbers as in the
    structure file, with an insertion code as in "52A"; "chain" tells chains apart and may be missing where the
    structure has one chain. Without residue numbers there must be exactly one row a residue, in order. Comma,
    semicolon and tab are understood, and a decimal comma where they leave it free. Columns of words are left out.

    Raises:
        BadInput: no such table; the sentence says what is wrong, and in which line.
        TooLarge: over 8 MiB, or more rows or columns than a structure can have.
    """
    header, rows = _table(data)
    names = [name.strip() for name in header]
    lower = [name.lower() for name in names]
    number = next((lower.index(name) for name in NUMBER_NAMES if name in lower), None)
    chain = next((lower.index(name) for name in CHAIN_NAMES if name in lower), None)
    at = _in_order(rows, structure) if number is None else _by_number(rows, number, chain, structure)
    others = [place for place in range(len(names)) if place not in (number, chain)]
    found = [column for place in others if (column := _column(names[place], place, rows, at, len(structure)))]
    if not found:
        raise BadInput("This table has no column of numbers besides the residue numbers.")
    return tuple(found)


def _table(data: bytes) -> tuple[list[str], list[list[str]]]:
    if len(data) > MAX_BYTES:
        raise TooLarge(f"This table is over {MAX_BYTES >> 20} MiB; a table of residues is far smaller.")
    text = _decoded(data)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise BadInput("This table is empty.")
    separator = max("\t;,", key=first.count)
    try:
        lines = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise BadInput("This file is not a readable CSV table.") from error
    header, rows = lines[0], lines[1:]
    if len(header) > MAX_COLUMNS:
        raise TooLarge(f"This table has {len(header)} columns; at most {MAX_COLUMNS} are read.")
    if len(rows) > MAX_STRUCTURE_RESIDUES:
        raise TooLarge(
            f"This table has {len(rows):,} rows; a structure has at most {MAX_STRUCTURE_RESIDUES:,} residues."
        )
    if not rows:
        raise BadInput("This table has names of columns but no rows.")
    for place, row in enumerate(rows, start=2):
        if len(row) > len(header):
            raise BadInput(f"Row {place} of this table has {len(row)} cells, but there are {len(header)} names above.")
    return header, [row + [""] * (len(header) - len(row)) for row in rows]


def _decoded(data: bytes) -> str:
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadInput("This is a binary file; save the table as CSV.")
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadInput("This table is not in UTF-8; save it as CSV in UTF-8.") from error
    if text.lstrip()[:200].lower().startswith(("<!doctype", "<html", "<?xml")):
        raise BadInput("This is a web page, not a table; save the table itself as CSV.")
    return text


def _in_order(rows: Sequence[Sequence[str]], structure: Structure) -> list[int | None]:
    if len(rows) != len(structure):
        raise BadInput(
            f"This table has {len(rows):,} rows and the structure {len(structure):,} residues: add a column named "
            '"residue" with residue numbers, or give one row for each residue.'
        )
    return list(range(len(rows)))


def _by_number(rows: Sequence[Sequence[str]], number: int, chain: int | None, structure: Structure) -> list[int | None]:
    """The residue of each row, None where the structure lacks it."""
    chains = list(dict.fromkeys(str(name) for name in structure.chains))
    if chain is None and len(chains) > 1:
        raise BadInput(
            f"The structure has {len(chains)} chains ({', '.join(chains[:6])}): add a column named "
            '"chain" that says which one each row means.'
        )
    index = {
        (str(structure.chains[row]), f"{structure.numbers[row]}{structure.insertions[row]}"): row
        for row in range(len(structure))
    }
    found: list[int | None] = []
    seen: dict[int, int] = {}
    for line, row in enumerate(rows, start=2):
        name = _residue_number(row[number], line)
        place = index.get((chains[0] if chain is None else row[chain].strip(), name))
        if place is not None and place in seen:
            raise BadInput(f"Rows {seen[place]} and {line} of this table are of the same residue ({name}).")
        if place is not None:
            seen[place] = line
        found.append(place)
    if not seen:
        raise BadInput("None of the residues in this table is in the structure: compare chain names and numbers.")
    return found


def _residue_number(text: str, line: int) -> str:
    match = re.fullmatch(r"([+-]?\d{1,7})(?:\.0+)?([A-Za-z]?)", text.strip())
    if not match:
        raise BadInput(f'Row {line} of this table has no residue number, but "{text.strip()[:20]}".')
    return f"{int(match[1])}{match[2].upper()}"


def _column(
    name: str, place: int, rows: Sequence[Sequence[str]], at: Sequence[int | None], length: int
) -> Column | None:
    """The numbers of one column; None where it holds words. A stray word among numbers is said, never dropped."""
    values = np.full(length, np.nan)
    words: list[tuple[int, str]] = []
    count = 0
    for line, (row, residue) in enumerate(zip(rows, at, strict=True), start=2):
        cell = row[place].strip()
        if cell.lower() in NOTHING:
            continue
        number = _number(cell)
        if number is None:
            words.append((line, cell))
            continue
        count += 1
        if residue is not None:
            values[residue] = number
    if words and count > len(words):
        line, word = words[0]
        raise BadInput(f'Column "{_label(name, place)}" has "{word[:20]}" instead of a number in row {line}.')
    if words or not np.isfinite(values).any():
        return None
    label = _label(name, place)
    diverging = bool(np.nanmin(values) < 0 < np.nanmax(values))
    return Column(f"csv-{place}", label, values, meaning=f'Column "{label}" of your table.', diverging=diverging)


def _label(name: str, place: int) -> str:
    clean = " ".join("".join(letter for letter in name if letter.isprintable()).split())
    return clean[:LONGEST_LABEL] or f"Column {place + 1}"


def _number(cell: str) -> float | None:
    text = cell.replace("−", "-")
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e30 else None
