"""GrabCut: a graph cut between the colours of a person and those of the background."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

SIDE = 256
"""The long side in pixels at which a mask is refined."""

MIN_CONFIDENCE = 0.9
"""A network that gives more than this, or less than what is left to 1, is believed: colours that may overrule it
farther take in a fence that looks like a hand."""

ROOM = 24
"""Pixels around the person that are looked at: enough of the background to know its colours."""

RELEARN = 15
"""Frames of a video for which the mixtures of colours are kept: half a second, in which light changes little."""

GROWN = 1.25
"""How much larger or smaller what is surely a person becomes before they are learned anew: with somebody who comes in,
or turns up behind another, come colours that nobody had."""


@dataclass(frozen=True)
class Mixtures:
    """OpenCV's Gaussian mixtures of the colours of background and person, each `(1, 65)`; empty until learned."""

    background: np.ndarray = field(default_factory=lambda: np.zeros((1, 65)))
    person: np.ndarray = field(default_factory=lambda: np.zeros((1, 65)))

    @property
    def learned(self) -> bool:
        return bool(self.person.any())


def grabcut(frame: np.ndarray, mask: np.ndarray, rounds: int, mixtures: Mixtures | None = None) -> np.ndarray:
    """Segment the person by GrabCut (Rother et al. 2004).

    Alternates between Gaussian mixtures of the colours of person and background and a minimum graph cut of
    E = Σ data terms + Σ smoothness terms between neighbours (equations 2-11).

    Args:
        frame: `(H, W, 3)` uint8.
        mask: `(H, W)` uint8, the trimap as OpenCV's GC_* values.
        rounds: of the alternation.
        mixtures: are filled where they are empty, and used as they are where they were learned from another frame.

    Returns:
        `(H, W)` bool.
    """
    person, other = (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD), (mask == cv2.GC_BGD) | (mask == cv2.GC_PR_BGD)
    if not person.any() or not other.any():
        return person  # the mixtures need samples of both
    cv2.setRNGSeed(0)  # the mixtures start from a random clustering
    mixtures = mixtures or Mixtures()
    mode = cv2.GC_EVAL_FREEZE_MODEL if mixtures.learned else cv2.GC_INIT_WITH_MASK
    swapped = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    whole = (0, 0, frame.shape[1], frame.shape[0])  # has no effect with a mask
    labels, _, _ = cv2.grabCut(swapped, mask.copy(), whole, mixtures.background, mixtures.person, rounds, mode)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


class ColourJudge:
    """Decides by colour in the frames of one scene. What it learned of their colours is kept for `RELEARN` frames, or
    until there is more or less of a person.

    Learning takes half the time of a cut; and mixtures that begin anew with each frame move the edge where nothing did.
    """

    def __init__(self) -> None:
        self._mixtures, self._uses, self._sure = Mixtures(), 0, 0

    def __call__(self, frame: np.ndarray, likely: np.ndarray) -> np.ndarray:
        """The next frame's person `(H, W)` bool; arguments as in `decide_by_colour`."""
        sure = int(np.count_nonzero(likely > MIN_CONFIDENCE))
        if self._uses == RELEARN or not self._sure <= GROWN * sure <= GROWN**2 * self._sure:
            self._mixtures, self._uses, self._sure = Mixtures(), 0, sure
        self._uses += 1
        return decide_by_colour(frame, likely, self._mixtures)


def decide_by_colour(frame: np.ndarray, likely: np.ndarray, mixtures: Mixtures | None = None) -> np.ndarray:
    """Where a network is unsure, such as between fingers, the colours decide; elsewhere it is believed.

    The graph is cut at a reduced size, around the person only.

    Args:
        frame: `(H, W, 3)` uint8.
        likely: `(H, W)` float32, how likely each pixel is the person's.
        mixtures: as in `grabcut`.

    Returns:
        `(H, W)` bool.
    """
    scale = min(1.0, SIDE / max(likely.shape))
    size = (max(8, round(likely.shape[1] * scale)), max(8, round(likely.shape[0] * scale)))
    reduced = cv2.resize(likely, size, interpolation=cv2.INTER_AREA)
    x, y, w, h = cv2.boundingRect((reduced > 1 - MIN_CONFIDENCE).astype(np.uint8))
    if not w or reduced.max() <= MIN_CONFIDENCE:
        return likely > 0.5
    trimap = np.where(reduced > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    trimap[reduced > MIN_CONFIDENCE], trimap[reduced < 1 - MIN_CONFIDENCE] = cv2.GC_FGD, cv2.GC_BGD
    box = np.s_[max(0, y - ROOM) : y + h + ROOM, max(0, x - ROOM) : x + w + ROOM]
    cut = np.zeros(reduced.shape, np.float32)
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    cut[box] = grabcut(np.ascontiguousarray(small[box]), trimap[box], 1, mixtures)
    return cv2.resize(cut, likely.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5
