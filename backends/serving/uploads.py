"""The files that clients sent: kept while a job may want them, refused when they are addresses to fetch from."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from backends.core.errors import BadInput

log = logging.getLogger(__name__)


UNUSED_BYTES = 16 * 1024**3
"""Uploads that no job has asked for yet may take so much of the disk together; beyond that the oldest go."""

FRESH_SECONDS = 120.0
"""An upload is younger than this while its job is on the way."""


class Uploads:
    """The uploads of one server. Safe to use from several threads.

    Gradio stores an upload under the hash of its content, so that two clients who send the same file share one copy:
    it may go only when each of them has had its job. `waiting` names the files of the jobs in the queue; an upload
    that no job has asked for goes after `keep` seconds.
    """

    def __init__(self, root: Path, waiting: Callable[[], Iterable[str]] = tuple, keep: float = 3600) -> None:
        self.root = root.resolve()
        self.waiting = waiting
        self.keep = keep
        self._sent: Counter[Path] = Counter()
        self._used: Counter[Path] = Counter()
        self._lock = threading.Lock()

    def update(self, paths: Iterable[str]) -> None:
        """Gradio tells here, as if to a set, what has just been uploaded."""
        with self._lock:
            self._sent.update(Path(path).resolve() for path in paths)
            self._make_room()

    def holds(self, file: Path) -> bool:
        return file.is_file() and file.resolve().is_relative_to(self.root)

    @contextmanager
    def used(self, files: Mapping[str, Path]) -> Generator[None, None, None]:
        """One job's hold on its files. At the end those that nobody else sent or waits for are deleted.

        A file that was written since is somebody's next upload, of which Gradio tells only a moment later.
        """
        began = time.time()
        mine = Counter(path for file in files.values() if (path := file.resolve()).is_relative_to(self.root))
        with self._lock:
            self._used.update(mine)
        try:
            yield
        finally:
            with self._lock:
                self._used -= mine
                self._sent.subtract(mine)
                wanted = self._in_use()
                for path in mine:
                    if self._sent[path] <= 0 and path not in wanted and _changed(path) < began:
                        self._delete(path)

    def sweep(self) -> None:
        """Delete what was sent long ago and never became a job, or was cut off on its way here."""
        oldest = time.time() - self.keep
        with self._lock:
            wanted = self._in_use()
            for path in sorted(self.root.rglob("*"), reverse=True):  # A folder after what it holds.
                if path in wanted or _changed(path) > oldest:
                    continue
                if not path.is_dir():
                    self._delete(path)
                elif not any(path.iterdir()):
                    path.rmdir()

    def _make_room(self) -> None:
        """Delete the oldest uploads that no job has asked for, until the rest are within UNUSED_BYTES."""
        wanted, fresh = self._in_use(), time.time() - FRESH_SECONDS
        unused = sorted((_changed(path), path) for path in self._sent if path not in wanted and path.is_file())
        total = sum(path.stat().st_size for _, path in unused)
        for changed, path in unused:
            if total <= UNUSED_BYTES or changed > fresh:
                return
            total -= path.stat().st_size
            self._delete(path)

    def _in_use(self) -> set[Path]:
        queued = {Path(path).resolve() for path in self.waiting()}
        return queued | set(self._used)

    def _delete(self, path: Path) -> None:
        del self._sent[path]
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("an upload cannot be deleted (%s)", error)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # moved to its place, or deleted, since it was listed
        return time.time()


def named_files(data: Any) -> Generator[Mapping[str, Any], None, None]:
    """Every file that the values of a request name, however deep: an object with a `path`, as Gradio has it."""
    stack = [data]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if isinstance(item.get("path"), str):
                yield item
            stack.extend(item.values())
        elif isinstance(item, list | tuple):
            stack.extend(item)


def refuse_addresses(data: Any) -> None:
    """Raise BadInput if a file is to be fetched from the network, which Gradio would do for any client and any size.

    Gradio's own page sends the address of the uploaded copy along, which nobody fetches.
    """
    for file in named_files(data):
        path, url = file["path"], str(file.get("url") or "")
        if _is_address(path) or (_is_address(url) and not unquote(url).endswith(f"/gradio_api/file={path}")):
            raise BadInput("This server does not fetch files from web addresses; upload the file itself.")


def _is_address(text: str) -> bool:
    return text.strip().lower().startswith(("http:", "https:"))
