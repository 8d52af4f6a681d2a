"""Matting without a learned network: detectors find the person, GrabCut segments them, closed-form matting does hair.

It is the baseline for the networks, and works on a machine that has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import cv2
import numpy as np

from backends.matting.base import MattingEngine
from backends.matting.engines.grabcut import grabcut
from backends.matting.engines.person_detection import Detection, detect_people, scale_box, trimap_prior
from backends.matting.engines.scene_cuts import is_cut
from backends.matting.finishing.closed_form import soft_edge
from backends.matting.finishing.temporal import STILL, luma

SIDE = 400
CUT_SIDE = 256
"""The long sides, in pixels, at which the edge is solved and at which the graph is cut."""

DETECTION_INTERVAL = 20  # frames
LIVE_DETECTION_INTERVAL = 75  # frames, before a camera, where a detection delays one picture
SEARCH_INTERVAL = 3  # frames, while nobody is known
LIVE_SEARCH_INTERVAL = 10
MIN_COVERED, MAX_SAME = 0.5, 0.15
"""Fractions of who was found: how much must hide the known background, and how much may look like it by chance. Whoever
stood there before, with the face turned away, was learned as background."""
MIN_PLATE_MATCH = 0.5  # fraction of the known background that must still match, or else the camera moved


class ClassicalEngine(MattingEngine):
    """Detectors, GrabCut, optical flow and closed-form matting."""

    name: ClassVar[str] = "classical"
    watches_people: ClassVar[bool] = True
    pixels_a_call: int = 100_000

    def load(self, device: str) -> None:
        """There is nothing to load; it always runs on the processor."""

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        scale = min(1.0, SIDE / max(height, width))
        return max(8, round(height * scale)), max(8, round(width * scale))

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        return self.begin()(frames)

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        return PersonTracker().mattes

    def begin_live(self) -> Callable[[np.ndarray], np.ndarray]:
        return PersonTracker(LIVE_DETECTION_INTERVAL, LIVE_SEARCH_INTERVAL).mattes


class PersonTracker:
    """Follows the people through a video: the last mask moves with the picture, and GrabCut refines it.

    Each scene begins anew, and so does everything once the person was lost: what was learned of the background then
    may have been the person. While no face or body is found the matte is empty, and the empty place is learned; it
    counts as the background of whoever comes to stand before it.

    Args:
        detection_interval: frames from one look by the detectors to the next.
        search_interval: the same while nobody is known.
    """

    def __init__(self, detection_interval: int = DETECTION_INTERVAL, search_interval: int = SEARCH_INTERVAL) -> None:
        self._detection_interval, self._search_interval = detection_interval, search_interval
        self._count = self._next_detection = 0
        self._grey: np.ndarray | None = None
        self._mask: np.ndarray | None = None
        self._plate = BackgroundPlate()
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._forget()

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        """Alphas `(B, H, W)` float32 of the next frames `(B, H, W, 3)` uint8."""
        return np.stack([self.matte(frame) for frame in frames])

    def matte(self, frame: np.ndarray) -> np.ndarray:
        """Alpha `(H, W)` float32 of the next frame `(H, W, 3)` uint8."""
        small = _reduced(frame, CUT_SIDE)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        if self._grey is not None and (self._grey.shape != grey.shape or is_cut(self._grey, grey)):
            self._forget()
        detections = self._detect(frame, small.shape[1] / frame.shape[1])
        warped = self._warp_mask(grey)
        if warped is not None and self._is_lost(warped, detections):
            self._forget()
            warped = None
        if warped is not None:
            mask = grabcut(small, self._trimap(small, warped, detections), 2)
        elif detections:
            mask = grabcut(small, trimap_prior(grey.shape, detections), 5)
            if not self._plate.is_hidden_by(mask, small):
                self._plate = BackgroundPlate()
            self._next_detection = self._count + min(DETECTION_INTERVAL, self._detection_interval)
        else:
            mask = np.zeros(grey.shape, bool)
        self._grey = grey
        self._count += 1
        if not mask.any():
            self._mask = None
            self._plate.watch(small)
            return np.zeros(frame.shape[:2], np.float32)
        self._mask = remove_specks(mask, detections)
        self._plate.learn(small, self._mask)
        return soft_edge(frame, self._mask)

    def _forget(self) -> None:
        """Begin anew with the next look: nobody is known, nor any background."""
        self._mask = None
        self._plate = BackgroundPlate()
        self._next_detection = min(self._next_detection, self._count)

    def _detect(self, frame: np.ndarray, scale: float) -> list[Detection]:
        if self._count < self._next_detection:
            return []
        detections = detect_people(frame)
        known = bool(detections) or self._mask is not None
        self._next_detection = self._count + (self._detection_interval if known else self._search_interval)
        return [Detection(found.kind, scale_box(found.box, scale)) for found in detections]

    def _warp_mask(self, grey: np.ndarray) -> np.ndarray | None:
        """The last mask moved by the optical flow to the picture `grey` `(h, w)` uint8: `(h, w)` float32 in 0..1."""
        if self._mask is None or self._grey is None or self._grey.shape != grey.shape:
            return None
        flow = self._flow.calc(grey, self._grey, np.zeros((*grey.shape, 2), np.float32))
        rows, columns = np.mgrid[0 : grey.shape[0], 0 : grey.shape[1]].astype(np.float32)
        return cv2.remap(self._mask.astype(np.float32), columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR)

    @staticmethod
    def _is_lost(warped: np.ndarray, detections: list[Detection]) -> bool:
        """Whether the mask no longer covers the faces that are seen, or is nearly empty."""
        if warped.mean() < 0.005:
            return True
        for detection in detections:
            x, y, w, h = (round(side) for side in detection.box)
            inner = warped[max(0, y + h // 4) : y + 3 * h // 4 + 1, max(0, x + w // 4) : x + 3 * w // 4 + 1]
            if detection.kind == "face" and inner.size and inner.mean() < 0.5:
                return True
        return False

    def _trimap(self, small: np.ndarray, warped: np.ndarray, detections: list[Detection]) -> np.ndarray:
        """The trimap for GrabCut in a later frame: certain well inside and outside the warped mask, open in between."""
        reach = max(2, round(0.03 * max(warped.shape)))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        likely = (warped > 0.5).astype(np.uint8)
        mask = np.where(likely > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        mask[cv2.erode(likely, kernel) > 0] = cv2.GC_FGD
        mask[cv2.dilate(likely, kernel) == 0] = cv2.GC_BGD
        same, other = self._plate.compare(small)
        mask[same & (mask != cv2.GC_FGD)] = cv2.GC_BGD
        # What covers the known background and touches the person belongs to them, such as a raised hand.
        mask[_components_touching(other, likely > 0) & (mask != cv2.GC_FGD)] = cv2.GC_PR_FGD
        if detections:
            mask[(trimap_prior(warped.shape, detections) == cv2.GC_FGD) & (mask != cv2.GC_BGD)] = cv2.GC_FGD
        return mask


class BackgroundPlate:
    """A clean plate: the background behind the person, averaged where they are not, while the camera stands still."""

    def __init__(self) -> None:
        self._mean: np.ndarray | None = None
        self._seen: np.ndarray | None = None

    def learn(self, frame: np.ndarray, mask: np.ndarray) -> None:
        """Add `frame` `(h, w, 3)` uint8 to the running mean, outside the person's `mask` `(h, w)` bool."""
        smooth = cv2.GaussianBlur(frame, (5, 5), 0).astype(np.float32)
        kernel = np.ones((9, 9), np.uint8)
        free = cv2.dilate(mask.astype(np.uint8), kernel) == 0
        if self._mean is None or self._seen is None or self._camera_moved(frame, free):
            self._mean, self._seen = smooth, np.zeros(mask.shape, np.float32)
        weight = np.where(free, 1 / np.minimum(self._seen + 1, 30), 0)[..., None]
        self._mean += weight * (smooth - self._mean)
        self._seen += free

    def watch(self, frame: np.ndarray) -> None:
        """Add `frame` `(h, w, 3)` uint8, in which nobody is known, but not what came to cover the known background."""
        _, covered = self.compare(frame)
        self.learn(frame, covered)

    def is_hidden_by(self, mask: np.ndarray, frame: np.ndarray) -> bool:
        """Whether who was found, `mask` `(h, w)` bool, stands before the known background and was not learned as it."""
        same, covered = self.compare(frame)
        return bool(mask.any() and same[mask].mean() < MAX_SAME and covered[mask].mean() > MIN_COVERED)

    def compare(self, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the known background shows, and where something covers it; both `(H, W)` bool."""
        if self._mean is None or self._seen is None:
            return np.zeros(frame.shape[:2], bool), np.zeros(frame.shape[:2], bool)
        known = self._seen >= 3
        difference = np.abs(cv2.GaussianBlur(frame, (5, 5), 0).astype(np.float32) - self._mean).max(axis=2)
        return known & (difference < 1.5 * STILL), known & (difference > 5 * STILL)

    def _camera_moved(self, frame: np.ndarray, free: np.ndarray) -> bool:
        assert self._mean is not None and self._seen is not None
        known = (self._seen >= 2) & free
        if not known.any():
            return False
        difference = np.abs(luma(frame) - cv2.cvtColor(self._mean, cv2.COLOR_RGB2GRAY))
        return float((difference[known] < 2 * STILL).mean()) < MIN_PLATE_MATCH


def _components_touching(region: np.ndarray, person: np.ndarray) -> np.ndarray:
    """The connected parts of `region` that touch `person`, all `(h, w)` bool."""
    grown = cv2.dilate(person.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    opened = cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents(opened)
    touched = np.unique(labels[grown & (opened > 0)])
    return np.isin(labels, touched[touched > 0])


def _reduced(frame: np.ndarray, side: int) -> np.ndarray:
    scale = min(1.0, side / max(frame.shape[:2]))
    size = (max(8, round(frame.shape[1] * scale)), max(8, round(frame.shape[0] * scale)))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def remove_specks(mask: np.ndarray, detections: list[Detection]) -> np.ndarray:
    """`mask` `(h, w)` bool without parts under a tenth of the largest one and without small holes."""
    bits = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bits, connectivity=8)
    if count < 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    keep = areas >= 0.1 * areas.max()
    for detection in detections:  # a part with a face in it stays, however small
        x, y = (round(side) for side in detection.centre)
        if 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1] and labels[y, x]:
            keep[labels[y, x]] = True
    whole = keep[labels]
    _, holes, stats, _ = cv2.connectedComponentsWithStats((~whole).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < max(4, 0.004 * areas.max())
    small[0] = False
    return whole | small[holes]
