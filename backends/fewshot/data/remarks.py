"""What a person should know of a picture that can be read but may be no good example."""

from __future__ import annotations

import numpy as np

from backends.shared.images import Decoded

MIN_SIDE = 8
"""Pixels: a shorter side shows next to nothing."""

MIN_BRIGHTEST = 26
"""Of 255: cameras of 12 bits in a file of 16 stay below it, and a model sees next to nothing."""

MAX_ASPECT = 8
"""Of the longer side to the shorter one."""


def remark(picture: Decoded) -> str:
    """What is odd about a picture, as the end of a sentence that begins with its name; "" for a usual one.

    >>> remark(Decoded(np.zeros((1, 1, 3), np.uint8), 1, 1))
    'is only 1 × 1 pixels large.'
    """
    short, long = sorted((picture.width, picture.height))
    if short < MIN_SIDE:
        return f"is only {picture.width} × {picture.height} pixels large."
    if not np.ptp(picture.rgb, axis=(0, 1)).any():
        return "shows nothing but one even colour."
    if (brightest := int(picture.rgb.max())) < MIN_BRIGHTEST:
        return f"is nearly black: its brightest point is {brightest} of 255."
    if long > MAX_ASPECT * short:
        return f"is {long // short} times as long as wide, so that a model sees very little of it."
    if picture.pages:
        return "has several pages: only the first one is looked at."
    return ""
