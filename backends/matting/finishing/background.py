"""New backgrounds: a colour, the old one blurred, a picture, or a video that runs along."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from backends.core.errors import BadInput
from backends.matting.video.frames import VideoReader
from backends.matting.video.source import is_picture
from backends.matting.video.still_image import read_picture

COLOURS = {"green": "#00b140", "blue": "#0047bb", "white": "#ffffff", "black": "#000000", "grey": "#808080"}
BLUR_SIDE = 320


class Background(ABC):
    """Gives a picture `(H, W, 3)` uint8 to lay behind each frame."""

    @abstractmethod
    def behind(self, frame: np.ndarray, alpha: np.ndarray, seconds: float) -> np.ndarray: ...

    def close(self) -> None:
        """Let go of files; the default holds none."""
        return


class Plain(Background):
    def __init__(self, rgb: tuple[int, int, int]) -> None:
        self._rgb = rgb
        self._picture: np.ndarray | None = None

    def behind(self, frame: np.ndarray, alpha: np.ndarray, seconds: float) -> np.ndarray:
        if self._picture is None or self._picture.shape != frame.shape:
            self._picture = np.full_like(frame, self._rgb)
        return self._picture


class Blurred(Background):
    """The scene itself out of focus. The person is left out of the blur, so that no halo surrounds them."""

    def __init__(self, strength: float = 0.03) -> None:
        self._strength = strength

    def behind(self, frame: np.ndarray, alpha: np.ndarray, seconds: float) -> np.ndarray:
        height, width = alpha.shape
        scale = min(1.0, BLUR_SIDE / max(height, width))
        size = (max(2, round(width * scale)), max(2, round(height * scale)))
        image = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        # A little more than the person is left out: mattes end early at hair.
        person = cv2.dilate(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.ones((5, 5), np.uint8))
        weight = np.maximum(1 - person, 1e-4)[..., None]
        sigma = self._strength * max(size)
        spread = cv2.GaussianBlur(image * weight, (0, 0), sigma)
        total = cv2.GaussianBlur(weight, (0, 0), sigma)
        smooth = np.clip(spread / total[..., None], 0, 255).astype(np.uint8)
        return cv2.resize(smooth, (width, height), interpolation=cv2.INTER_CUBIC)


def cover(picture: np.ndarray, shape: tuple[int, ...], wider: float = 1.0) -> np.ndarray:
    """`picture` enlarged or reduced to fill `shape` (height, width), what sticks out cut off evenly.

    `wider` says how many times as wide as the picture's own a pixel of the result is shown.
    """
    height, width = shape
    scale = max(height / picture.shape[0], width * wider / picture.shape[1])
    size = (max(width, round(picture.shape[1] * scale / wider)), max(height, round(picture.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    big = cv2.resize(picture, size, interpolation=how)
    top, left = (big.shape[0] - height) // 2, (big.shape[1] - width) // 2
    return np.ascontiguousarray(big[top : top + height, left : left + width])


class Still(Background):
    def __init__(self, path: Path, sar: Fraction) -> None:
        self._source, self._wider = read_picture(path).rgb, float(sar)
        self._picture: np.ndarray | None = None

    def behind(self, frame: np.ndarray, alpha: np.ndarray, seconds: float) -> np.ndarray:
        if self._picture is None or self._picture.shape != frame.shape:
            self._picture = cover(self._source, alpha.shape, self._wider)
        return self._picture


class Moving(Background):
    """Another video, at its own pace, from its beginning again when it ends."""

    def __init__(self, path: Path, sar: Fraction) -> None:
        self._path = path
        self._reader = VideoReader(path)
        self._wider = float(sar / self._reader.info.sar)
        self._offset = 0.0
        self._last = 0.0
        self._picture: np.ndarray | None = None
        self._next = self._reader.read()
        if self._next is None:
            self._reader.close()
            raise BadInput("There is no picture in the background video: choose another one.")

    def behind(self, frame: np.ndarray, alpha: np.ndarray, seconds: float) -> np.ndarray:
        while self._picture is None or (self._next is not None and self._due() <= seconds + 1e-6):
            if self._next is not None:
                self._picture = cover(self._next.rgb, alpha.shape, self._wider)
                self._last = self._due()
            self._next = self._reader.read()
            if self._next is None:
                self._rewind()
        return self._picture

    def _due(self) -> float:
        assert self._next is not None
        return self._offset + float(self._next.pts * self._reader.info.time_base)

    def _rewind(self) -> None:
        if self._last == self._offset:  # a single picture: it stays
            return
        self._offset = self._last + float(1 / self._reader.info.rate)
        self._reader.close()
        self._reader = VideoReader(self._path)
        self._next = self._reader.read()

    def close(self) -> None:
        self._reader.close()


def background(words: str, file: Path | None, sar: Fraction = Fraction(1)) -> Background:
    """The background named by an option, or the file sent along; `sar` is the shape of a pixel in front of it.

    Raises:
        BadInput: the words name none, or the file is neither picture nor video.
    """
    if file is not None:
        return Still(file, sar) if is_picture(file) else Moving(file, sar)
    text = COLOURS.get(words.strip().lower(), words.strip().lower())
    if text == "blur":
        return Blurred()
    if re.fullmatch(r"#[0-9a-f]{6}", text):
        return Plain((int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)))
    raise BadInput(
        f"“{words}” is no background: give a colour such as #00b140 or green, “blur”, or send a picture or video."
    )
