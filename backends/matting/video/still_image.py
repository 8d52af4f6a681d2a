"""Still pictures: reading them upright and writing PNG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backends.core.errors import BadInput
from backends.matting.types import MediaInfo
from backends.matting.video.source import DAMAGED_PICTURE, check_size
from backends.shared.images import MAX_PICTURE_PIXELS, ORIENTATION, open_image, to_rgb, upright
from backends.shared.isolation import isolated_call
from backends.shared.png_rows import lacks_rows
from backends.shared.records import from_fields, to_fields

PNG_DEPTH = 24
"""Where a PNG says how many bits a colour has, in bytes from the beginning."""

DECODE = f"{__name__}:decode_picture"


@dataclass(frozen=True)
class Picture:
    """`rgb` `(H, W, 3)` uint8, upright; `alpha` `(H, W)` float32 where the file had transparency of its own.

    `bits` a colour are those of the file.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    turned: bool = False
    bits: int = 8

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.rgb.shape[1], self.rgb.shape[0]

    @property
    def info(self) -> MediaInfo:
        return MediaInfo("picture", *self.size, turned=self.turned)


def read_picture(path: Path, max_pixels: int = MAX_PICTURE_PIXELS) -> Picture:
    """Decode a picture that nobody vouches for, in a process of its own, and turn it upright.

    Raises:
        UndecodableFile: it crashes the decoder.
        BadInput: it is damaged.
        TooLarge: it has more than `max_pixels` pixels, which is known before it is decoded.
    """
    return from_fields(Picture, isolated_call(DECODE, path=path.resolve(), max_pixels=max_pixels))


def decode_picture(path: str, max_pixels: int) -> Iterator[dict[str, Any]]:
    """The fields of the only picture that `read_picture` reads."""
    yield to_fields(read_picture_here(Path(path), max_pixels))


def read_picture_here(path: Path, max_pixels: int = MAX_PICTURE_PIXELS) -> Picture:
    """Decode a picture in this process, and turn it upright.

    Raises:
        BadInput: it is damaged.
        TooLarge: it has more than `max_pixels` pixels, which is known before it is decoded.
    """
    with open_image(path, damaged=DAMAGED_PICTURE) as file:
        check_size(*file.size, max_pixels)
        turned = file.getexif().get(ORIENTATION, 1) not in (0, 1)
        icc = file.info.get("icc_profile") if file.mode in ("RGB", "RGBA") else None
        straight = upright(file)
        if file.format == "PNG" and lacks_rows(path, file):
            raise BadInput(DAMAGED_PICTURE)
        return Picture(to_rgb(straight), _own_alpha(straight), icc, turned, _bits(file, path))


def _bits(file: Image.Image, path: Path) -> int:
    """Bits a colour. Pillow gives RGB of 8, whatever a PNG has; its 25th byte says (ISO/IEC 15948, 11.2.2)."""
    if file.format == "PNG":
        with path.open("rb") as head:
            return max(8, head.read(PNG_DEPTH + 1)[PNG_DEPTH])
    return 16 if file.mode.startswith("I") else 8


def _own_alpha(picture: Image.Image) -> np.ndarray | None:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return None
    alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    return alpha.astype(np.float32) / 255 if alpha.min() < 255 else None


def write_png(path: Path, pixels: np.ndarray, icc: bytes | None = None) -> None:
    """`(H, W)`, `(H, W, 3)` or `(H, W, 4)` uint8 as PNG, with the source's colour profile if it had one."""
    extra = {"icc_profile": icc} if icc and pixels.ndim == 3 else {}
    Image.fromarray(pixels).save(path, "PNG", compress_level=3, **extra)
