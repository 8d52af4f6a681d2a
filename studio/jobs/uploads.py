"""Copies of uploads on disk, with their digests."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import IO

BLOCK_BYTES = 1 << 20


def copy_upload(source: IO[bytes] | Path, target: Path) -> tuple[str, int]:
    """Copy an open upload or a file in blocks; returns its sha256 in hex and its size in bytes."""
    if isinstance(source, Path):
        shutil.copyfile(source, target)
        with target.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), target.stat().st_size
    digest, size = hashlib.sha256(), 0
    source.seek(0)
    with target.open("wb") as file:
        while block := source.read(BLOCK_BYTES):
            digest.update(block)
            size += len(block)
            file.write(block)
    return digest.hexdigest(), size
