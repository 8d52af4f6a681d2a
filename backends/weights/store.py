"""Find, fetch, check and import the weights that cards name."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile

from filelock import FileLock, Timeout

from backends.core.engine import Progress
from backends.core.errors import BadInput, DownloadFailed, UserError, WeightsBroken
from backends.core.model_card import Archive, ModelCard, WeightFile
from backends.weights.archives import Archives, convert_member, take_member
from backends.weights.digests import hash_file, matches, outcome
from backends.weights.download import REPORT_SECONDS, Patience, discard, download, size_text
from backends.weights.importer import files_to_import
from backends.weights.locations import default_root, is_offline, origin_of
from backends.weights.shelf import Shelf, not_as_shipped, part_of

_ROOM_TO_BREATHE = 64 << 20

_Step = Generator[tuple[str, int, int], None, None]
"""Yields (verb, bytes done, bytes in all) of one file."""


class WeightStore(Shelf):
    """A shelf that fetches and imports what lacks on it, and removes what is not wanted any more."""

    def __init__(self, root: Path | None = None, offline: bool | None = None, patience: Patience | None = None) -> None:
        super().__init__(root or default_root())
        self.offline = is_offline() if offline is None else offline
        self.patience = patience or Patience()
        self.archives = Archives(self.root / ".archives", self._digests)

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
            raise DownloadFailed(not_as_shipped(card))
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
                    discard(part_of(path))
                    self._digests.forget(path)
            if not any(folder.iterdir()):
                folder.rmdir()
        except Timeout as error:
            raise UserError(f"“{card.title}” is being downloaded right now; cancel that first.") from error
        except OSError as error:
            raise UserError(self._disk_sentence(error)) from error

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
        needed = sum(file.bytes - _size(part_of(self.path(card, file))) for file in lacking)
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
        yield from _await(lock, lambda: (_size(part_of(path)), file.bytes))
        try:
            if self._here(card, file):  # another process was faster
                yield "Downloading", path.stat().st_size, path.stat().st_size
                return
            digest = yield from self._download(file, part_of(path))
            self._digests.settle(part_of(path), path, digest)
            discard(part_of(path))
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
            discard(part_of(path))
        return path


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


def _size(path: Path) -> int:
    """0 where there is no file; one look, since the process that writes it may rename it at any moment."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
