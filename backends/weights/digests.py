"""Know what a file holds by its sha256, and give it its name only when it is whole on the disk."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Generator
from hashlib import sha256
from pathlib import Path

from backends.core.model_card import WeightFile

READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_BLOCK = 8 << 20

_SHORTEST_DIGEST = 8

Steps = Generator[tuple[str, int, int], None, str]
"""Yields (verb, bytes done, bytes in all) and returns a sha256 in hex."""


def hash_file(path: Path) -> Steps:
    """The sha256 of `path`, telling how far it is after each eight mebibytes."""
    digest, done, total = sha256(), 0, path.stat().st_size
    with path.open("rb") as source:
        while block := source.read(_BLOCK):
            digest.update(block)
            done += len(block)
            yield "Checking", done, total
    return digest.hexdigest()


def outcome(steps: Steps) -> str:
    """What `steps` return, for a caller who shows no progress."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return str(end.value)


def matches(digest: str, file: WeightFile) -> bool:
    """Whether content hashing to `digest` is `file`.

    A card may hold only the first digits of a sha256 where no more is published; eight of them tell damage and
    mix-ups, but would not stop someone who sets out to forge a file. Fewer are refused.
    """
    if len(file.sha256) < _SHORTEST_DIGEST:
        raise ValueError(f"{file.name} has no digest to check it by")
    return digest.startswith(file.sha256.lower())


class Digests:
    """The sha256 of files, computed once for each content.

    What was computed is noted beside the file with its size and time of change, and holds as long as both do. The
    note travels with the file when its folder is moved. Without `notes` it is only kept in memory.
    """

    def __init__(self, notes: bool = True) -> None:
        self._notes = notes
        self._known: dict[Path, tuple[int, int, str]] = {}

    def of(self, path: Path) -> str:
        stat = path.stat()
        known = self._known.get(path)
        if known is None or known[:2] != (stat.st_size, stat.st_mtime_ns):
            known = _read_note(path) if self._notes else None
        if known is None or known[:2] != (stat.st_size, stat.st_mtime_ns):
            known = (stat.st_size, stat.st_mtime_ns, outcome(hash_file(path)))
            if self._notes:
                _write_note(path, known)
        self._known[path] = known
        return known[2]

    def settle(self, temporary: Path, path: Path, digest: str) -> None:
        """Rename `temporary`, which hashes to `digest`, such that a power cut leaves either the old file or the new."""
        _sync(temporary)
        temporary.replace(path)
        if os.name == "posix":  # elsewhere a folder cannot be opened
            _sync(path.parent)
        stat = path.stat()
        self._known[path] = (stat.st_size, stat.st_mtime_ns, digest)
        _write_note(path, self._known[path])

    def forget(self, path: Path) -> None:
        self._known.pop(path, None)
        _note(path).unlink(missing_ok=True)


def _note(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256.json")


def _read_note(path: Path) -> tuple[int, int, str] | None:
    try:
        size, changed, digest = json.loads(_note(path).read_text())
        return int(size), int(changed), str(digest)
    except (FileNotFoundError, ValueError, TypeError):  # none yet, or torn by a power cut: hash again
        return None


def _write_note(path: Path, known: tuple[int, int, str]) -> None:
    try:
        _note(path).write_text(json.dumps(known))
    except OSError as error:  # a shared cache may be read-only; then each process hashes once for itself
        if error.errno not in READ_ONLY:
            raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)  # Windows flushes only what it may write
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
