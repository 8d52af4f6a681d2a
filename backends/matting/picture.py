"""Still pictures in and out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from backends.errors import BadInput, TooLarge
from backends.matting.source import FORMATS, MAX_PICTURE_PIXELS, PICTURE_FORMATS, check_size
from backends.matting.types import MediaInfo


@dataclass(frozen=True)
class Picture:
    """`rgb` `(H, W, 3)` uint8, upright; `alpha` `(H, W)` float32 where the file had transparency of its own."""

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    turned: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.rgb.shape[1], self.rgb.shape[0]

    @property
    def info(self) -> MediaInfo:
        return MediaInfo("picture", *self.size, turned=self.turned)


def read_picture(path: Path, most: int = MAX_PICTURE_PIXELS) -> Picture:
    """Decode `path`, turned the way the camera was held.

    Raises:
        BadInput: it is damaged. TooLarge: it has more than `most` pixels; known before it is decoded.
    """
    try:
        with Image.open(path, formats=(*PICTURE_FORMATS, "GIF")) as file:
            check_size(*file.size, most)
            turned = file.getexif().get(0x0112, 1) not in (0, 1)
            icc = file.info.get("icc_profile") if file.mode in ("RGB", "RGBA") else None
            upright = ImageOps.exif_transpose(file)
            alpha = _own_alpha(upright)
            return Picture(_rgb(upright), alpha, icc, turned)
    except Image.DecompressionBombError as error:
        raise TooLarge("This picture has far too many pixels to be worked on: make it smaller.") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise BadInput(f"This picture is damaged and could not be read: choose an {FORMATS}.") from error


def _rgb(picture: Image.Image) -> np.ndarray:
    if picture.mode.startswith("I;16") or picture.mode == "I":  # 16-bit gray: Pillow would cut it off at 255
        deep = np.asarray(picture).astype(np.int64)
        grey = np.clip(deep // 257, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    return np.asarray(picture.convert("RGB"))


def _own_alpha(picture: Image.Image) -> np.ndarray | None:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return None
    alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    return alpha.astype(np.float32) / 255 if alpha.min() < 255 else None


def write_png(path: Path, pixels: np.ndarray, icc: bytes | None = None) -> None:
    """`(H, W)`, `(H, W, 3)` or `(H, W, 4)` uint8 as PNG, with the source's colour profile if it had one."""
    extra = {"icc_profile": icc} if icc and pixels.ndim == 3 else {}
    Image.fromarray(pixels).save(path, "PNG", compress_level=3, **extra)
