"""What may take the place of a part that is taken away, by id with its words; the first of each task is the usual one.

No choice is right for all inputs: black is an edge of its own in a light picture, and a map that changes much with the
baseline is no property of the model.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.ndimage import gaussian_filter

PICTURE = {"mean": "the mean colour", "blur": "the blurred picture", "black": "black"}
FRAME = {"blur": "the blurred picture", "mean": "the mean colour", "black": "black"}
SOUND = {"silence": "silence", "quieter": "the same sound, 12 dB quieter"}
RESIDUE = {"mask": "a hidden residue", "alanine": "an alanine", "glycine": "a glycine"}

BLUR = 0.08
"""Standard deviation of the blur, in the longer side of a picture."""


def usual(baselines: Mapping[str, str], name: str) -> str:
    """The id of a baseline: `name`, or the first where there is none.

    >>> usual(PICTURE, "")
    'mean'
    """
    return name or next(iter(baselines))


def behind(image: np.ndarray, name: str) -> np.ndarray:
    """What stands behind a picture `(H, W, 3)` uint8: a colour `(3,)`, or a picture of its shape."""
    if name == "mean":
        return np.asarray(image.mean((0, 1)).round())
    if name == "black":
        return np.zeros(3)
    sigma = BLUR * max(image.shape[:2])
    return gaussian_filter(image.astype(np.float32), (sigma, sigma, 0), mode="nearest").round().astype(np.uint8)
