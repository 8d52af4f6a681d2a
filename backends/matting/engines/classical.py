"""Matting without a learned network: detectors find the person, GrabCut cuts them out, closed-form matting does hair.

The yardstick for the networks, and what works on a machine that has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import cv2
import numpy as np

from backends.matting.base import MattingEngine
from backends.matting.engines.person_detection import Find, find_people, prior
from backends.matting.finishing.temporal import STILL, luma

SIDE = 400
CUT_SIDE = 256
"""Long sides at which edges are solved and the graph is cut."""

LOOK_AGAIN = 20  # frames between two looks for the person
LOOK_AGAIN_LIVE = 75  # the same before a camera, where a look is a jerk in the picture
MOVED = 0.5  # share of the known plate that must still fit, or else the camera moved


class ClassicalEngine(MattingEngine):
    """Detectors, GrabCut, optical flow and closed-form matting."""

    name: ClassVar[str] = "classical"
    pixels_a_call: int = 100_000

    def load(self, device: str) -> None:
        """There is nothing to load; it always runs on the processor."""

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        scale = min(1.0, SIDE / max(height, width))
        return max(8, round(height * scale)), max(8, round(width * scale))

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        return self.begin()(frames)

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        return Tracker().mattes

    def begin_live(self) -> Callable[[np.ndarray], np.ndarray]:
        return Tracker(LOOK_AGAIN_LIVE).mattes


class Tracker:
    """Follows one person through a video."""

    def __init__(self, look_again: int = LOOK_AGAIN) -> None:
        self._look_again = look_again
        self._count = self._next_look = 0
        self._grey: np.ndarray | None = None
        self._mask: np.ndarray | None = None
        self._plate = Plate()
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        """Alphas `(B, H, W)` float32 of the next frames `(B, H, W, 3)` uint8."""
        return np.stack([self.matte(frame) for frame in frames])

    def matte(self, frame: np.ndarray) -> np.ndarray:
        """Alpha `(H, W)` float32 of the next frame `(H, W, 3)` uint8."""
        small = _reduced(frame, CUT_SIDE)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        finds = self._look(frame, small.shape[1] / frame.shape[1])
        carried = self._carried(grey)
        if carried is None or self._lost(carried, finds):
            mask = cut(small, prior(grey.shape, finds), 5)
        else:
            mask = cut(small, self._band(small, carried, finds), 2)
        mask = tidy(mask, finds)
        self._plate.learn(small, mask)
        self._grey, self._mask = grey, mask
        self._count += 1
        return soft_edge(frame, mask)

    def _look(self, frame: np.ndarray, scale: float) -> list[Find]:
        if self._count < self._next_look:
            return []
        finds = find_people(frame)
        self._next_look = self._count + (self._look_again if finds else LOOK_AGAIN)
        return [
            Find(find.kind, (find.box[0] * scale, find.box[1] * scale, find.box[2] * scale, find.box[3] * scale))
            for find in finds
        ]

    def _carried(self, grey: np.ndarray) -> np.ndarray | None:
        """The last mask, moved along with the picture, in 0..1."""
        if self._mask is None or self._grey is None or self._grey.shape != grey.shape:
            return None
        flow = self._flow.calc(grey, self._grey, np.zeros((*grey.shape, 2), np.float32))
        rows, columns = np.mgrid[0 : grey.shape[0], 0 : grey.shape[1]].astype(np.float32)
        return cv2.remap(self._mask.astype(np.float32), columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR)

    @staticmethod
    def _lost(carried: np.ndarray, finds: list[Find]) -> bool:
        """Whether the mask no longer covers the people who are seen, or is as good as gone."""
        if carried.mean() < 0.005:
            return True
        for find in finds:
            x, y, w, h = (round(side) for side in find.box)
            inner = carried[max(0, y + h // 4) : y + 3 * h // 4 + 1, max(0, x + w // 4) : x + 3 * w // 4 + 1]
            if find.kind == "face" and inner.size and inner.mean() < 0.5:
                return True
        return False

    def _band(self, small: np.ndarray, carried: np.ndarray, finds: list[Find]) -> np.ndarray:
        """GrabCut's mask for a later frame: sure well inside and outside the carried mask, open between."""
        reach = max(2, round(0.03 * max(carried.shape)))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        likely = (carried > 0.5).astype(np.uint8)
        mask = np.where(likely > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        mask[cv2.erode(likely, kernel) > 0] = cv2.GC_FGD
        mask[cv2.dilate(likely, kernel) == 0] = cv2.GC_BGD
        same, other = self._plate.compare(small)
        mask[same & (mask != cv2.GC_FGD)] = cv2.GC_BGD
        # What covers the known background and hangs together with the person belongs to them: a raised hand.
        mask[_touching(other, likely > 0) & (mask != cv2.GC_FGD)] = cv2.GC_PR_FGD
        if finds:
            mask[(prior(carried.shape, finds) == cv2.GC_FGD) & (mask != cv2.GC_BGD)] = cv2.GC_FGD
        return mask


class Plate:
    """The background behind the person, learned where they are not, as long as the camera stands still."""

    def __init__(self) -> None:
        self._mean: np.ndarray | None = None
        self._seen: np.ndarray | None = None

    def learn(self, frame: np.ndarray, mask: np.ndarray) -> None:
        smooth = cv2.GaussianBlur(frame, (5, 5), 0).astype(np.float32)
        kernel = np.ones((9, 9), np.uint8)
        free = cv2.dilate(mask.astype(np.uint8), kernel) == 0
        if self._mean is None or self._seen is None or self._moved(frame, free):
            self._mean, self._seen = smooth, np.zeros(mask.shape, np.float32)
        weight = np.where(free, 1 / np.minimum(self._seen + 1, 30), 0)[..., None]
        self._mean += weight * (smooth - self._mean)
        self._seen += free

    def compare(self, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the known background shows, and where something covers it; both `(H, W)` bool."""
        if self._mean is None or self._seen is None:
            return np.zeros(frame.shape[:2], bool), np.zeros(frame.shape[:2], bool)
        known = self._seen >= 3
        away = np.abs(cv2.GaussianBlur(frame, (5, 5), 0).astype(np.float32) - self._mean).max(axis=2)
        return known & (away < 1.5 * STILL), known & (away > 5 * STILL)

    def _moved(self, frame: np.ndarray, free: np.ndarray) -> bool:
        assert self._mean is not None and self._seen is not None
        known = (self._seen >= 2) & free
        if not known.any():
            return False
        away = np.abs(luma(frame) - cv2.cvtColor(self._mean, cv2.COLOR_RGB2GRAY))
        return float((away[known] < 2 * STILL).mean()) < MOVED


def _touching(region: np.ndarray, person: np.ndarray) -> np.ndarray:
    """The parts of `region` that touch `person`."""
    grown = cv2.dilate(person.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    opened = cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents(opened)
    touched = np.unique(labels[grown & (opened > 0)])
    return np.isin(labels, touched[touched > 0])


def _reduced(frame: np.ndarray, side: int) -> np.ndarray:
    scale = min(1.0, side / max(frame.shape[:2]))
    size = (max(8, round(frame.shape[1] * scale)), max(8, round(frame.shape[0] * scale)))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def cut(frame: np.ndarray, mask: np.ndarray, rounds: int) -> np.ndarray:
    """GrabCut (Rother et al. 2004) from `mask` in GrabCut's words to `(H, W)` bool."""
    person, other = (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD), (mask == cv2.GC_BGD) | (mask == cv2.GC_PR_BGD)
    if not person.any() or not other.any():
        return person  # GrabCut needs samples of both
    cv2.setRNGSeed(0)  # its clusters start from chance
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    swapped = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    whole = (0, 0, frame.shape[1], frame.shape[0])  # not looked at: the mask says it all
    found, _, _ = cv2.grabCut(swapped, mask.copy(), whole, background, foreground, rounds, cv2.GC_INIT_WITH_MASK)
    return (found == cv2.GC_FGD) | (found == cv2.GC_PR_FGD)


def tidy(mask: np.ndarray, finds: list[Find]) -> np.ndarray:
    """Without crumbs and pinholes: parts under a tenth of the largest go, holes of a thousandth of it close."""
    bits = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bits, connectivity=8)
    if count < 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    keep = areas >= 0.1 * areas.max()
    for find in finds:  # a part with a face in it stays, however small
        x, y = (round(side) for side in find.centre)
        if 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1] and labels[y, x]:
            keep[labels[y, x]] = True
    whole = keep[labels]
    _, holes, stats, _ = cv2.connectedComponentsWithStats((~whole).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < max(4, 0.004 * areas.max())
    small[0] = False
    return whole | small[holes]


def soft_edge(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Alpha of `frame` `(H, W, 3)` from a hard mask `(h, w)`, solved in a band around its edge.

    Closed-form matting (Levin et al. 2008, equation 12): the alpha that is smoothest where local colours lie on a
    line, given what is sure on both sides of the band.
    """
    height, width = frame.shape[:2]
    likely = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    reach = max(2, round(0.014 * max(height, width)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    sure = cv2.erode(likely, kernel) > 0.5
    open_ = (cv2.dilate(likely, kernel) > 0.5) & ~sure
    alpha = sure.astype(np.float32)
    x, y, w, h = cv2.boundingRect(open_.astype(np.uint8))
    if not w or not sure.any():
        return likely if w else alpha
    margin = 3
    box = np.s_[max(0, y - margin) : y + h + margin, max(0, x - margin) : x + w + margin]
    alpha[box][open_[box]] = _solved(frame[box], sure[box], open_[box], likely[box])
    return alpha


def _solved(frame: np.ndarray, sure: np.ndarray, open_: np.ndarray, likely: np.ndarray) -> np.ndarray:
    """The alphas of the open pixels, in reading order."""
    from pymatting import cg, ichol
    from pymatting.laplacian.cf_laplacian import cf_laplacian
    from scipy.sparse import diags

    laplacian = cf_laplacian(np.ascontiguousarray(frame / 255.0), 1e-5, 1, is_known=~open_).tocsr()
    unknown = np.flatnonzero(open_.ravel())
    rows = laplacian[unknown]
    # A faint pull towards the cut decides where colour says nothing.
    pull = 1e-3
    guess = likely.ravel()[unknown].astype(np.float64)
    system = (rows[:, unknown] + diags(np.full(len(unknown), pull))).tocsc()
    known = -np.asarray(rows[:, np.flatnonzero(sure.ravel())].sum(axis=1)).ravel()
    preconditioner = ichol(system, discard_threshold=1e-3, shifts=[1e-4, 1e-3, 1e-2, 1e-1, 1.0])
    solution = cg(system, known + pull * guess, x0=guess, M=preconditioner, maxiter=300, rtol=1e-4)
    return np.clip(solution, 0, 1).astype(np.float32)
