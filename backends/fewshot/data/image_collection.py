"""The pictures of a job: one file, a folder, or a zip, opened without trusting any of them.

Nothing is unpacked to the disk and nothing is decoded here: an item is read when it is wanted.
"""

from __future__ import annotations

import logging
import lzma
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path, PurePosixPath

from backends.core.errors import BadInput, TooLarge
from backends.fewshot.data.class_list import printable
from backends.shared.images import FORMATS, looks_like_picture
from backends.shared.zip_names import names_of

log = logging.getLogger(__name__)

MAX_PICTURES = 20_000
MAX_FILES = 60_000
"""Files of any kind in a folder or zip."""

MAX_BYTES = 2 * 1024**3
MAX_BYTES_PER_FILE = 200 * 1024**2
MAX_NAME_LENGTH = 120

JSON_LINES = (".jsonl", ".ndjson")
TABLES = (".csv", ".tsv", *JSON_LINES)
MORE_TABLES = (".json", ".txt")
NOTES = (".xml", ".json", ".txt", ".yaml", ".yml", ".names", ".labels")
MAX_MORE_TABLES = 20
"""Files that may be tables, beside much else: where there are more, they are notes on single pictures."""
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_HEAD = 16
_LOCKED = 0x1
_DRIVE = re.compile("[A-Za-z]:")
_HIDDEN = re.compile(r"(^|/)(\.|__MACOSX/|Thumbs\.db$|desktop\.ini$)")

Read = Callable[[int], bytes]
"""The first bytes of a file, at most that many."""


@dataclass(frozen=True)
class ImageFile:
    """One picture file. `name` is its path within what was sent, with forward slashes; `folder` its first folder,
    which is the class of an example, or "" at the top."""

    name: str
    folder: str
    reader: Read

    def read(self) -> bytes:
        """All of it. Raises BadInput where it cannot be read, and TooLarge."""
        data = self.reader(MAX_BYTES_PER_FILE + 1)
        if len(data) > MAX_BYTES_PER_FILE:
            raise TooLarge(f"“{self.name}” is larger than {MAX_BYTES_PER_FILE >> 20} MB: make it smaller.")
        return data

    @cached_property
    def sha256(self) -> str:
        return sha256(self.read()).hexdigest()


@dataclass(frozen=True)
class ImageCollection:
    """`skipped` names what was there and is no picture that can be read; `tables` are those of them that may hold the
    labels of the pictures, `notes` those that may hold the labels of one picture each, or the names of labels."""

    items: tuple[ImageFile, ...]
    skipped: tuple[str, ...] = ()
    tables: tuple[ImageFile, ...] = ()
    notes: tuple[ImageFile, ...] = ()

    @property
    def folders(self) -> tuple[str, ...]:
        """The first folders, in the order of their names; files at the top have none."""
        return tuple(sorted({item.folder for item in self.items if item.folder}, key=str.casefold))

    def notice(self, read: Collection[str] = ()) -> str:
        """One sentence on what was left out, or ""; `read` names the files of labels that were not."""
        skipped = [name for name in self.skipped if name not in read]
        if not skipped:
            return ""
        named = ", ".join(f"“{name}”" for name in skipped[:3]) + (" and more" if len(skipped) > 3 else "")
        count = "One file is" if len(skipped) == 1 else f"{len(skipped)} files are"
        return f"{count} no picture and left out: {named}."


@contextmanager
def open_image_collection(path: Path) -> Iterator[ImageCollection]:
    """The pictures at `path`: a picture, a zip of pictures, or a folder; items can be read while it is open.

    Raises:
        BadInput: nothing there, no pictures, a damaged or locked zip. TooLarge: past a limit, before it is unpacked.
    """
    if path.is_dir():
        yield _collect(_folder_files(path))
        return
    head = _first_bytes(path, _HEAD)
    if head.startswith(_ZIP):
        with closing(_opened_zip(path)) as archive:
            yield _collect(_zip_files(archive))
        return
    if not head:
        raise BadInput("This file is empty: choose another one.")
    if path.suffix.lower() in TABLES:
        raise BadInput("This is a table and holds no pictures: put it into one zip together with them.")
    if not looks_like_picture(head):
        raise BadInput(f"This is no picture that can be read: choose a {FORMATS}, or a zip of them.")
    yield ImageCollection((ImageFile(plain_name(path.name), "", partial(_first_bytes, path)),))


def plain_name(name: str) -> str:
    """A path as it can be shown and compared: forward slashes, no way up or to the root, one spelling of accents."""
    parts = [" ".join(part.split()) for part in printable(name).replace("\\", "/").split("/")]
    safe = [part[:MAX_NAME_LENGTH] for part in parts if part not in ("", ".", "..") and not _DRIVE.fullmatch(part)]
    return "/".join(safe) or "picture"


