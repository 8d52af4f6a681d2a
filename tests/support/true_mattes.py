"""True mattes and object masks as people bring them: PNG files, in a ZIP."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def png(pixels: np.ndarray, mode: str | None = None) -> bytes:
    picture = Image.fromarray(pixels)
    if mode == "P":
        picture = Image.fromarray(pixels, "L")
        picture.putpalette([value for index in range(256) for value in (index, 255 - index, 7 * index % 256)])
        assert picture.mode == "P"
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def zipped(path: Path, pictures: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in pictures.items():
            archive.writestr(name, content)
    return path
