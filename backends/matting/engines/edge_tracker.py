"""From a network's matte to a solved edge that stands still where the picture does, frame after frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backends.matting.engines.grabcut import ColourJudge
from backends.matting.engines.scene_cuts import is_cut
from backends.matting.finishing.closed_form import REACH, Band, solve
from backends.matting.finishing.temporal import luma, still_pixels

RATE = 0.2
"""How far a still pixel's mean moves to the network's new answer with each frame: it settles within a second."""

HYSTERESIS = 0.15
"""A still pixel changes sides only where the mean is farther from one half than this."""

MAX_CHANGED = 0.6
"""The share of the band that has to change before all of it is solved again: the rest would not save any time."""

MIN_PART = 0.1
"""The area of a part of the mask, of the largest one's, below which it is a speck."""

MAX_HOLE = 0.004
"""The area of a hole, of the largest part's, up to which it is filled."""

MIN_AREA = 0.002
"""The share of the picture that a mask covers at least, or else nobody is there."""


@dataclass(frozen=True)
class Memory:
    """What is known from the frames so far, all `(H, W)`.

    `judged_luma` is the luma at which each pixel was last judged, `mean` the network's answer averaged since then,
    `rough` what that says of which side of the edge the pixel is on, `mask` what the colours made of it, `unknown`
    where the edge was solved, and `alpha` the result.
    """

    judged_luma: np.ndarray
    mean: np.ndarray
    rough: np.ndarray
    mask: np.ndarray
    unknown: np.ndarray
    alpha: np.ndarray


class EdgeTracker:
    """Follows one video. Only what moved is judged and solved again; each scene begins anew.

    A pixel stands still while its luma stays near that at which it was last judged, so that a slow change counts as
    well as a sudden one. There the network's answer is averaged over time, and the solved alpha stays as it is, unless
    the mask changed around it: the edge of a still picture does not flicker, and costs nothing.

    Args:
        by_colour: whether a graph cut decides where the network is unsure, before the edge is solved: it brings fingers
            back, and takes about as long as solving.
        reach: of the band that is solved, as a share of the long side.
    """

    def __init__(self, by_colour: bool = True, reach: float = REACH) -> None:
        self._by_colour, self._reach = by_colour, reach
        self._judge = ColourJudge()
        self._memory: Memory | None = None
        self._grey: np.ndarray | None = None

    def alpha(self, frame: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """Alpha `(H, W)` float32 of the next frame `(H, W, 3)` uint8, of which the network says `answer` `(H, W)`."""
        current, grey = luma(frame), cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if self._grey is not None and (self._grey.shape != grey.shape or is_cut(self._grey, grey)):
            self._memory = None
        self._grey = grey
        if self._memory is None:
            self._memory = self._begin(frame, answer, current)
        else:
            self._memory = self._follow(frame, answer, current, self._memory)
        return self._memory.alpha

    def _begin(self, frame: np.ndarray, answer: np.ndarray, current: np.ndarray) -> Memory:
        """The first frame of a scene."""
        self._judge = ColourJudge()
        rough = clean(answer > 0.5)
        mask = clean(self._sides(frame, answer, rough))
        band = Band.around(mask, mask.shape[0], mask.shape[1], self._reach)
        alpha = solve(frame, band.inside.astype(np.float32), band.unknown, band.likely)
        return Memory(current, answer, rough, mask, band.unknown, alpha)

    def _follow(self, frame: np.ndarray, answer: np.ndarray, current: np.ndarray, before: Memory) -> Memory:
        still = still_pixels(before.judged_luma, current)
        judged_luma = np.where(still, before.judged_luma, current)
        mean = np.where(still, before.mean + RATE * (answer - before.mean), answer)
        undecided = still & (np.abs(mean - 0.5) < HYSTERESIS)
        rough = clean(np.where(undecided, before.rough, mean > 0.5))
        moved = _around(~still | (rough != before.rough))
        mask = before.mask
        if moved.any():
            mask = clean(np.where(moved, self._sides(frame, mean, rough), mask))
        band = Band.around(mask, mask.shape[0], mask.shape[1], self._reach)
        unknown = band.unknown & (moved | _around(mask != before.mask) | ~before.unknown)
        if np.count_nonzero(unknown) > MAX_CHANGED * np.count_nonzero(band.unknown):
            unknown = band.unknown
        known = np.where(band.unknown, before.alpha, band.inside.astype(np.float32))
        return Memory(judged_luma, mean, rough, mask, band.unknown, solve(frame, known, unknown, band.likely))

    def _sides(self, frame: np.ndarray, likely: np.ndarray, rough: np.ndarray) -> np.ndarray:
        """The mask for a network's answer `likely`, of which `rough` is the larger half; it may have specks."""
        return self._judge(frame, likely) if self._by_colour and rough.any() else rough


def _around(region: np.ndarray) -> np.ndarray:
    """`region` `(H, W)` bool and two pixels around it."""
    return cv2.dilate(region.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0


def clean(mask: np.ndarray) -> np.ndarray:
    """`mask` `(H, W)` bool without specks and pinholes; empty where it covers next to nothing."""
    labels, areas = _parts(mask, 8)
    areas[0] = 0
    if areas.max() < MIN_AREA * mask.size:
        return np.zeros_like(mask)
    large = areas >= MIN_PART * areas.max()
    whole = mask if large[1:].all() else large.take(labels)
    holes, sizes = _parts(~whole, 4)
    small = sizes < MAX_HOLE * areas.max()
    small[0] = False
    return whole | small.take(holes) if small.any() else whole


def _parts(region: np.ndarray, connectivity: int) -> tuple[np.ndarray, np.ndarray]:
    """The number of each pixel's part of `region` `(H, W)` bool, 0 outside, and the area of each number."""
    _, labels = cv2.connectedComponents(region.view(np.uint8), connectivity=connectivity)
    return labels, np.bincount(labels.ravel())
