"""From the raw matte to the pictures that are written: enlargement, edge, foreground colours, background."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backends.matting.finishing.background import Background
from backends.matting.finishing.composing import compose
from backends.matting.finishing.edges import (
    foreground,
    guided_upsample,
    move_edge,
    plain_upsample,
    region_mask,
    soften,
)
from backends.matting.finishing.matte_store import to_uint8
from backends.matting.finishing.multilevel import multilevel_foreground
from backends.matting.options import MattingOptions
from backends.matting.types import Frame
from backends.matting.video.exports import COMPOSITE, CUTOUT, MATTE
from backends.matting.video.still_image import Picture

PREVIEW_SIDE, PREVIEW_QUALITY = 480, 85
FINE_PIXELS = 12_000_000
"""Pictures up to this size get the slower and finer estimate of foreground colours."""


@dataclass(frozen=True)
class Finisher:
    """Makes the contents named in `contents` ("matte", "cutout", "composite") from a frame and its raw matte."""

    options: MattingOptions
    contents: frozenset[str]
    background: Background | None = None

    def finish_matte(self, frame: np.ndarray, guide: np.ndarray, smoothed: np.ndarray) -> np.ndarray:
        """The finished matte of a frame.

        Args:
            frame: `(H, W, 3)` uint8.
            guide: `(h, w, 3)` uint8, the frame at the engine's working size.
            smoothed: `(h, w)` float32, the raw matte after smoothing over time.

        Returns:
            `(H, W)` float32.
        """
        if smoothed.shape == frame.shape[:2]:
            full = smoothed
        elif min(smoothed.shape) < 32:
            full = plain_upsample(smoothed, *frame.shape[:2])
        else:
            full = guided_upsample(smoothed, guide, frame)
        alpha = soften(move_edge(full, self.options.edge), self.options.softness)
        if self.options.region:
            alpha = alpha * region_mask(self.options.region, alpha.shape[0], alpha.shape[1])
        return alpha

    def render(self, frame: Frame, alpha: np.ndarray, seconds: float) -> dict[str, np.ndarray]:
        """The pictures of one frame by content: matte `(H, W)`, cutout `(H, W, 4)`, composite `(H, W, 3)`.

        All are uint8, but a cutout is uint16 where the frame has more than 8 bits.

        Args:
            frame: as it was read.
            alpha: `(H, W)` float32, the finished matte.
            seconds: when the frame is shown, for a background that moves.
        """
        pictures: dict[str, np.ndarray] = {}
        if MATTE in self.contents:
            pictures[MATTE] = to_uint8(alpha)
        if CUTOUT not in self.contents and COMPOSITE not in self.contents:
            return pictures
        colours = foreground(frame.rgb, alpha, self.options.despill)
        if CUTOUT in self.contents:
            deep = frame.deep is not None
            pictures[CUTOUT] = deep_cutout(frame, colours, alpha) if deep else cv2.merge([colours, to_uint8(alpha)])
        if COMPOSITE in self.contents:
            assert self.background is not None
            behind = self.background.render(frame.rgb, alpha, seconds)
            pictures[COMPOSITE] = compose(colours, alpha, behind, self.options)
        return pictures


def with_own_alpha(alpha: np.ndarray, frame: Frame) -> np.ndarray:
    """The finished matte `(H, W)` float32 times the source's own transparency, where it has any."""
    return alpha if frame.alpha is None else alpha * frame.alpha


def deep_cutout(frame: Frame, colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The cut-out `(H, W, 4)` uint16 of a frame with more than 8 bits.

    The colours of the edge are estimated in 8 bits; their difference from the frame is added to the frame's own deep
    colours, which therefore are untouched where nothing was changed.

    Args:
        frame: with its `deep` picture.
        colours: `(H, W, 3)` uint8, the foreground's.
        alpha: `(H, W)` float32.
    """
    assert frame.deep is not None
    change = cv2.subtract(colours, frame.rgb, dtype=cv2.CV_32F)
    deep = cv2.scaleAdd(change, 257.0, frame.deep.astype(np.float32))
    deep[(colours.max(axis=2) == 0) & (alpha == 0)] = 0  # far from the person, where nothing shines through
    opacity = np.rint(alpha * 65535)
    return cv2.merge([*cv2.split(np.clip(np.rint(deep), 0, 65535)), opacity]).astype(np.uint16)


def finish_picture_matte(picture: Picture, raw: np.ndarray, options: MattingOptions) -> np.ndarray:
    """The finished matte `(H, W)` float32 of a still picture from its raw one `(h, w)`, times its own alpha."""
    guide = cv2.resize(picture.rgb, raw.shape[::-1], interpolation=cv2.INTER_AREA)
    alpha = Finisher(options, frozenset({MATTE})).finish_matte(picture.rgb, guide, raw)
    return alpha if picture.alpha is None else alpha * picture.alpha


def picture_foreground(picture: Picture, alpha: np.ndarray, options: MattingOptions) -> np.ndarray:
    """The foreground colours `(H, W, 3)` uint8 of a still picture with the finished matte `alpha` `(H, W)` float32."""
    estimate = multilevel_foreground if alpha.size <= FINE_PIXELS else foreground
    return estimate(picture.rgb, alpha, options.despill)


def preview(frame: np.ndarray, alpha: np.ndarray) -> bytes:
    """A small see-through WebP of one frame, to look at while the job goes on."""
    scale = min(1.0, PREVIEW_SIDE / max(alpha.shape))
    size = (max(2, round(alpha.shape[1] * scale)), max(2, round(alpha.shape[0] * scale)))
    colours = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    matte = to_uint8(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA))
    picture = cv2.cvtColor(cv2.merge([colours, matte]), cv2.COLOR_RGBA2BGRA)
    quality = [cv2.IMWRITE_WEBP_QUALITY, PREVIEW_QUALITY]  # without, it is coded losslessly, which takes far longer
    encoded, data = cv2.imencode(".webp", picture, quality)
    assert encoded
    return data.tobytes()
