"""Anyone's table from a file: comma, semicolon or tab, decimal point or decimal comma, in the encodings of offices."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.core.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

MAX_BYTES = 2_000_000_000
ENDINGS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet")
HEAD_BYTES = 1 << 16
DELIMITERS = ",;\t|"

_QUOTED = re.compile(r'"[^"]*"')
_POINT, _COMMA = re.compile(r"-?\d+\.\d+"), re.compile(r"-?\d+,\d+")


def read_table(path: Path) -> pd.DataFrame:
    """The rows of a file, by its ending. Raises BadInput."""
    import pandas as pd

    if not path.is_file():
        raise BadInput(f"There is no file {path}.")
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise BadInput(f"{path.name} is none of {', '.join(ENDINGS[:-1])} and {ENDINGS[-1]}.")
    if path.stat().st_size > MAX_BYTES:
        raise BadInput(f"{path.name} is larger than {MAX_BYTES / 1e9:.0f} GB.")
    if not path.stat().st_size:
        raise BadInput(f"{path.name} is empty.")
    try:
        if ending == ".parquet":
            return pd.read_parquet(path)
        if ending in (".json", ".jsonl"):
            return pd.read_json(path, lines=ending == ".jsonl")
        return pd.read_csv(path, **_dialect(path))
    except (ValueError, OSError) as error:
        raise BadInput(
            f"{path.name} cannot be read as a table: it may be damaged, or not what its ending says."
        ) from error


def _dialect(path: Path) -> dict[str, Any]:
    """How a text file separates columns, writes fractions and encodes letters, told by its first lines.

    Spreadsheets of half the world write `1,5;2,5`, because the comma is taken.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    encoding = _encoding(head)
    lines = _QUOTED.sub("", codecs.getincrementaldecoder(encoding)("strict").decode(head)).splitlines()
    first = lines[0] if lines else ""
    delimiter = max(DELIMITERS, key=first.count) if any(mark in first for mark in DELIMITERS) else ","
    fields = [field.strip() for line in lines[1:-1] or lines[1:] for field in line.split(delimiter)]
    commas = delimiter != "," and any(map(_COMMA.fullmatch, fields)) and not any(map(_POINT.fullmatch, fields))
    return {"sep": delimiter, "encoding": encoding, "decimal": "," if commas else "."}


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8-sig")("strict").decode(head)  # the last letter may be cut in two
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"
