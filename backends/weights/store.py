"""Find, fetch, check and import the weights that cards name."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

from filelock import FileLock, Timeout

from backends.core.engine import Progress
from backends.core.errors import BadInput, DownloadFailed, UserError, WeightsBroken, WeightsMissing
from backends.core.model_card import Archive, ModelCard, WeightFile
from backends.weights.archives import Archives, convert_member, take_member
from backends.weights.digests import READ_ONLY, Digests, Steps, hash_file, matches, outcome
from backends.weights.download import REPORT_SECONDS, Patience, discard, download, size_text
from backends.weights.importer import files_to_import
from backends.weights.locations import STARTERS, default_root, is_offline, origin_of

State = Literal["builtin", "present", "partial", "broken", "absent"]
"""Of a card: nothing to fetch; all files verified; some bytes here; a file is here but not the published one; none."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_ROOM_TO_BREATHE = 64 << 20

_Step = Generator[tuple[str, int, int], None, None]
"""Yields (verb, bytes done, bytes in all) of one file."""


class WeightStore:
    """The weights on this machine: `root/CARD/FILE`, and nothing that was not checked under that name.

    The folder can be moved or copied elsewhere as a whole, and several processes may share it. A file is hashed when
    it arrives, and again only when its size or time of change is another than then.

    Starters are the exception: their files ship with the project in `STARTERS`, are checked there, and never fetched,
    imported or removed.
    """

    def __init__(self, root: Path | None = None, offline: bool | None = None, patience: Patience | None = None) -> None:
        self.root = root or default_root()
        self.offline = is_offline() if offline is None else offline
        self.patience = patience or Patience()
        self._digests, self._shipped = Digests(), Digests(notes=False)
        self.archives = Archives(self.root / ".archives", self._digests)

    def path(self, card: ModelCard, file: WeightFile) -> Path:
        """Where `file` lies once it is here. Names come from cards, which are code; they are held to one folder."""
        folders = (file.path,) if card.tier == "starter" and file.path else ()
        for name in (card.id, file.name, *folders):
            if not _PLAIN_NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot name weights")
        return STARTERS / file.path / file.name if card.tier == "starter" else self.root / card.id / file.name

    def state(self, card: ModelCard) -> State:
        """Where `card` stands. Cheap, except just after a file appeared or changed: then that file is hashed once."""
        if not card.files:
            return "builtin"
        found = [self._condition(card, file) for file in card.files]
        if "broken" in found:
            return "broken"
        if set(found) == {"present"}:
            return "present"
        return "absent" if set(found) == {"absent"} else "partial"

    def paths(self, card: ModelCard) -> tuple[Path, ...]:
        """The verified files of `card`, in its own order.

        Raises:
            WeightsMissing: with a sentence that says how to get them.
            WeightsBroken: a file is there but is not the published one, or a starter's is not as it ships.
        """
        for file in card.files:
            if card.tier == "starter" and not self._here(card, file):
                raise WeightsBroken(_not_as_shipped(card))
            if self._condition(card, file) == "broken":
                raise WeightsBroken(
                    f"The file {file.name} of “{card.title}” is damaged, unreadable or not the published one; "
                    f"fetch it again with the page's download button or `python -m backends fetch {card.id}`."
                )
        if missing := self.missing(card):
            names = " and ".join(file.name for file in missing)
            raise WeightsMissing(
                f"The weights of “{card.title}” are not on this machine yet: use the page's download button or "
                f"`python -m backends fetch {card.id}`{_size_note(missing)}, or import {names} if you have it."
            )
        return tuple(self.path(card, file) for file in card.files)

    def missing(self, card: ModelCard) -> tuple[WeightFile, ...]:
        """The files of `card` that are still to be fetched, whole or in part."""
        return tuple(file for file in card.files if self._condition(card, file) != "present")

    def fetch(self, card: ModelCard, keep_archives: bool = False) -> Generator[Progress, None, None]:
        """Download what `card` lacks, check it, and put it in place. Closing the generator keeps what has arrived.

        Counts are bytes of the whole card, under the stages "Downloading TITLE" and "Checking TITLE". An archive is
        removed once its members are here, unless the caller keeps it for other cards.

        Raises:
            DownloadFailed: with one sentence; the next call goes on where this one stopped.
            WeightsBroken: all bytes came but are not the published ones; they are thrown away.
        """
        here = {file.name: self.path(card, file).stat().st_size for file in card.files if self._here(card, file)}
        if card.tier == "starter" and len(here) < len(card.files):
            raise DownloadFailed(_not_as_shipped(card))
        lacking = [file for file in card.files if file.name not in here]
        if lacking:
            self._prepare(card)
        parcels = [(file.bytes, self._bring(card, file)) for file in lacking if not file.archive]
        parcels += [(each.bytes, self._bring_archive(card, each, keep_archives)) for each in _archives_of(lacking)]
        before = sum(here.values())
        total = before + sum(size for size, _ in parcels)
        yield Progress(f"Downloading {card.title}", before, total, "bytes")
        for stated, steps in parcels:
            size = stated
            try:
                for verb, done, known in steps:
                    size = max(size, known, done)
                    yield Progress(f"{verb} {card.title}", before + done, total + size - stated, "bytes")
            except OSError as error:
                raise DownloadFailed(self._disk_sentence(error)) from error
            before, total = before + size, total + size - stated

    def import_files(self, card: ModelCard, source: Path | Iterable[Path]) -> tuple[Path, ...]:
        """Copy local files of `card` into the store, recognised by their content whatever their names.

        `source` is a file, several, or a folder that holds them. A bag of files may come one by one.

        Raises:
            BadInput: nothing there to read, or a file that is none of the card's.
        """
        if card.tier == "starter":
            raise BadInput(f"“{card.title}” comes with Fourfold and takes no other files.")
        imported = []
        for given in files_to_import(card, source):
            try:
                digest = outcome(hash_file(given))
            except OSError as error:
                raise BadInput(f"“{given.name}” cannot be read ({error.strerror}).") from error
            try:
                imported += self._import_file(card, given, digest)
            except OSError as error:
                raise BadInput(self._disk_sentence(error)) from error
        return tuple(imported)

    def _import_file(self, card: ModelCard, given: Path, digest: str) -> list[Path]:
        """What `given`, which hashes to `digest`, holds of `card`: a file, one before its conversion, or an archive."""
        for file in card.files:
            if matches(digest, file):
                return [self._take(card, file, given, digest)]
            if file.member_sha256 == digest:
                outcome(self._store(card, file, partial(convert_member, given)))
                return [self.path(card, file)]
        for archive in card.archives:
            if archive.sha256 == digest:
                files = [file for file in card.files if file.archive == archive]
                for file in files:
                    outcome(self._store(card, file, partial(take_member, given)))
                return [self.path(card, file) for file in files]
        raise BadInput(
            f"“{given.name}” is not one of the published files of “{card.title}” "
            f"({', '.join([*(file.name for file in card.files), *(each.file for each in card.archives)])}), "
            "or it is damaged."
        )

    def remove(self, card: ModelCard) -> None:
        """Delete the weights of `card` and any part of them.

        Raises:
            UserError: they are being fetched right now, or the folder cannot be written.
        """
        if card.tier == "starter":
            raise UserError(f"“{card.title}” comes with Fourfold, so it cannot be removed.")
        folder = self.root / card.id
        if not card.files or not folder.is_dir():
            return
        try:
            for file in card.files:
                with self._lock(card, file).acquire(timeout=0):
                    path = self.path(card, file)
                    path.unlink(missing_ok=True)
                    discard(_part(path))
                    self._digests.forget(path)
            if not any(folder.iterdir()):
                folder.rmdir()
        except Timeout as error:
            raise UserError(f"“{card.title}” is being downloaded right now; cancel that first.") from error
        except OSError as error:
            raise UserError(self._disk_sentence(error)) from error

    def _condition(self, card: ModelCard, file: WeightFile) -> State:
        """Of one file, never "builtin"."""
        path = self.path(card, file)
        if not path.is_file():
            return "partial" if _part(path).exists() else "absent"
        if file.bytes and path.stat().st_size != file.bytes:
            return "broken"
        try:
            digests = self._shipped if card.tier == "starter" else self._digests
            return "present" if matches(digests.of(path), file) else "broken"
        except PermissionError:
            return "broken"

    def _here(self, card: ModelCard, file: WeightFile) -> bool:
        return self._condition(card, file) == "present"

    def _prepare(self, card: ModelCard) -> None:
        """What must hold before the first byte is asked for: the network allowed, a folder, and room in it."""
        if self.offline:
            raise DownloadFailed(
                "Downloads are switched off on this machine (FOURFOLD_OFFLINE or HF_HUB_OFFLINE); "
                "switch them on, or import the file."
            )
        try:
            (self.root / card.id).mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.root).free
        except OSError as error:
            raise DownloadFailed(self._disk_sentence(error)) from error
        lacking = self.missing(card)
        needed = sum(file.bytes - _size(_part(self.path(card, file))) for file in lacking)
        needed += sum(2 * archive.bytes - self.archives.begun(archive) for archive in _archives_of(lacking))
        if needed + _ROOM_TO_BREATHE > free:
            raise DownloadFailed(
                f"“{card.title}” needs {size_text(needed)} more on the disk of {self.root}, where {size_text(free)} "
                "are free; make room, or set FOURFOLD_WEIGHTS to a folder on another disk."
            )

    def _bring(self, card: ModelCard, file: WeightFile) -> _Step:
        """One file, from wherever it stands to checked and in place, while no other process does the same."""
        path = self.path(card, file)
        lock = self._lock(card, file)
        yield from _await(lock, lambda: (_size(_part(path)), file.bytes))
        try:
            if self._here(card, file):  # another process was faster
                yield "Downloading", path.stat().st_size, path.stat().st_size
                return
            digest = yield from self._download(file, _part(path))
            self._digests.settle(_part(path), path, digest)
            discard(_part(path))
        finally:
            lock.release()

    def _bring_archive(self, card: ModelCard, archive: Archive, keep: bool) -> _Step:
        """All files of `card` that come in `archive`, while no other process does anything with it."""
        lock = self._lock_named(archive.file)
        yield from _await(lock, lambda: (self.archives.begun(archive), archive.bytes))
        try:
            files = [file for file in self.missing(card) if file.archive == archive]
            if files:
                yield from self.archives.bring(archive)
            else:  # another process was faster
                yield "Downloading", archive.bytes, archive.bytes
            for file in files:
                for _ in self._store(card, file, partial(take_member, self.archives.path(archive))):
                    yield "Checking", archive.bytes, archive.bytes
            if not keep:
                self.archives.discard(archive)
        finally:
            lock.release()

    def _store(self, card: ModelCard, file: WeightFile, make: Callable[[WeightFile, Path], Steps]) -> Steps:
        """Put into place what `make` writes for `file`, unless it is not as published."""
        path = self.path(card, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            digest = yield from make(file, _part(path))
            if not matches(digest, file):
                raise WeightsBroken(f"“{file.name}” is not as it was published, so it was not taken.")
            self._digests.settle(_part(path), path, digest)
        finally:
            discard(_part(path))
        return digest

    def _download(self, file: WeightFile, part: Path) -> Generator[tuple[str, int, int], None, str]:
        """Make `part` whole and sound; a copy that was begun in an earlier run gets a second chance from zero."""
        while True:
            begun_before = part.exists()
            for done, total in download(origin_of(file), part, self.patience):
                yield "Downloading", done, total
            digest = yield from hash_file(part)
            if matches(digest, file):
                return digest
            discard(part)
            if not begun_before:
                raise WeightsBroken(
                    f"What {origin_of(file).host} sent is not the published {file.name} (its checksum differs), "
                    "so it was deleted; try again later or import the file from a source you trust."
                )

    def _take(self, card: ModelCard, file: WeightFile, given: Path, digest: str) -> Path:
        path = self.path(card, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.samefile(given):
            return path
        with NamedTemporaryFile(dir=path.parent, prefix=".import-", delete=False) as unnamed:
            temporary = Path(unnamed.name)
        try:
            shutil.copyfile(given, temporary)
            if outcome(hash_file(temporary)) != digest:
                raise BadInput(f"“{given.name}” changed while it was being imported; please try again.")
            self._digests.settle(temporary, path, digest)
        finally:
            temporary.unlink(missing_ok=True)
        with suppress(Timeout), self._lock(card, file).acquire(timeout=0):  # held: its holder still writes the part
            discard(_part(path))
        return path

    def _lock(self, card: ModelCard, file: WeightFile) -> FileLock:
        return self._lock_named(f"{card.id}--{file.name}")

    def _lock_named(self, name: str) -> FileLock:
        folder = self.root / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        # A generator may be resumed by another thread each time, so the lock must not belong to one.
        return FileLock(folder / f"{name}.lock", thread_local=False)

    def _disk_sentence(self, error: OSError) -> str:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return f"The disk of {self.root} is full; make room, or set FOURFOLD_WEIGHTS to a folder on another disk."
        if error.errno in READ_ONLY:
            return f"Fourfold may not write into {self.root}; set FOURFOLD_WEIGHTS to a folder where it may."
        return f"The folder {self.root} cannot be used ({error.strerror or error}); set FOURFOLD_WEIGHTS to another."


def _not_as_shipped(card: ModelCard) -> str:
    return f"The files of “{card.title}” are not as they ship with Fourfold; put backends/starters back as it was."


def _await(lock: FileLock, progress: Callable[[], tuple[int, int]]) -> _Step:
    """Get the lock, telling meanwhile how far the process that has it is: (bytes here, bytes in all)."""
    while True:
        try:
            lock.acquire(timeout=REPORT_SECONDS)
            return
        except Timeout:
            yield "Downloading", *progress()


def _archives_of(files: Iterable[WeightFile]) -> tuple[Archive, ...]:
    return tuple(dict.fromkeys(file.archive for file in files if file.archive))


def _size_note(files: Iterable[WeightFile]) -> str:
    size = sum(file.bytes for file in files)
    return f" ({size_text(size)})" if size else ""


def _size(path: Path) -> int:
    """0 where there is no file; one look, since the process that writes it may rename it at any moment."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")
