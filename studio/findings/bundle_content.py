"""Whether a file is what its ending says, by its first bytes; text and JSON are read whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from backends.core.errors import BadInput

SIGNATURES: Mapping[str, tuple[tuple[int, bytes], ...]] = {
    ".wav": ((0, b"RIFF"), (0, b"RF64")),
    ".flac": ((0, b"fLaC"),),
    ".ogg": ((0, b"OggS"),),
    ".tile": ((0, b"FTIL"),),
    ".png": ((0, b"\x89PNG\r\n\x1a\n"),),
    ".jpg": ((0, b"\xff\xd8\xff"),),
    ".webp": ((8, b"WEBP"),),
    ".gif": ((0, b"GIF8"),),
    ".mp4": ((4, b"ftyp"),),
    ".mov": ((4, b"ftyp"), (4, b"moov"), (4, b"wide"), (4, b"mdat"), (4, b"free")),
    ".mkv": ((0, b"\x1aE\xdf\xa3"),),
    ".webm": ((0, b"\x1aE\xdf\xa3"),),
    ".npz": ((0, b"PK"),),
    ".zip": ((0, b"PK"),),
}
"""Where in a file which bytes stand; one of them has to."""

TEXTS = (".cif", ".pdb", ".csv", ".txt")
MAX_TEXT = 256_000_000


def check_content(path: Path) -> None:
    """Raises BadInput for a file that is not of the kind that its ending says."""
    wanted = SIGNATURES.get(path.suffix)
    with path.open("rb") as file:
        head = file.read(64)
    fits = wanted is None or any(head[at : at + len(sign)] == sign for at, sign in wanted)
    if fits and path.suffix in (*TEXTS, ".json"):
        fits = _is_text(path)
    if not fits:
        raise BadInput(f"A file in this bundle is no {path.suffix[1:].upper()}, although it is called one.")


def _is_text(path: Path) -> bool:
    if path.stat().st_size > MAX_TEXT:
        return False
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if path.suffix == ".json":
            json.loads(text)
    except (ValueError, RecursionError):
        return False
    return "\x00" not in text
