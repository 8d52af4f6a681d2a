"""Corrected mattes and carried changes on disk, found by the index of their frame: a scene may last for an hour."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np


class PlaneFile:
    """Pictures of one size and few values, compressed, in a file of the job's own folder.

    `planes` is how many uint8 pictures `(h, w)` belong to a frame.
    """

    def __init__(self, path: Path, size: tuple[int, int], planes: int = 1) -> None:
        self._file = path.open("w+b")
        self._path, self._size, self._planes = path, size, planes
        self._places: dict[int, tuple[int, int]] = {}

    def __contains__(self, index: int) -> bool:
        return index in self._places

    def write(self, index: int, pictures: Sequence[np.ndarray] | np.ndarray) -> None:
        """Store the pictures of a frame, each `(h, w)` uint8, in place of any before."""
        packed = zlib.compress(np.asarray(pictures, np.uint8).tobytes(), 1)
        self._file.seek(0, 2)
        self._places[index] = (self._file.tell(), len(packed))
        self._file.write(packed)

    def read(self, index: int) -> np.ndarray:
        """The pictures of a frame, `(planes, h, w)` uint8."""
        begin, length = self._places[index]
        self._file.seek(begin)
        return np.frombuffer(zlib.decompress(self._file.read(length)), np.uint8).reshape(self._planes, *self._size)

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
        self._path.unlink(missing_ok=True)
