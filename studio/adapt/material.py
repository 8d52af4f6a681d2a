"""The files of a training, written from uploads: names from a browser are never paths."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from backends.core.adapting import Material
from studio.jobs.uploads import copy_upload

DEPTH = 2
"""A file, and the folder that says what it is of."""
MAX_NAME = 100
_STRANGE = re.compile(r"[^\w .()+-]")


Content = IO[bytes] | Path


def write(files: Iterable[tuple[str, Content]], folder: Path, material: Material) -> int:
    """Put the files that are of the right kind, each with its path as a browser tells it, into an empty `folder`.

    Returns how many those were.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    count = 0
    for name, content in files:
        place = place_of(name)
        if place is None or place.suffix.lower() not in material.endings:
            continue
        target = _free(folder / place)
        target.parent.mkdir(exist_ok=True)
        copy_upload(content, target)
        count += 1
    return count


def place_of(name: str) -> Path | None:
    """Where a file chosen with its folder goes: below the chosen folder, one folder deep. None for a hidden one.

    >>> place_of("birds/owl/1.jpg").as_posix(), place_of("../../etc/passwd").as_posix(), place_of("clips/.DS_Store")
    ('owl/1.jpg', 'passwd', None)
    """
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    cleaned = [_STRANGE.sub("_", part).strip()[-MAX_NAME:] for part in parts[1:][-DEPTH:] or parts]
    if not cleaned or any(not part or part.startswith(".") for part in cleaned):
        return None
    return Path(*cleaned)


def _free(path: Path) -> Path:
    """The path, or with a number where two names became one."""
    number = 2
    free = path
    while free.exists():
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free
