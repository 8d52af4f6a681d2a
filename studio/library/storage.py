"""The storage folder: the files of each run under `<root>/<run id>/`, on any file system that fsspec knows.

Names come from `models.safe_file` only; nothing here is built from what a user typed.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from studio.library.models import FileGone, LibraryError, check_run_id, safe_file

SETTLED = 3600.0
"""A file without a row is a leftover only after this many seconds; before, its row may just not be there yet."""

PRIVATE = 0o700
"""The mode of new folders: results are their owner's, not every user's of this machine."""

STORE_CLIENTS = ("botocore", "aiobotocore", "aiohttp", "gcsfs", "google", "azure", "adlfs")
"""Packages of object stores' clients, whose errors are no OSError when a store is away or knows no credentials."""

CACHE_SECONDS = 7 * 24 * 3600.0


class Storage:
    """Reads, writes and removes the files of runs; every failure becomes a LibraryError with a sentence."""

    def __init__(self, place: str, cache: Path) -> None:
        address = place if "://" in place else str(Path(place).expanduser())
        try:
            # A client that remembers what it listed would take files that another studio wrote since for lost.
            self.fs, self.root = fsspec.core.url_to_fs(address, use_listings_cache=False)
        except (ValueError, ImportError) as error:
            raise LibraryError(
                f"FOURFOLD_STORAGE names a kind of storage that cannot be opened here ({error})."
            ) from error
        self.is_local = isinstance(self.fs, LocalFileSystem)
        self.cache = cache
        with self._errors_as_sentences():
            try:
                if self.is_local:
                    Path(self.root).mkdir(parents=True, exist_ok=True, mode=PRIVATE)
                else:
                    self.fs.makedirs(self.root, exist_ok=True)
            except FileNotFoundError as error:  # of the storage itself, where later ones are of a file in it
                raise LibraryError(self._sentence(error)) from error

    def write(self, run_id: str, file: str, source: Path | bytes, move: bool) -> int:
        """Store `source` as `file` and return its size. On a local disk the name appears only with the whole file."""
        target = self._path(run_id, file)
        with self._errors_as_sentences():
            self.fs.makedirs(self._path(run_id), exist_ok=True)
            if self.is_local:
                _write_local(Path(target), source, move)
            elif isinstance(source, bytes):
                self.fs.pipe_file(target, source)
            else:
                self.fs.put_file(str(source), target)
                if move:
                    source.unlink()
            return int(self.fs.size(target))

    def remove(self, run_id: str, file: str) -> None:
        with self._errors_as_sentences(), suppress(FileNotFoundError):
            self.fs.rm_file(self._path(run_id, file))

    def erase(self, run_id: str) -> None:
        """Remove the folder of a run with all in it, and its cached copies."""
        with self._errors_as_sentences(), suppress(FileNotFoundError):
            self.fs.rm(self._path(run_id), recursive=True)
        if (self.cache / check_run_id(run_id)).exists():
            shutil.rmtree(self.cache / run_id)

    def open(self, run_id: str, file: str) -> IO[bytes]:
        with self._errors_as_sentences():
            return self.fs.open(self._path(run_id, file), "rb")

    def local(self, run_id: str, file: str) -> Path:
        """A path on this machine: the file itself where the storage is local, else a copy kept in the cache."""
        if self.is_local:
            path = Path(self._path(run_id, file))
            if not path.is_file():
                raise FileGone
            return path
        copy = self.cache / check_run_id(run_id) / file
        with self._errors_as_sentences():
            if not copy.is_file():
                copy.parent.mkdir(parents=True, exist_ok=True)
                part = copy.with_name(safe_file("fetching", ".part"))
                self.fs.get_file(self._path(run_id, file), str(part))
                part.replace(copy)
            os.utime(copy)
        return copy

    def runs(self) -> set[str]:
        """The names of the folders there are."""
        with self._errors_as_sentences():
            try:
                entries = self.fs.ls(self.root, detail=True)
            except FileNotFoundError:  # a prefix of an object store exists only once something lies under it
                return set()
        return {Path(entry["name"]).name for entry in entries if entry["type"] == "directory"}

    def files(self, run_id: str) -> set[str] | None:
        """The names in the folder of a run; None where there is no such folder."""
        with self._errors_as_sentences():
            try:
                return {Path(path).name for path in self.fs.ls(self._path(run_id), detail=False)}
            except FileNotFoundError:
                return None

    def size(self, run_id: str, file: str) -> int:
        """Bytes of a file."""
        with self._errors_as_sentences():
            return int(self.fs.size(self._path(run_id, file)))

    def settled(self, run_id: str, file: str) -> bool:
        """Whether a file has not changed for a while."""
        with self._errors_as_sentences():
            return time.time() - self.fs.modified(self._path(run_id, file)).timestamp() > SETTLED

    def trim_cache(self) -> None:
        """Drop cached copies that nobody asked for in a week."""
        for copy in self.cache.glob("*/*"):
            if time.time() - copy.stat().st_mtime > CACHE_SECONDS:
                copy.unlink(missing_ok=True)

    def free(self) -> int | None:
        """Bytes left, where the file system can tell."""
        return shutil.disk_usage(self.root).free if self.is_local else None

    def _path(self, run_id: str, file: str = "") -> str:
        folder = f"{self.root.rstrip('/')}/{check_run_id(run_id)}"
        return f"{folder}/{file}" if file else folder

    @contextmanager
    def _errors_as_sentences(self) -> Iterator[None]:
        """Turn what a file system raises into a sentence."""
        try:
            yield
        except FileNotFoundError as error:
            raise FileGone from error
        except OSError as error:
            raise LibraryError(self._sentence(error)) from error
        except Exception as error:
            if self.is_local or type(error).__module__.partition(".")[0] not in STORE_CLIENTS:
                raise
            where = f"the storage “{self.root}”"
            raise LibraryError(
                f"Fourfold cannot use {where} ({error}): check that it is there and reachable, and the credentials."
            ) from error

    def _sentence(self, error: OSError) -> str:
        where = f"the storage folder “{self.root}”"
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return f"The disk is full: delete runs or free some space for {where}, then try again."
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            return f"Fourfold may not write to {where}: change its permissions, or set FOURFOLD_STORAGE to another one."
        if isinstance(error, NotADirectoryError | FileExistsError):
            return f"Something that is not a folder is in the way of {where}: set FOURFOLD_STORAGE to another place."
        return f"Fourfold cannot use {where} ({error.strerror or error}): check that it is there and reachable."


def _write_local(target: Path, source: Path | bytes, move: bool) -> None:
    part = target.with_name(f".{safe_file(target.stem, '.part')}")
    try:
        if isinstance(source, bytes):
            part.write_bytes(source)
        elif move:
            shutil.move(source, part)  # a rename on one disk, a copy between two
        else:
            shutil.copyfile(source, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
