"""What a confidence file holds: JSON, NPZ, NPY or a table of numbers, compressed or not. Nothing that could run a
program is opened."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.errors import BadInput, TooLarge
from backends.folding.alignment.file_text import COMPRESSED, unpacked

MAX_BYTES = 512 << 20  # a PAE of 5,000 residues in decimals

PICKLE = (
    "This is a Python pickle (.pkl, .pt), which can run programs when it is opened, so it is not: save its "
    "“predicted_aligned_error” as JSON or .npz, or bring the JSON file of the PAE."
)
MAX_LISTS = 100_000
"""More lists and objects than any file of confidence has: one a row of each of its matrices. A file of nothing but
empty lists would become gigabytes in memory."""


def read_content(path: Path) -> Any:
    """Parsed JSON, or the arrays by name. Raises BadInput for other files, and TooLarge over 512 MiB."""
    return _content(_bytes(path))


def _bytes(path: Path) -> bytes:
    """The file, unpacked where it is gzipped."""
    too_large = TooLarge(f"This confidence file is over {MAX_BYTES >> 20} MiB.")
    if path.stat().st_size > MAX_BYTES:
        raise too_large
    data = unpacked(path, path.read_bytes(), MAX_BYTES)
    if len(data) > MAX_BYTES:
        raise too_large
    return data


def _content(data: bytes) -> Any:
    """What a file of JSON, NPZ or NPY holds."""
    if data.startswith((b"PK\x03\x04", b"\x93NUMPY")):
        return _arrays(data)
    if data[:1] == b"\x80":
        raise BadInput(PICKLE)
    if not data.strip():
        raise BadInput("This confidence file is empty: fetch it again.")
    if data.startswith(COMPRESSED):
        raise BadInput("This confidence file is compressed: unpack it first, then choose what was inside.")
    if (table := _table(data)) is not None:
        return {"pae": table}
    if data.count(b"[") + data.count(b"{") > MAX_LISTS:
        raise BadInput("This file holds no confidence: neither a PAE matrix nor pLDDT.")
    try:
        return json.loads(data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadInput(
            "The confidence file is not JSON or NPZ, or is cut off; it may be a web page: fetch it again."
        ) from error


def _table(data: bytes) -> list[list[float]] | None:
    """A square of numbers with commas, tabs or blanks between, as spreadsheets write it; None for other text."""
    if not re.match(rb"\s*\d+(\.\d*)?([eE][-+]?\d+)?[,;\t ]", data[:100]):
        return None
    try:
        rows = [[float(cell) for cell in re.split(rb"[,;\t ]+", line.strip())] for line in data.splitlines() if line]
    except ValueError:
        return None
    return rows if all(len(row) == len(rows) for row in rows) else None


def _arrays(data: bytes) -> dict[str, Any]:
    """The arrays of an NPZ, or the one of an NPY as “pae”; nothing that is pickled."""
    try:
        if data.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(data)) as bundle:
                if sum(item.file_size for item in bundle.infolist()) > MAX_BYTES:
                    raise TooLarge(f"This confidence file is over {MAX_BYTES >> 20} MiB when it is unpacked.")
                if any(item.filename.endswith("data.pkl") for item in bundle.infolist()):
                    raise BadInput(PICKLE)
                if not any(item.filename.endswith(".npy") for item in bundle.infolist()):
                    raise BadInput("This is a ZIP of several files: unpack it, and bring the file of the PAE alone.")
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                content = {name: arrays[name] for name in arrays.files}
        else:
            content = {"pae": np.load(io.BytesIO(data), allow_pickle=False)}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInput(
            "This file of arrays is damaged, or holds something else than numbers: fetch it again."
        ) from error
    return {name: value.tolist() if value.size <= 1 else value for name, value in content.items()}
