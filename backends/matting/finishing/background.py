"""New backgrounds: a colour, the scene itself blurred, a picture, or a video that plays along."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from backends.core.errors import BadInput, UserError
from backends.matting.video.reader import IsolatedReader
from backends.matting.video.source import is_picture
from backends.matting.video.still_image import read_picture

COLOURS = {"green": "#00b140", "blue": "#0047bb", "white": "#ffffff", "black": "#000000", "grey": "#808080"}
BLUR_SIDE = 320


class Background(ABC):
    """A source of pictures to lay behind the person."""

    @abstractmethod
    def render(self, frame: np.ndarray, alpha: np.ndarray, seconds: float) -> np.ndarray:
        """The background of one frame.

        Args:
            frame: `(H, W, 3)` uint8.
            alpha: `(H, W)` float32, its finished matte.
            seconds: when the frame is shown.

        Returns:
            `(H, W, 3)` uint8.
        """

    def close(self) -> None:
        """Close the files that it holds; the default holds none."""
        return


class ColourBackground(Background):
    """One colour everywhere."""

    def __init__(self, rgb: tuple[int, int, int]) -> None:
        self._rgb = rgb
        self._picture: np.ndarray | None = None

    def render(self, frame: np.ndarray, alpha: np.ndarray, seconds: float) -> np.ndarray:
        if self._picture is None or self._picture.shape != frame.shape:
            self._picture = np.full_like(frame, self._rgb)
        return self._picture


class BlurredBackground(Background):
    """The scene itself out of focus, without the person in it, so that no halo surrounds them.

    A blur that is normalised by weights w = 1 − α: B = G(w·I) / G(w), where G is a Gaussian whose σ is `strength` of
    the long side.
    """

    def __init__(self, strength: float = 0.03) -> None:
        self._strength = strength

    def render(self, frame: np.ndarray, alpha: np.ndarray, seconds: float) -> np.ndarray:
        height, width = alpha.shape
        scale = min(1.0, BLUR_SIDE / max(height, width))
        size = (max(2, round(width * scale)), max(2, round(height * scale)))
        image = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        # Leave out a little more than the person, because mattes end early at hair.
        person = cv2.dilate(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.ones((5, 5), np.uint8))
        weight = np.maximum(1 - person, 1e-4)[..., None]
        sigma = self._strength * max(size)
        spread = cv2.GaussianBlur(image * weight, (0, 0), sigma)
        total = cv2.GaussianBlur(weight, (0, 0), sigma)
        smooth = np.clip(spread / total[..., None], 0, 255).astype(np.uint8)
        return cv2.resize(smooth, (width, height), interpolation=cv2.INTER_CUBIC)


def cover(picture: np.ndarray, shape: tuple[int, ...], wider: float = 1.0) -> np.ndarray:
    """`picture` scaled to fill `shape` (height, width), cropped evenly on both sides.

    `wider` is the width of the result's pixels over that of the picture's own.

    >>> cover(np.zeros((90, 160, 3), np.uint8), (50, 50)).shape
    (50, 50, 3)
    """
    height, width = shape
    scale = max(height / picture.shape[0], width * wider / picture.shape[1])
    size = (max(width, round(picture.shape[1] * scale / wider)), max(height, round(picture.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    big = cv2.resize(picture, size, interpolation=how)
    top, left = (big.shape[0] - height) // 2, (big.shape[1] - width) // 2
    return np.ascontiguousarray(big[top : top + height, left : left + width])


class PictureBackground(Background):
    """A picture, cropped to the frame; `sar` is the width over height of the frame's pixels."""

    def __init__(self, path: Path, sar: Fraction) -> None:
        self._source, self._pixel_ratio = read_picture(path).rgb, float(sar)
        self._picture: np.ndarray | None = None

    def render(self, frame: np.ndarray, alpha: np.ndarray, seconds: float) -> np.ndarray:
        if self._picture is None or self._picture.shape != frame.shape:
            self._picture = cover(self._source, alpha.shape, self._pixel_ratio)
        return self._picture


class VideoBackground(Background):
    """Another video at its own speed, in a loop; `sar` is the width over height of the frame's pixels."""

    def __init__(self, path: Path, sar: Fraction) -> None:
        self._path = path
        self._reader = IsolatedReader(path)
        self._pixel_ratio = float(sar / self._reader.info.sar)
        self._offset = 0.0
        self._last = 0.0
        self._picture: np.ndarray | None = None
        self._next = self._reader.read()
        if self._next is None:
            self._reader.close()
            raise BadInput("There is no picture in the background video: choose another one.")

    def render(self, frame: np.ndarray, alpha: np.ndarray, seconds: float) -> np.ndarray:
        while self._picture is None or (self._next is not None and self._due() <= seconds + 1e-6):
            if self._next is not None:
                self._picture = cover(self._next.rgb, alpha.shape, self._pixel_ratio)
                self._last = self._due()
            self._next = self._reader.read()
            if self._next is None:
                self._rewind()
        return self._picture

    def _due(self) -> float:
        assert self._next is not None
        return self._offset + float(self._next.pts * self._reader.info.time_base)

    def _rewind(self) -> None:
        if self._last == self._offset:  # a video of a single picture: it stays
            return
        self._offset = self._last + float(1 / self._reader.info.rate)
        self._reader.close()
        self._reader = IsolatedReader(self._path)
        self._next = self._reader.read()

    def close(self) -> None:
        self._reader.close()


def open_background(name: str, file: Path | None, sar: Fraction = Fraction(1)) -> Background:
    """The background that the option `background` names, or the file that was sent along.

    Args:
        name: a colour, or "blur"; without effect where there is a file.
        file: a picture or a video, untrusted.
        sar: width over height of the pixels of the frames in front of it.

    Raises:
        BadInput: the name is unknown, or the file is neither picture nor video.
    """
    if file is not None:
        try:
            return PictureBackground(file, sar) if is_picture(file) else VideoBackground(file, sar)
        except UserError as error:  # which speaks of a file, and there are two
            raise type(error)(f"The background cannot be used: {error.sentence}") from error
    text = COLOURS.get(name.strip().lower(), name.strip().lower())
    if text == "blur":
        return BlurredBackground()
    if re.fullmatch(r"#[0-9a-f]{3}", text):  # each digit stands for two
        text = "#" + "".join(2 * digit for digit in text[1:])
    if re.fullmatch(r"#[0-9a-f]{6}", text):
        return ColourBackground((int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)))
    raise BadInput(
        f"“{name}” is no background: give a colour such as #00b140 or green, “blur”, or send a picture or video."
    )
