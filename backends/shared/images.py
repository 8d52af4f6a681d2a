"""Open one picture that nobody vouches for: capped before it is decoded, upright, and in plain RGB.

What a picture is, is decided by its bytes among the formats below. Whatever a damaged or crafted file does to the
decoder becomes one sentence.
"""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, ImageOps

from backends.core.errors import BadInput, TooLarge, UserError
from backends.shared.isolation import isolated_call
from backends.shared.png_rows import lacks_rows
from backends.shared.records import from_fields, to_fields

log = logging.getLogger(__name__)

PICTURE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "AVIF", "GIF", "HEIF")
FORMATS = "JPEG, PNG, WebP, HEIC, GIF, BMP, TIFF or AVIF picture"
ENDINGS = (
    *("jpg", "jpeg", "jfif", "jpe", "png", "webp", "heic", "heif", "bmp", "gif", "tif", "tiff", "avif"),
    *("avifs", "apng", "heics", "hif"),
)
"""How files of these formats are called; what they are is decided by their bytes."""

MAX_PICTURE_PIXELS = 100_000_000
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
HEIC = "This HEIC picture is damaged or of a kind that cannot be read: share it as JPEG and choose that."

FAR_TOO_LARGE = "This picture has far too many pixels to be worked on: make it smaller."
RAW = (
    "This is a raw photograph, of which only a small preview could be read: export it as JPEG or TIFF and choose that."
)
DAMAGED = f"This picture is damaged and could not be read: choose a {FORMATS}."
EMPTY = "This file is empty: choose another one."
NO_PICTURE = f"This is no picture that can be read here: choose a {FORMATS}."
OTHER_KINDS = (
    (b"8BPS", "a Photoshop file"),
    (b"%PDF", "a PDF"),
    (b"%!PS", "a PostScript file"),
    (b"\0\0\x01\0", "an icon"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"<svg", "a drawing (SVG)"),
    (b"<?xml", "a drawing (SVG) or another XML file"),
)
"""Pictures of other kinds by their first bytes, and what each is called."""

ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
"""Formats in which several pictures are an animation."""

ORIENTATION = 0x0112
SUBFILE_TYPE, REDUCED, DNG_VERSION = 0x00FE, 1, 0xC612
"""Tags of TIFF: raw files of cameras are TIFF files whose first picture is a preview."""
SIDEWAYS = (5, 6, 7, 8)

pillow_heif.register_heif_opener()

DECODE = f"{__name__}:decode"
"""What the process of its own runs."""

_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*")


@dataclass(frozen=True)
class Decoded:
    """`rgb` `(H, W, 3)` uint8, upright, over white where the picture was see-through.

    `width` and `height` are those of the file, upright; `rgb` may be smaller where a smaller one was asked for.
    `moving`: it is an animation, and this is its first picture. `pages`: the file has more pages than this first one.
    """

    rgb: np.ndarray
    width: int
    height: int
    moving: bool = False
    pages: bool = False


