"""The correction of a still picture by hints."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from backends.core.errors import BadInput
from backends.matting.guidance.blending import blend
from backends.matting.guidance.carrying import Look
from backends.matting.guidance.hints import Hint, about
from backends.matting.guidance.regions import Changes, Scene, apply_hints

ONE_FRAME = "A picture has only the frame 0: the hints are for another file."


def correct_picture(rgb: np.ndarray, raw: np.ndarray, hints: Sequence[Hint], person: int = 0) -> np.ndarray:
    """The raw matte of a picture as its hints say.

    Args:
        rgb: `(H, W, 3)` uint8.
        raw: `(h, w)` float32, as it was found.
        hints: all on frame 0.
        person: as in the options.

    Returns:
        `(h, w)` float32.
    """
    if any(hint.frame for hint in hints):
        raise BadInput(ONE_FRAME)
    guide = cv2.resize(rgb, raw.shape[::-1], interpolation=cv2.INTER_AREA)
    look = Look.of(guide, raw)
    scene = Scene.look(look.frame, look.base)
    changes = apply_hints(scene, about(hints, person), Changes.none(look.base.shape))
    return blend(guide, raw, changes)