def _collect(files: Iterator[tuple[str, Read]]) -> ImageCollection:
    """Sort pictures from other files by their first bytes, and classes from folders around everything."""
    pictures: list[tuple[str, Read]] = []
    others: list[tuple[str, Read]] = []
    for name, reader in files:
        is_picture = looks_like_picture(_first_bytes_or_none(reader))
        (pictures if is_picture else others).append((name, reader))
        if len(pictures) > MAX_PICTURES:
            raise TooLarge(f"There are more than {MAX_PICTURES:,} pictures here: choose fewer.")
    if not pictures and (inner := next((name for name, _ in others if name.lower().endswith(".zip")), "")):
        raise BadInput(f"There are only zips in here, such as “{inner}”: unpack them, and pack their folders as one.")
    if not pictures:
        raise BadInput(f"There is no picture in here that can be read: choose some {FORMATS}s.")
    names = _strip_common_folder([name for name, _ in pictures])
    items = [
        ImageFile(name, name.partition("/")[0] if "/" in name else "", reader)
        for name, (_, reader) in zip(unique_names(names), pictures, strict=True)
    ]
    more = [(name, reader) for name, reader in others if name.lower().endswith(MORE_TABLES)]
    tables = [
        ImageFile(name, "", reader)
        for name, reader in others
        if name.lower().endswith(TABLES) or ((name, reader) in more and len(more) <= MAX_MORE_TABLES)
    ]
    notes = [ImageFile(name, "", reader) for name, reader in others if name.lower().endswith(NOTES)]
    return ImageCollection(tuple(items), tuple(name for name, _ in others), tuple(tables), tuple(notes))


def _first_bytes_or_none(reader: Read) -> bytes:
    """One file that cannot be read does not spoil the others: it counts as no picture."""
    try:
        return reader(_HEAD)
    except BadInput:
        return b""


def _strip_common_folder(names: list[str]) -> list[str]:
    """Without a folder that holds everything: a zip of a folder of classes is one of classes."""
    while (
        names and all(name.count("/") >= 2 for name in names) and len({name.partition("/")[0] for name in names}) == 1
    ):
        names = [name.partition("/")[2] for name in names]
    return names


def unique_names(names: Sequence[str]) -> list[str]:
    """A zip can hold two files of one name; the second becomes `name (2).png`."""
    unique: dict[str, None] = {}
    for name in names:
        path, new, number = PurePosixPath(name), name, 2
        while new in unique:
            new, number = str(path.with_name(f"{path.stem} ({number}){path.suffix}")), number + 1
        unique[new] = None
    return list(unique)


def _folder_files(root: Path) -> Iterator[tuple[str, Read]]:
    """Files below `root` in the order of their names. Links to files are followed, those to folders are not."""
    count = total = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for file in sorted(files):
            path = Path(folder, file)
            name = path.relative_to(root).as_posix()
            if _HIDDEN.search(name) or not path.is_file():
                continue
            count, total = count + 1, total + path.stat().st_size
            _check_limits(count, total)
            yield plain_name(name), partial(_first_bytes, path)


def _zip_files(archive: zipfile.ZipFile) -> Iterator[tuple[str, Read]]:
    names = names_of(archive)
    entries = [(names[place], entry) for place, entry in enumerate(archive.infolist()) if not entry.is_dir()]
    _check_limits(len(entries), sum(entry.file_size for _, entry in entries))
    for written, entry in sorted(entries, key=lambda item: item[0]):
        name = plain_name(written)
        if _HIDDEN.search(name) or stat.S_ISLNK(entry.external_attr >> 16):
            continue
        if entry.flag_bits & _LOCKED:
            raise BadInput("This zip is locked with a password: pack the pictures again without one.")
        yield name, partial(_zip_bytes, archive, entry, name)


def _check_limits(count: int, total: int) -> None:
    if count > MAX_FILES:
        raise TooLarge(f"There are more than {MAX_FILES:,} files here: choose fewer.")
    if total > MAX_BYTES:
        raise TooLarge(f"These files are over {MAX_BYTES >> 30} GB when unpacked: choose fewer or smaller ones.")


def _opened_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadInput("This zip is damaged or not complete: pack and choose it again.") from error


def _zip_bytes(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, most: int) -> bytes:
    """Not more than `most` whatever the entry says of its size: a bomb is never unpacked."""
    try:
        with archive.open(entry) as file:
            return file.read(most)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError) as error:
        log.info("%s in a zip could not be read (%r)", entry.filename, error)
        raise BadInput(f"“{name}” in this zip is damaged: pack it again.") from error


def _first_bytes(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise BadInput(f"“{path.name}” cannot be read ({error.strerror}).") from error
