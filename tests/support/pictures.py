"""Picture files for tests: plain ones, and those that people and mischief-makers bring."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"red": (190, 30, 30), "green": (30, 150, 30), "blue": (40, 40, 190)}


def shade(kind: str, number: int) -> bytes:
    """A picture in about that colour, with squares of its own: no two are near copies of each other."""
    rng = np.random.default_rng([list(COLOURS).index(kind), number])
    pixels = np.array(COLOURS[kind]) + rng.integers(-30, 31, (1, 1, 3)) + rng.integers(-20, 21, (40, 40, 3))
    coarse = (1, 4, 10, 2, 20, 5, 8)[number % 7]  # squares a side: pictures of different texture
    pixels += np.kron(rng.choice([-95, 95], (coarse, coarse, 1)), np.ones((40 // coarse, 40 // coarse, 1), int))
    return encoded(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)))


def plain(colour: tuple[int, int, int] = (200, 30, 30), size: tuple[int, int] = (48, 40), kind: str = "PNG") -> bytes:
    """A picture of one colour with a little noise, so that no two colours give the same file."""
    rng = np.random.default_rng(sum(colour))
    pixels = np.clip(np.array(colour) + rng.integers(-8, 9, (size[1], size[0], 3)), 0, 255).astype(np.uint8)
    return encoded(Image.fromarray(pixels), kind)


def encoded(picture: Image.Image, kind: str = "PNG", **more: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **more)
    return file.getvalue()


def cmyk() -> bytes:
    return encoded(Image.new("CMYK", (40, 40), (0, 200, 200, 0)), "JPEG")


def deep() -> bytes:
    """16-bit gray, darker to the left."""
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)
    return encoded(Image.fromarray(np.tile(ramp, (32, 1))))


def moving() -> bytes:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "green")]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=80)


def sideways() -> bytes:
    """Wide as it is stored, upright by its EXIF data; the upper half is red once it is turned."""
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, :40] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(Image.fromarray(pixels), "JPEG", exif=exif, quality=95)


def huge(width: int = 20_000, height: int = 10_000) -> bytes:
    """A PNG of 200 megapixels that weighs next to nothing: every pixel is black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (height * (1 + width // 8)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zipped(files: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in files.items():
            bundle.writestr(name, data)
    return file.getvalue()


def colour_pictures(
    folder: Path, colours: dict[str, tuple[int, int, int]], each: int, mixed: bool = False, side: int = 40
) -> Path:
    """Folders of plain pictures with some noise; where `mixed`, a class says nothing of the colour."""
    rng = np.random.default_rng(0)
    for name, own in colours.items():
        (folder / name).mkdir(parents=True)
        for number in range(each):
            colour = list(colours.values())[rng.integers(len(colours))] if mixed else own
            picture = np.clip(np.array(colour) + rng.normal(0, 12, (side, side, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(folder / name / f"{number}.png")
    return folder
