"""The temporary folder of a running backend or studio, and the clearing away of those whose process was killed."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

PREFIX = "fourfold-backend-"
LOCK = "in-use.lock"
"""Held while the backend lives. The system lets go of it however the process ends, and unlike a process id in a file
it cannot be mistaken for a later process, nor for one in another container that shares the folder."""

DAY = 24 * 3600


class WorkDir:
    """A temporary folder of our own. Its name is known before there is anything to remove."""

    def __init__(self, prefix: str = PREFIX) -> None:
        self.prefix = prefix
        self.path = Path(tempfile.gettempdir()) / f"{prefix}{secrets.token_hex(8)}"
        self._lock = FileLock(self.path / LOCK)

    def make(self) -> None:
        """Make and occupy the folder, once those of the dead are gone."""
        clear_stale(self.prefix)
        self.path.mkdir(mode=0o700)
        self._lock.acquire(timeout=0)

    def remove(self) -> None:
        remove(self.path)


def clear_stale(prefix: str = PREFIX) -> None:
    """Delete the folders of backends, or whoever has this prefix, that died without doing so."""
    for root in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        if not _is_ours(root):
            continue
        if not (root / LOCK).exists():  # just being made, or by something that left no lock
            if time.time() - root.stat().st_mtime > DAY:
                remove(root)
            continue
        try:
            with FileLock(root / LOCK, timeout=0):
                remove(root)
        except Timeout:
            log.debug("%s is in use", root)
        except OSError as error:
            log.warning("%s is left over and cannot be deleted (%s)", root, error)


def remove(root: Path, seconds: float = 2.0) -> None:
    """Delete a folder in which the last step of a job may still be writing."""
    end = time.monotonic() + seconds
    while True:
        shutil.rmtree(root, ignore_errors=True)
        if not root.exists():
            return
        if time.monotonic() > end:
            log.warning("%s could not be deleted", root)
            return
        time.sleep(0.05)


def _is_ours(root: Path) -> bool:
    """A real folder of this user: others may put what they like into a shared folder for temporary files."""
    try:
        found = root.lstat()
    except FileNotFoundError:  # another backend was faster
        return False
    own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return own and root.is_dir() and not root.is_symlink()
