"""From a picture of any size to the square that a network takes."""

from __future__ import annotations

import numpy as np
from PIL import Image


def prepare_image(picture: np.ndarray, side: int, mode: str, interpolation: str, fill: int = 0) -> np.ndarray:
    """`(side, side, 3)` uint8 of `(H, W, 3)`: "shortest" crops the central square, "squash" stretches, "longest"
    adds margins of `fill`."""
    image = Image.fromarray(picture)
    kernel = Image.Resampling.BILINEAR if interpolation == "bilinear" else Image.Resampling.BICUBIC
    if mode == "squash":
        return np.asarray(image.resize((side, side), kernel))
    if mode == "longest":
        scale = side / max(image.size)
        width, height = (max(1, round(length * scale)) for length in image.size)
        square = Image.new("RGB", (side, side), (fill, fill, fill))
        square.paste(image.resize((width, height), kernel), ((side - width) // 2, (side - height) // 2))
        return np.asarray(square)
    return np.asarray(image.resize((side, side), kernel, box=center_crop_box(*image.size, side)))


def center_crop_box(width: int, height: int, side: int) -> tuple[float, float, float, float]:
    """The box of an image that becomes the central square after its shorter side was resized to `side`.

    Resampling this box alone gives the same pixels, since the filter may reach over its edge, and costs nothing for
    the rest of a very long image. torchvision rounds the longer side down and starts the crop at a whole pixel.
    """
    short = min(width, height)
    edges = []
    for length in (width, height):
        full = side if length == short else side * length // short
        start = round((full - side) / 2)
        edges.append((start * length / full, (start + side) * length / full))
    (left, right), (top, bottom) = edges
    return left, top, right, bottom
