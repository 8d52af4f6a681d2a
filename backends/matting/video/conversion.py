"""Turns decoded frames into upright RGB pictures: exact to half a level, with all bits and their own transparency."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideData
from av.video.reformatter import VideoReformatter

from backends.matting.types import Colour
from backends.matting.video.colour import from_luma_chroma, matrix, value_range

DisplaySigns = tuple[int, int, int, int]
"""The signs of the four linear terms of a display matrix: which multiple of 90° and which mirroring it stands for."""

# The OpenCV rotation and whether to mirror afterwards, which do to a picture what the matrix does to unit vectors.
_ROT90 = cv2.ROTATE_90_COUNTERCLOCKWISE
_ORIENTATIONS: dict[DisplaySigns, tuple[int | None, bool]] = {
    (1, 0, 0, 1): (None, False),
    (0, -1, 1, 0): (_ROT90, False),
    (-1, 0, 0, -1): (cv2.ROTATE_180, False),
    (0, 1, -1, 0): (cv2.ROTATE_90_CLOCKWISE, False),
    (-1, 0, 0, 1): (None, True),
    (1, 0, 0, -1): (cv2.ROTATE_180, True),
    (0, 1, 1, 0): (cv2.ROTATE_90_CLOCKWISE, True),
    (0, -1, -1, 0): (_ROT90, True),
}
UPRIGHT = (1, 0, 0, 1)


def orientation(frame: av.VideoFrame) -> DisplaySigns:
    """The orientation that a frame's display matrix asks for; upright without one, or at other angles than 90°."""
    for data in cast(Iterable[SideData], frame.side_data):
        if data.type.name == "DISPLAYMATRIX":
            terms = np.frombuffer(bytes(data)[:36], np.int32).reshape(3, 3)[:2, :2] / 65536
            signs = tuple(int(term) for term in np.rint(terms).ravel())
            return signs if signs in _ORIENTATIONS else UPRIGHT
    return UPRIGHT


def make_upright(picture: np.ndarray, signs: DisplaySigns) -> np.ndarray:
    """`picture` `(H, W, 3)` rotated and mirrored as it is meant to be watched."""
    rotation, mirrored = _ORIENTATIONS[signs]
    if rotation is not None:
        picture = cv2.rotate(picture, rotation)
    return cv2.flip(picture, 1) if mirrored else picture


@dataclass(frozen=True)
class UprightPicture:
    """One upright picture.

    `rgb` is `(H, W, 3)` uint8. `deep` is the same in uint16 where the source has more than 8 bits. `alpha` is the
    source's own transparency, `(H, W)` float32 in 0..1, None where nothing is see-through.
    """

    rgb: np.ndarray
    deep: np.ndarray | None = None
    alpha: np.ndarray | None = None


def has_alpha(frame_format: av.VideoFormat) -> bool:
    return frame_format.has_palette or any(component.is_alpha for component in frame_format.components)


def bit_depth(frame_format: av.VideoFormat) -> int:
    """Bits of the finest component."""
    return max((component.bits for component in frame_format.components), default=8)


class Converter:
    """Converts frames of any format and size into pictures of one size.

    Args:
        colour: how the frames' colours are coded.
        size: (width, height) of the result before it is turned upright.
        signs: the orientation that the source asks for.
        deep: whether all bits of a frame with more than 8 are wanted.
    """

    def __init__(self, colour: Colour, size: tuple[int, int], signs: DisplaySigns, deep: bool) -> None:
        self._colour, self._size, self._signs, self._deep = colour, size, signs, deep
        self.reshaped = False
        self._reformatter = VideoReformatter()  # a frame's own one prepares its tables anew for each frame
        self._merged: np.ndarray | None = None  # the planes of the last frame, side by side; its memory serves the next

    def convert(self, frame: av.VideoFrame) -> UprightPicture:
        """The picture of a frame."""
        pixels, alpha = self._decoded(frame)
        if pixels.shape[1::-1] != self._size:
            self.reshaped = True
            pixels = cv2.resize(pixels, self._size, interpolation=cv2.INTER_AREA)
            alpha = None if alpha is None else cv2.resize(alpha, self._size, interpolation=cv2.INTER_AREA)
        pixels = make_upright(pixels, self._signs)
        alpha = None if alpha is None else make_upright(alpha, self._signs)
        if pixels.dtype == np.uint8:
            return UprightPicture(pixels, None, alpha)
        return UprightPicture(cv2.convertScaleAbs(pixels, alpha=1 / 257), pixels, alpha)

    def _decoded(self, frame: av.VideoFrame) -> tuple[np.ndarray, np.ndarray | None]:
        """RGB `(H, W, 3)` uint8 or uint16, and alpha `(H, W)` float32 in 0..1 or None."""
        deep = self._deep and bit_depth(frame.format) > 8
        is_yuv = (
            len(frame.format.components) >= 3 and not frame.format.is_rgb and not frame.format.name.startswith("xyz")
        )
        return self._from_yuv(frame, deep) if is_yuv else self._from_rgb(frame, deep)

    def _from_rgb(self, frame: av.VideoFrame, deep: bool) -> tuple[np.ndarray, np.ndarray | None]:
        """Frames in RGB, gray or with a palette."""
        names = ("rgb48le", "rgba64le") if deep else ("rgb24", "rgba")
        pixels: np.ndarray = frame.to_ndarray(
            format=names[has_alpha(frame.format)],
            src_colorspace=matrix(self._colour, frame.height),
            src_color_range=value_range(self._colour),
            dst_color_range=2,
        )
        if pixels.shape[2] == 3:
            return pixels, None
        return np.ascontiguousarray(pixels[..., :3]), _opacity(pixels[..., 3], 65535 if deep else 255)

    def _from_yuv(self, frame: av.VideoFrame, deep: bool) -> tuple[np.ndarray, np.ndarray | None]:
        """Frames in luma and chroma. FFmpeg only enlarges the chroma: its quick way to RGB rounds down."""
        space, levels = matrix(self._colour, frame.height), value_range(self._colour)
        alpha, depth = has_alpha(frame.format), bit_depth(frame.format) if deep else 8
        depth = next(bits for bits in (8, 10, 12, 16) if bits >= min(depth, 16))
        planar = self._reformatter.reformat(
            frame,
            format=f"yuv{'a' if alpha else ''}444p{'' if depth == 8 else f'{depth}le'}",
            src_colorspace=space,
            dst_colorspace=space,
            src_color_range=levels,
            dst_color_range=levels,
            threads=1,
        )
        planes = [_plane(plane, np.uint8 if depth == 8 else np.uint16) for plane in planar.planes]
        to_rgb = from_luma_chroma(space, self._colour.full, depth)
        self._merged = cv2.merge(planes[:3], dst=self._merged)
        pixels = cv2.transform(self._merged, to_rgb)
        return pixels, _opacity(planes[3], (1 << depth) - 1) if alpha else None


def _plane(plane: av.video.plane.VideoPlane, dtype: type[np.generic]) -> np.ndarray:
    """`(H, W)`, without the padding of its rows."""
    return np.frombuffer(memoryview(plane), np.dtype(dtype)).reshape(plane.height, -1)[:, : plane.width]


def _opacity(plane: np.ndarray, most: int) -> np.ndarray | None:
    """`(H, W)` float32 in 0..1, None where nothing is see-through."""
    return None if int(plane.min()) >= most else plane.astype(np.float32) / most
