"""Faces and bodies by MediaPipe's detectors, where their weights are: single-shot networks over a grid of anchors.

Both look at a square into which the picture is fitted, in −1..1, and say for each anchor how sure they are and where
the box and its landmarks lie, in pixels from the anchor (Bazarevsky et al. 2019, "BlazeFace", section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from backends.matting.cards import DETECTORS
from backends.matting.engines.lite_network import LiteNetwork
from backends.weights.store import WeightStore

FACE_STRIDES = (4,)
BODY_STRIDES = (8, 8, 16, 16, 32, 32, 32, 32, 32, 32)
"""The pixels from one anchor to the next, one entry for each set of anchors."""

MIN_FACE_SCORE, MIN_BODY_SCORE = 0.6, 0.5
"""The least certainty of a detection, as the networks' authors set it."""

MAX_OVERLAP = 0.3
"""Boxes whose intersection is a greater share of their union are of the same face or body."""

HIPS, TOP = 0, 1
"""Landmarks of a body: the middle of the hips, and a point on the circle around all of the body."""

MIN_WIDTH = 0.5
"""Of a body's length: a standing one is about half as wide as long, in a box with some room."""


@dataclass(frozen=True)
class AnchorDetection:
    """A detection: `box` (x, y, width, height) and `landmarks` `(N, 2)` in pixels of the frame; `score` in 0..1."""

    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    score: float


class AnchorDetector:
    """One network with its anchors: its outputs are boxes with landmarks `(1, N, 4 + 2K)` and logits `(1, N, 1)`."""

    def __init__(self, path: Path, strides: tuple[int, ...], min_score: float) -> None:
        self._network = LiteNetwork(path)
        self._side = self._network.input_shape[1]
        self._anchors = anchors(self._side, strides)
        self._min_score = min_score

    def find(self, frame: np.ndarray) -> list[AnchorDetection]:
        """What is in `frame` `(H, W, 3)` uint8, the surest first, each once."""
        height, width = frame.shape[:2]
        scale = self._side / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        fitted = np.zeros((1, self._side, self._side, 3), np.float32)
        left, top = (self._side - size[0]) // 2, (self._side - size[1]) // 2
        fitted[0, top : top + size[1], left : left + size[0]] = small.astype(np.float32) / 127.5 - 1
        outputs = self._network(fitted).values()
        logits = next(output for output in outputs if output.shape[-1] == 1)[0, :, 0]
        places = next(output for output in outputs if output.shape[-1] > 1)[0].reshape(len(logits), -1, 2)
        scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
        chosen = np.flatnonzero(scores >= self._min_score)
        points = places[chosen].copy()  # (N, 2 + K, 2): centre, size, landmarks
        points[:, 0] += self._anchors[chosen]
        points[:, 2:] += self._anchors[chosen, None]
        points[:, [0, *range(2, points.shape[1])]] -= (left, top)
        points /= scale
        corners, sizes = points[:, 0] - points[:, 1] / 2, points[:, 1]
        boxes = [(float(x), float(y), float(w), float(h)) for (x, y), (w, h) in zip(corners, sizes, strict=True)]
        return _distinct(
            [AnchorDetection(box, p[2:], float(s)) for box, p, s in zip(boxes, points, scores[chosen], strict=True)]
        )


def anchors(side: int, strides: tuple[int, ...]) -> np.ndarray:
    """The middles `(N, 2)` of the cells of a grid over a square of `side` pixels, one grid for each stride.

    Sets of one stride that follow each other share a grid, whose cells then have one anchor for each, in turn.

    >>> anchors(224, BODY_STRIDES).shape, anchors(192, FACE_STRIDES)[:2].tolist()
    ((2254, 2), [[2.0, 2.0], [6.0, 2.0]])
    """
    grids = []
    for stride in dict.fromkeys(strides):
        count = side // stride
        rows, columns = np.mgrid[0:count, 0:count]
        cells = np.stack([columns.ravel(), rows.ravel()], axis=1)
        grids.append(np.repeat((cells + 0.5) * stride, strides.count(stride), axis=0))
    return np.concatenate(grids).astype(np.float32)


def _distinct(found: list[AnchorDetection]) -> list[AnchorDetection]:
    """One detection for each face or body: non-maximum suppression."""
    kept: list[AnchorDetection] = []
    for one in sorted(found, key=lambda each: -each.score):
        if all(overlap(one.box, other.box) <= MAX_OVERLAP for other in kept):
            kept.append(one)
    return kept


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Intersection over union of two boxes (x, y, width, height).

    >>> overlap((0, 0, 2, 2), (1, 0, 2, 2))
    0.3333333333333333
    """
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    intersection = max(0.0, width) * max(0.0, height)
    return intersection / (one[2] * one[3] + other[2] * other[3] - intersection)


@dataclass(frozen=True)
class Detectors:
    """The two networks."""

    face: AnchorDetector
    body: AnchorDetector

    def faces(self, frame: np.ndarray) -> list[tuple[float, float, float, float]]:
        """Boxes from the brows to the chin, the largest first."""
        return sorted((found.box for found in self.face.find(frame)), key=lambda box: -box[2])

    def bodies(self, frame: np.ndarray) -> list[tuple[float, float, float, float]]:
        """Boxes around bodies that are in the picture from head to feet, with some room."""
        boxes = [body_box(found.landmarks) for found in self.body.find(frame)]
        return [box for box in boxes if _is_inside(box, *frame.shape[:2])]


def body_box(landmarks: np.ndarray) -> tuple[float, float, float, float]:
    """The box around a body whose landmarks `(K, 2)` name its hips and a point on the circle around all of it.

    >>> body_box(np.array([[50.0, 60.0], [50.0, 20.0]]))
    (30.0, 20.0, 40.0, 80.0)
    """
    (x, y), (right, down) = landmarks[HIPS], landmarks[TOP] - landmarks[HIPS]
    length = 2 * float(np.hypot(right, down))
    width, height = (max(2 * abs(float(side)), MIN_WIDTH * length) for side in (right, down))
    return float(x) - width / 2, float(y) - height / 2, width, height


def _is_inside(box: tuple[float, float, float, float], height: int, width: int) -> bool:
    """Whether head and feet are in a picture of that size; the circle has some room, so the box may reach out a bit."""
    x, y, w, h = box
    room = 0.15 * max(w, h)
    return x > -room and y > -room and x + w < width + room and y + h < height + room


def detectors() -> Detectors | None:
    """The detectors, None where their weights are not on this machine or are damaged."""
    store = WeightStore()
    return _load(*store.paths(DETECTORS)) if store.state(DETECTORS) == "present" else None


@cache
def _load(face: Path, body: Path) -> Detectors:
    return Detectors(
        AnchorDetector(face, FACE_STRIDES, MIN_FACE_SCORE), AnchorDetector(body, BODY_STRIDES, MIN_BODY_SCORE)
    )
