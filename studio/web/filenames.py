"""Names of exported files: readable, with the model in them, and accepted by every file system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath

from studio.library.models import Run

LONGEST = 80
SOUND_SUFFIXES = {".wav", ".mp3", ".flac", ".m4a", ".aac", ".ogg", ".opus", ".mp4", ".mov", ".mkv", ".webm", ".wma"}
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def clean(text: str) -> str:
    """`text` without what Windows, macOS or Linux refuse in a file name, and not longer than fits."""
    plain = unicodedata.normalize("NFC", text)
    plain = "".join(" " if not letter.isprintable() or letter in '<>:"/\\|?*' else letter for letter in plain)
    plain = " ".join(plain.split())
    while len(plain.encode()) > LONGEST:
        plain = plain[:-1]
    plain = plain.strip(". ")
    return f"_{plain}" if RESERVED.fullmatch(plain) else plain


def export_name(title: str, stem: str, model: str, suffix: str) -> str:
    """ "<title> - <stem> (<model>).<suffix>", each part cleaned; a title that is a file name loses its ending."""
    path = PurePath(title)
    bare = path.stem if path.suffix.lower() in SOUND_SUFFIXES else title
    return f"{clean(bare) or 'Song'} - {clean(stem) or 'stem'} ({clean(model) or 'model'}){suffix}"


def model_of(run: Run) -> str:
    """What file names say about the model: the id of its card, or of the engine where it has none."""
    return str(run.card.get("id") or run.weights or run.engine)


def unique(names: Sequence[str]) -> list[str]:
    """`names` with a number after each that was there before, also when only the case differs."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        count = seen[name.lower()] = seen.get(name.lower(), 0) + 1
        path = PurePath(name)
        out.append(name if count == 1 else f"{path.stem} {count}{path.suffix}")
    return out
