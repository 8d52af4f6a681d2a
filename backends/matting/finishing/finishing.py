"""From an engine's small matte to the pictures that are written: size, edge, colours, background."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backends.matting.finishing.background import Background
from backends.matting.finishing.edges import (
    foreground,
    guided_upsample,
    move_edge,
    plain_upsample,
    soften,
)
from backends.matting.finishing.multilevel import multilevel_foreground
from backends.matting.options import Settings
from backends.matting.video.exports import COMPOSITE, CUTOUT, MATTE
from backends.matting.video.still_image import Picture

PREVIEW_SIDE = 480
FINE_PIXELS = 12_000_000
"""Pictures up to this size get the slower and finer foreground colours."""


@dataclass(frozen=True)
class Finisher:
    """Makes the contents named in `contents` ("matte", "cutout", "composite") from a frame and its matte."""

    settings: Settings
    contents: frozenset[str]
    background: Background | None = None

    def alpha(self, frame: np.ndarray, guide: np.ndarray, small: np.ndarray) -> np.ndarray:
        """The final matte `(H, W)` float32 of `frame`; `small` `(h, w)` was found on `guide` `(h, w, 3)`."""
        if small.shape == frame.shape[:2]:
            full = small
        elif min(small.shape) < 32:
            full = plain_upsample(small, *frame.shape[:2])
        else:
            full = guided_upsample(small, guide, frame)
        return soften(move_edge(full, self.settings.edge), self.settings.softness)

    def pictures(self, frame: np.ndarray, alpha: np.ndarray, seconds: float) -> dict[str, np.ndarray]:
        """The contents asked for, as `(H, W)`, `(H, W, 4)` and `(H, W, 3)` uint8."""
        made: dict[str, np.ndarray] = {}
        matte = cv2.convertScaleAbs(alpha, alpha=255)
        if MATTE in self.contents:
            made[MATTE] = matte
        if CUTOUT not in self.contents and COMPOSITE not in self.contents:
            return made
        colours = foreground(frame, alpha, self.settings.despill)
        if CUTOUT in self.contents:
            made[CUTOUT] = cv2.merge([colours, matte])
        if COMPOSITE in self.contents:
            assert self.background is not None
            behind = self.background.behind(frame, alpha, seconds)
            made[COMPOSITE] = over(colours, alpha, behind)
        return made


def picture_alpha(picture: Picture, small: np.ndarray, settings: Settings) -> np.ndarray:
    """The final matte `(H, W)` float32 of a picture from the one `(h, w)` that was found; its own alpha counts too."""
    guide = cv2.resize(picture.rgb, small.shape[::-1], interpolation=cv2.INTER_AREA)
    alpha = Finisher(settings, frozenset({MATTE})).alpha(picture.rgb, guide, small)
    return alpha if picture.alpha is None else alpha * picture.alpha


def picture_colours(picture: Picture, alpha: np.ndarray, settings: Settings) -> np.ndarray:
    """The person's own colours `(H, W, 3)` uint8."""
    estimate = multilevel_foreground if alpha.size <= FINE_PIXELS else foreground
    return estimate(picture.rgb, alpha, settings.despill)


def over(colours: np.ndarray, alpha: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """`alpha`·F + (1 − `alpha`)·B (Porter and Duff 1984, "over"), uint8."""
    return cv2.blendLinear(colours, behind, alpha, 1 - alpha)


def preview(frame: np.ndarray, alpha: np.ndarray) -> bytes:
    """A small see-through WebP of one frame, to look at while the rest is made."""
    scale = min(1.0, PREVIEW_SIDE / max(alpha.shape))
    size = (max(2, round(alpha.shape[1] * scale)), max(2, round(alpha.shape[0] * scale)))
    colours = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    matte = cv2.convertScaleAbs(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), alpha=255)
    done, data = cv2.imencode(".webp", cv2.cvtColor(cv2.merge([colours, matte]), cv2.COLOR_RGBA2BGRA))
    assert done
    return data.tobytes()
