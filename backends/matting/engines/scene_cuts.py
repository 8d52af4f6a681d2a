"""Scene cuts: where a picture does not continue the one before it."""

from __future__ import annotations

import cv2
import numpy as np

CUT_SIDE = 64
"""The long side in pixels at which pictures are compared: small movements do not count."""

CHANGED = 24.0
"""A pixel whose luma changes by more than this, of 255, has changed."""

MIN_CHANGED = 0.25
"""The least share of the pixels that change in a cut; a person who moves covers less."""

MAX_CORRELATION = 0.75
"""The greatest correlation of the two pictures of a cut, at the best shift of one over the other."""


def is_cut(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether another scene begins with `after`; both are gray pictures `(H, W)` uint8 of one size.

    Fades and flashes change all pixels and keep the scene, and so does a camera that turns: their pictures still
    correlate, if one is shifted. The correlation is the peak of Σ a·b / √(Σ a² Σ b²) over all shifts, of the pictures
    less their means.
    """
    scale = CUT_SIDE / max(before.shape)
    size = (max(8, round(before.shape[1] * scale)), max(8, round(before.shape[0] * scale)))
    one, two = (
        cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32) for picture in (before, after)
    )
    if float((np.abs(one - two) > CHANGED).mean()) < MIN_CHANGED:
        return False
    margin = (size[1] // 4, size[0] // 4)
    core = one[margin[0] : -margin[0], margin[1] : -margin[1]]
    if core.std() < 1 or two.std() < 1:  # to or from black: whatever comes next is new
        return True
    return float(cv2.matchTemplate(two, core, cv2.TM_CCOEFF_NORMED).max()) < MAX_CORRELATION
