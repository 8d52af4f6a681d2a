"""The sample clip: somebody waves before a garden, rendered, so that the true alpha of every hair is known.

Everything is drawn by arithmetic at twice the size and reduced, so edges are soft for the same reason as in a camera.
The same arguments give the same pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np

from evaluation.synthetic.figure import Pose, draw_figure
from evaluation.synthetic.scenery import Scenery

SUPERSAMPLING = 2
LENS_BLUR = 0.6  # pixels at the final size: no lens is as sharp as arithmetic


@dataclass(frozen=True)
class Rendered:
    """One frame: `rgb` = alpha·foreground + (1 − alpha)·background, rounded.

    `rgb` and `foreground` `(H, W, 3)` uint8, `alpha` `(H, W)` float32. Where alpha is 0 the foreground is black.
    """

    rgb: np.ndarray
    alpha: np.ndarray
    foreground: np.ndarray


@dataclass(frozen=True)
class SampleClip:
    """A clip that draws its frames when they are asked for, so its length costs no memory."""

    width: int = 640
    height: int = 360
    frames: int = 120
    rate: Fraction = Fraction(30)
    seed: int = 0

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[Rendered]:
        return (self[index] for index in range(self.frames))

    def __getitem__(self, index: int) -> Rendered:
        """Frame `index`; raises IndexError past the end."""
        if not 0 <= index < self.frames:
            raise IndexError(index)
        seconds = float(index / self.rate)
        colour, alpha = self._person(seconds)  # premultiplied
        behind = self._scenery.at(seconds)
        mixed = colour + (1 - alpha[..., None]) * behind
        straight = np.where(alpha[..., None] > 0, colour / np.maximum(alpha[..., None], 1e-6), 0)
        return Rendered(to_bytes(mixed), alpha, to_bytes(straight))

    @cached_property
    def _scenery(self) -> Scenery:
        return Scenery(self.width, self.height, self.seed)

    def _person(self, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """Colour times alpha `(H, W, 3)` and alpha `(H, W)`, float32 in 0..1."""
        size = (self.width * SUPERSAMPLING, self.height * SUPERSAMPLING)
        layers = draw_figure(*size, Pose.at(seconds), self.seed)  # (H, W, 4), premultiplied
        layers = cv2.GaussianBlur(layers, (0, 0), LENS_BLUR * SUPERSAMPLING)
        small = cv2.resize(layers, (self.width, self.height), interpolation=cv2.INTER_AREA)
        alpha = small[..., 3]
        # Gaussian tails that no eye and no 8-bit file can see would make "alpha is 0" mean nothing.
        small = np.where((alpha < 1 / 512)[..., None], 0, small)
        return small[..., :3], np.where(small[..., 3] > 1 - 1 / 512, 1, small[..., 3]).astype(np.float32)


def make_clip(seconds: float = 4.0, width: int = 640, height: int = 360, rate: int = 30, seed: int = 0) -> SampleClip:
    """A clip of a person before a moving background, whose true alpha is known.

    Args:
        seconds: its length; there is at least one frame.
        width, height: in pixels, at least 64 each.
        rate: frames a second.
        seed: of everything that is drawn by chance.

    Raises:
        ValueError: it would be smaller than 64 × 64 pixels.
    """
    if min(width, height) < 64:
        raise ValueError("the sample clip is at least 64 × 64 pixels")
    return SampleClip(width, height, max(1, round(seconds * rate)), Fraction(rate), seed)


def write_clip(clip: SampleClip, video: Path, alpha: Path | None = None) -> None:
    """Save the clip as an H.264 video, and its true alpha as a lossless gray one (FFV1 in MKV)."""
    size = ((clip.width, clip.height), clip.rate)
    with Recorder(video, "libx264", "yuv420p", *size) as pictures:
        mattes = Recorder(alpha, "ffv1", "gray", *size) if alpha is not None else None
        for rendered in clip:
            pictures.add(rendered.rgb)
            if mattes is not None:
                mattes.add(cv2.convertScaleAbs(rendered.alpha, alpha=255))
        if mattes is not None:
            mattes.close()


class Recorder(AbstractContextManager["Recorder"]):
    """One video file of a given (width, height) and rate, BT.709 or plain gray."""

    def __init__(self, path: Path, codec: str, pixels: str, size: tuple[int, int], rate: Fraction) -> None:
        width, height = size
        self._out = av.open(str(path), "w")
        options = {"crf": "14", "preset": "veryfast"} if codec == "libx264" else {}
        stream = cast(av.VideoStream, self._out.add_stream(codec, rate=rate, options=options))
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        self._gray, self._stream, self._count = pixels == "gray", stream, 0
        context = stream.codec_context
        context.color_range = 2 if self._gray else 1
        if not self._gray:
            context.colorspace = context.color_primaries = context.color_trc = 1

    def add(self, picture: np.ndarray) -> None:
        frame = av.VideoFrame.from_ndarray(picture, format="gray" if self._gray else "rgb24")
        if not self._gray:
            frame = frame.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)
        frame.pts = self._count
        self._count += 1
        self._out.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._out.mux(self._stream.encode(None))
        self._out.close()

    def __exit__(self, *error: object) -> None:
        self.close()


def to_bytes(colour: np.ndarray) -> np.ndarray:
    """Colours in 0..1 as 0..255 uint8."""
    return np.rint(np.clip(colour, 0, 1) * 255).astype(np.uint8)
