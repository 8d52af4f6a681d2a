"""True mattes and object masks that somebody gives to compare a cut-out with: read safely, told apart, put in step."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, UnidentifiedImageError

from backends.core.errors import BadInput, TooLarge
from backends.matting.video.reader import IsolatedReader
from backends.matting.video.source import MAX_VIDEO_PIXELS, check_size

MAX_PICTURES = 20_000
PICTURE_BYTES = 64 << 20
MOST_LIST_BYTES = 16 << 20
FEW = 64
"""Gray pictures without a value this high number objects; so do palettes, and pictures of 0 and 255 alone."""
VOID = 255
"""Marks pixels of a palette mask that belong to no object for sure."""

MATTES, MASKS = "mattes", "masks"
BROKEN = "The picture {} in the zip is damaged or no PNG: make the zip anew."


@dataclass(frozen=True)
class Reference:
    """`kind` is "mattes" (gray, soft) or "masks" (numbers of objects); `objects` are the numbers that occur."""

    kind: str
    pictures: int
    objects: tuple[int, ...] = ()


def examine(path: Path) -> Reference:
    """What was given: a video of gray mattes, or a zip of PNG mattes or masks.

    Raises:
        BadInput: it is neither. TooLarge: it holds more than is looked at.
    """
    if not zipfile.is_zipfile(path):
        reader = IsolatedReader(path)
        reader.close()
        return Reference(MATTES, reader.info.frames)
    with _open_zip(path) as archive:
        names = _names(archive)
        palette = _picture(archive, names[0]).mode == "P"
        found: set[int] = set()
        for name in names[:: max(1, len(names) // 12)]:  # objects come and go, and each one is in view for a while
            found |= set(np.unique(_array(archive, name)).tolist())
    binary = found <= {0, VOID}
    if not (palette or binary or max(found) < FEW):
        return Reference(MATTES, len(names))
    return Reference(MASKS, len(names), (VOID,) if binary else tuple(sorted(found - {0, VOID})))


def read(
    path: Path, frames: int, first: int, objects: Sequence[int] = (), every: int = 1
) -> Iterator[tuple[int, np.ndarray]]:
    """The references as (frame of the run, `(H, W)`), in order: uint8 mattes, or booleans of the chosen `objects`.

    As many as the run has frames stand for them one by one. Otherwise pictures count as the source's own frames,
    by the number in their names, and a video from its beginning; `first` is the source's frame that the run begins
    with. Of `every` so many only the first two are given: two in a row, so that changes can be scored too.
    """
    if zipfile.is_zipfile(path):
        yield from _read_zip(path, frames, first, objects, every)
        return
    reader = IsolatedReader(path)
    try:
        offset = 0 if abs(reader.info.frames - frames) <= 1 else first
        while (frame := reader.read()) is not None:
            index = frame.index - offset
            if 0 <= index < frames and index % every < 2:
                yield index, frame.rgb[..., 1]
    finally:
        reader.close()


def _read_zip(
    path: Path, frames: int, first: int, objects: Sequence[int], every: int
) -> Iterator[tuple[int, np.ndarray]]:
    with _open_zip(path) as archive:
        names = _names(archive)
        numbers = list(range(len(names)))
        if len(names) != frames:
            numbers = [_number(name) - first for name in names]
        fitting = [pair for pair in zip(numbers, names, strict=True) if 0 <= pair[0] < frames]
        for ordinal, (number, name) in enumerate(fitting):
            if ordinal % every < 2:
                picture = _array(archive, name)
                yield number, np.isin(picture, objects) if objects else picture


def _open_zip(path: Path) -> zipfile.ZipFile:
    if _list_bytes(path) > MOST_LIST_BYTES:
        raise TooLarge(f"There is far too much in this zip; up to {MAX_PICTURES} pictures can be compared.")
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise BadInput("This zip is damaged: make it anew.") from error


def _list_bytes(path: Path) -> int:
    """How long a zip's list of its files is, at most: the whole of it is read into memory when the zip is opened.

    By the records at its end (APPNOTE 4.3.14 and 4.3.16); what only looks like one is counted too.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16) - 200))
        end = file.read()
    sizes = [0]
    for mark, form, at in ((b"PK\5\6", "<I", 12), (b"PK\6\6", "<Q", 40)):
        sizes += [
            struct.unpack_from(form, end, found.start() + at)[0]
            for found in re.finditer(re.escape(mark), end)
            if found.start() + at + struct.calcsize(form) <= len(end)
        ]
    return max(sizes)


def _names(archive: zipfile.ZipFile) -> list[str]:
    """The PNGs of a zip in their natural order; nothing is ever unpacked to a path that they name."""
    names = [
        item.filename
        for item in archive.infolist()
        if item.filename.lower().endswith(".png") and not PurePosixPath(item.filename).name.startswith(".")
    ]
    if not names:
        raise BadInput("There is no PNG picture in this zip: put one matte or mask for each frame into it.")
    if len(names) > MAX_PICTURES:
        raise TooLarge(f"There are {len(names)} pictures in this zip; up to {MAX_PICTURES} can be compared.")
    return sorted(names, key=_natural)


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d{1,18})", name) if part]


def _number(name: str) -> int:
    found = re.findall(r"\d{1,9}", PurePosixPath(name).stem)
    if not found:
        raise BadInput(
            "The zip holds another number of pictures than this result has frames, and their names have no numbers "
            "that say which frames they are for, such as 00042.png."
        )
    return int(found[-1])


def _picture(archive: zipfile.ZipFile, name: str) -> Image.Image:
    if archive.getinfo(name).file_size > PICTURE_BYTES:
        raise TooLarge("A picture in this zip is far too large to be a matte.")
    try:
        file = Image.open(archive.open(name), formats=("PNG",))
        check_size(*file.size, MAX_VIDEO_PIXELS)
        file.load()
    except Image.DecompressionBombError as error:
        raise TooLarge("A picture in this zip is far too large to be a matte.") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, zipfile.BadZipFile, NotImplementedError) as error:
        raise BadInput(BROKEN.format(PurePosixPath(name).name)) from error
    except RuntimeError as error:  # how zipfile tells of a password
        raise BadInput("This zip is locked by a password: make one without.") from error
    return file


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """`(H, W)` uint8: the numbers of a palette or gray picture as they are, 16-bit gray and colours as 8-bit gray."""
    picture = _picture(archive, name)
    if picture.mode.startswith("I"):
        return (np.asarray(picture).astype(np.int64) // 257).astype(np.uint8)
    if picture.mode == "1":
        return np.asarray(picture).astype(np.uint8) * 255
    return np.asarray(picture if picture.mode in ("P", "L") else picture.convert("L"))