def looks_like_picture(head: bytes) -> bool:
    """Whether a file with these first 16 bytes is a picture in one of the formats."""
    if head.startswith(_STARTS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return True
    return head[4:12] in (b"ftypavif", b"ftypavis") or looks_like_heic(head)


def looks_like_heic(head: bytes) -> bool:
    """Whether it is a HEIC picture, as iPhones make them."""
    return head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS


def usual_ending(source: Path) -> str:
    """The ending that a picture's file usually has, such as ".jpg", by its bytes; "" for what is no picture."""
    head = _head(source)
    starts = ((b"\x89PNG", ".png"), (b"\xff\xd8", ".jpg"), (b"GIF", ".gif"), (b"BM", ".bmp"), (b"RIFF", ".webp"))
    for start, ending in (*starts, (b"II*", ".tif"), (b"MM\0*", ".tif")):
        if head.startswith(start):
            return ending
    if looks_like_heic(head):
        return ".heic"
    return ".avif" if looks_like_picture(head) else ""


@contextmanager
def open_image(
    source: Path | bytes, formats: tuple[str, ...] = PICTURE_FORMATS, damaged: str = DAMAGED
) -> Iterator[Image.Image]:
    """The picture before it is decoded. Whatever goes wrong in the block is told as BadInput or TooLarge."""
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=formats) as file:
            yield file
    except (UserError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise TooLarge(FAR_TOO_LARGE) from error
    except Exception as error:  # a damaged or hostile file can make a decoder fail in any way
        log.info("a picture could not be read (%r)", error)
        raise BadInput(damaged) from error


def read(source: Path | bytes, side: int | None = None, most: int = MAX_PICTURE_PIXELS) -> Decoded:
    """Decode a picture in a process of its own, turned the way the camera was held.

    Args:
        side: where given, a JPEG may come smaller by a power of two, though its shorter side stays at least this long;
            that saves most of the time of decoding a photograph.
        most: pixels; known and refused before any is decoded.

    Raises:
        BadInput: damaged, or of another kind.
        TooLarge: too many pixels.
        UndecodableFile: it crashes the decoder.
    """
    return from_fields(Decoded, isolated_call(DECODE, source=source, side=side, most=most))


def decode(source: str | bytes, side: int | None, most: int) -> Iterator[dict[str, Any]]:
    """The fields of the only picture that `read` reads."""
    yield to_fields(_decode(Path(source) if isinstance(source, str) else source, side, most))


def _decode(source: Path | bytes, side: int | None, most: int) -> Decoded:
    head = source[:16] if isinstance(source, bytes) else _head(source)
    with open_image(source, damaged=_unreadable(head)) as file:
        width, height = file.size
        if file.format == "TIFF" and _is_raw(file):
            raise BadInput(RAW)
        if width * height > most:
            raise TooLarge(
                f"This is {width} × {height} pixels; up to {most / 1e6:.0f} megapixels can be worked on: "
                "make it smaller."
            )
        several = bool(getattr(file, "is_animated", False))
        moving, pages = several and file.format in ANIMATED, several and file.format == "TIFF"
        # Pillow gives the size of a TIFF as it is watched, that of others as it is stored.
        sideways = file.format != "TIFF" and file.getexif().get(ORIENTATION, 1) in SIDEWAYS
        if side:
            _draft(file, side)
        straight = upright(file)
        if file.format == "PNG" and lacks_rows(source, file):
            raise BadInput(DAMAGED)
        rgb = over_white(straight)
        return Decoded(rgb, *((height, width) if sideways else (width, height)), moving, pages)


def _unreadable(head: bytes) -> str:
    """What to say of a file with these first bytes that could not be read.

    >>> _unreadable(b"8BPS")
    'This is a Photoshop file, which is not read here: export it as JPEG or PNG and choose that.'
    """
    if looks_like_picture(head):
        return HEIC if looks_like_heic(head) else DAMAGED
    for start, name in OTHER_KINDS:
        if head.lstrip().startswith(start):
            return f"This is {name}, which is not read here: export it as JPEG or PNG and choose that."
    return NO_PICTURE if head else EMPTY


def _is_raw(file: Image.Image) -> bool:
    """Whether a TIFF file is a camera's raw file, or begins with a preview as those do."""
    tags = file.getexif()
    return DNG_VERSION in tags or tags.get(SUBFILE_TYPE) == REDUCED


def _draft(file: Image.Image, side: int) -> None:
    """Tell the decoder to leave out detail that is not wanted. It rounds towards the larger picture."""
    scale = side / min(file.size)
    if scale < 1:
        file.draft(None, (math.ceil(file.width * scale), math.ceil(file.height * scale)))


def upright(file: Image.Image) -> Image.Image:
    """The picture turned as its EXIF data say; as it is where they make no sense."""
    try:
        return ImageOps.exif_transpose(file)
    except (ValueError, TypeError, KeyError, SyntaxError, OverflowError) as error:
        log.info("the EXIF data of a picture make no sense (%r)", error)
        file.load()
        return file


def to_rgb(picture: Image.Image) -> np.ndarray:
    """`(H, W, 3)` uint8; what was see-through keeps the colour that it has in the file."""
    if picture.mode.startswith("I;16") or picture.mode == "I":  # 16-bit gray: Pillow would cut it off at 255
        deep = np.asarray(picture).astype(np.int64)
        return _grey(deep // 257)
    if picture.mode == "F":  # of unknown range: black to white from the least value to the greatest
        light = np.nan_to_num(np.asarray(picture, np.float64), posinf=0.0, neginf=0.0)
        return _grey((light - light.min()) * 255 / max(float(np.ptp(light)), 1e-12))
    return np.asarray(picture.convert("RGB"))


def _grey(light: np.ndarray) -> np.ndarray:
    return np.repeat(np.clip(light, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def over_white(picture: Image.Image) -> np.ndarray:
    """`(H, W, 3)` uint8, laid over white where it is see-through."""
    if not picture.has_transparency_data:
        return to_rgb(picture)
    layer = picture.convert("RGBA")
    white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
    return np.asarray(Image.alpha_composite(white, layer))[..., :3]


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError as error:
        raise BadInput(f"“{path.name}” cannot be read ({error.strerror}).") from error
