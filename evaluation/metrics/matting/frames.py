"""One frame of a clip with its truth: what the metrics of matting are computed of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evaluation.metrics.matting.masks import boundary_f, region_j

MASK_THRESHOLD = 0.5
"""Above this, a soft matte counts as person where it is compared with a hard mask."""


@dataclass(frozen=True)
class FramePair:
    """The matte of one frame and its truth: `alpha` and `truth` `(H, W)`, both in 0..1 or as 0..255 uint8.

    Where the truth is a mask, it is boolean. `index` counts the frames of the clip, `seconds` is its time.
    """

    index: int
    seconds: float
    alpha: np.ndarray
    truth: np.ndarray

    @cached_property
    def mask(self) -> np.ndarray:
        """The matte as a mask, `(H, W)` bool."""
        alpha = self.alpha / 255.0 if self.alpha.dtype == np.uint8 else self.alpha
        return alpha > MASK_THRESHOLD

    @cached_property
    def region_j(self) -> float:
        """J against the true mask."""
        return region_j(self.mask, self.truth)

    @cached_property
    def boundary_f(self) -> float:
        """F against the true mask."""
        return boundary_f(self.mask, self.truth)
