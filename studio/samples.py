"""Sample inputs that the project makes itself, once, into the user's data folder; their truth is known."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from studio.library import home

VERSION = 1
"""Raise it when the sample song changes, so that an older copy is not taken for it."""

_lock = threading.Lock()


@dataclass(frozen=True)
class Sample:
    """A mix and the true stems that add up to it."""

    title: str
    mix: Path
    stems: dict[str, Path]
    sha256: str


@cache
def song() -> Sample:
    """The sample song; made in a few seconds the first time, found again later."""
    from evaluation.synthetic.song import STEMS, write_sample

    folder = home() / "samples" / f"song-{VERSION}"
    with _lock:
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            # Written beside and renamed: a start that is cut short leaves no half sample behind.
            with tempfile.TemporaryDirectory(dir=folder.parent) as making:
                made = Path(making) / "song"
                write_sample(made)
                made.rename(folder)
    mix = folder / "mix.flac"
    with mix.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Sample("Sample song", mix, {name: folder / f"{name}.flac" for name in STEMS}, digest)
