"""Where a person probably is: a face implies head and shoulders, an outline a whole body.

By MediaPipe's detectors where their weights are, else by OpenCV's, which need none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from backends.matting.engines.lite_detection import detectors, overlap

DETECTION_SIDE = 480
FACE_CASCADES = {
    "haarcascade_frontalface_alt2.xml": 0.1,
    "haarcascade_frontalface_default.xml": 1.0,
    "haarcascade_profileface.xml": 1.0,
}
"""The weight of each detector's own score: the first gives about fifty to anything that it accepts."""

MIN_FACE_SCORE = 2.0
"""The sum of the scores of detectors that agree: patterns in cloth seldom reach this, faces nearly always do."""

MIN_BODY_SCORE = 0.4


@dataclass(frozen=True)
class Detection:
    """One detection as (x, y, width, height) in pixels of the frame; `kind` is "face" or "body"."""

    kind: str
    box: tuple[float, float, float, float]

    @property
    def centre(self) -> tuple[float, float]:
        x, y, width, height = self.box
        return x + width / 2, y + height / 2


@cache
def _cascade(name: str) -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / name))


@cache
def _body_detector() -> cv2.HOGDescriptor:
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))
    return hog


def detect_people(frame: np.ndarray) -> list[Detection]:
    """The people in `frame` `(H, W, 3)` uint8: faces, largest first, or else whole bodies, or else nothing."""
    networks = detectors()
    if networks is None:
        return _detect_without_networks(frame)
    faces = [Detection("face", box) for box in networks.faces(frame)]
    return faces or [Detection("body", box) for box in networks.bodies(frame)]


def _detect_without_networks(frame: np.ndarray) -> list[Detection]:
    """Faces by cascades of Haar features (Viola and Jones 2001), or else bodies by histograms of oriented gradients
    (Dalal and Triggs 2005)."""
    scale = DETECTION_SIDE / max(frame.shape[:2])
    size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
    grey = cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR), cv2.COLOR_RGB2GRAY)
    faces = _faces(grey)
    if faces:
        return [Detection("face", scale_box(box, 1 / scale)) for box in faces]
    return [Detection("body", scale_box(box, 1 / scale)) for box in _bodies(grey)]


def _faces(grey: np.ndarray) -> list[tuple[float, ...]]:
    """Boxes on which the detectors agree well enough, largest first; far smaller ones are mostly patterns."""
    candidates: list[tuple[tuple[float, ...], float]] = []
    for name, weight in FACE_CASCADES.items():
        candidates += [(box, weight * score) for box, score in _candidates(grey, name)]
        if "profile" in name:  # it knows one side only: look at the mirror image too
            flipped = _candidates(cv2.flip(grey, 1), name)
            candidates += [((grey.shape[1] - box[0] - box[2], *box[1:]), weight * score) for box, score in flipped]
    agreed: list[tuple[float, ...]] = []
    for box, score in sorted(candidates, key=lambda candidate: -candidate[1]):
        total = sum(other_score for other, other_score in candidates if overlap(box, other) > 0.3)
        if max(score, total) >= MIN_FACE_SCORE and all(overlap(box, other) < 0.1 for other in agreed):
            agreed.append(box)
    agreed.sort(key=lambda box: -box[2])
    return [box for box in agreed if box[2] > 0.5 * agreed[0][2]]


def _candidates(grey: np.ndarray, name: str) -> list[tuple[tuple[float, ...], float]]:
    least = max(20, min(grey.shape) // 12)
    boxes, _, scores = _cascade(name).detectMultiScale3(
        grey, scaleFactor=1.1, minNeighbors=3, minSize=(least, least), outputRejectLevels=True
    )
    return [(tuple(map(float, box)), float(score)) for box, score in zip(boxes, np.ravel(scores), strict=True)]


def _bodies(grey: np.ndarray) -> list[tuple[float, ...]]:
    if min(grey.shape) < 128:
        return []
    boxes, weights = _body_detector().detectMultiScale(grey, winStride=(8, 8), padding=(16, 16), scale=1.08)
    scored = zip(boxes, weights, strict=True)
    confident = [(tuple(map(float, box)), float(weight)) for box, weight in scored if weight > MIN_BODY_SCORE]
    chosen: list[tuple[float, ...]] = []
    for box, _ in sorted(confident, key=lambda pair: -pair[1]):
        if all(overlap(box, other) < 0.4 for other in chosen):
            chosen.append(box)
    return chosen[:4]


def scale_box(box: tuple[float, ...], scale: float) -> tuple[float, float, float, float]:
    return box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale


def trimap_prior(shape: tuple[int, int], detections: list[Detection]) -> np.ndarray:
    """The trimap to begin GrabCut with: certainly or probably person, probably or certainly background.

    The proportions are those of artists' anatomy: a detected face is about 0.75 of a head wide and high, shoulders are
    three to four faces wide, the body is seven and a half heads high.

    Args:
        shape: (H, W) of the picture.
        detections: the people in it; without any, a person is assumed in the middle.

    Returns:
        `(H, W)` uint8 of GC_FGD, GC_PR_FGD, GC_PR_BGD and GC_BGD.
    """
    height, width = shape
    mask = np.full(shape, cv2.GC_PR_BGD, np.uint8)
    for detection in detections:
        x, y, w, h = detection.box
        if detection.kind == "face":
            _draw_bust(mask, x + w / 2, y + h / 2, w)
        else:
            _draw_body(mask, x, y, w, h)
    if not detections:  # photographs of people mostly have them in the middle
        cv2.ellipse(
            mask, (width // 2, round(height * 0.62)), (width // 4, height // 2), 0, 0, 360, int(cv2.GC_PR_FGD), -1
        )
    rim = max(1, round(0.02 * max(shape)))
    for strip in (mask[:rim], mask[:, :rim], mask[:, -rim:]):
        strip[strip == cv2.GC_PR_BGD] = cv2.GC_BGD  # a person may extend below the picture, not above or beside it
    if detections:
        top = min(found.box[1] - (1.0 if found.kind == "face" else 0.1) * found.box[3] for found in detections)
        above = mask[: max(0, round(top))]
        above[above == cv2.GC_PR_BGD] = cv2.GC_BGD
    return mask


def _draw_bust(mask: np.ndarray, x: float, y: float, face: float) -> None:
    """Head, neck, shoulders and trunk around a face of width `face` with its middle at (x, y)."""

    def outline(points: list[tuple[float, float]], value: int) -> None:
        pixels = np.array([(x + right * face, y + down * face) for right, down in points], np.float32)
        cv2.fillPoly(mask, [np.rint(pixels).astype(np.int32)], value)

    far = 6.5  # below the picture's edge, or about at the knees
    shoulders = [
        (-0.5, 0.75),
        (-1.55, 1.25),
        (-1.7, 3.0),
        (-1.3, far),
        (1.3, far),
        (1.7, 3.0),
        (1.55, 1.25),
        (0.5, 0.75),
    ]
    outline(shoulders, int(cv2.GC_PR_FGD))
    centre = (round(x), round(y - 0.08 * face))
    cv2.ellipse(mask, centre, (round(0.66 * face), round(0.92 * face)), 0, 0, 360, int(cv2.GC_PR_FGD), -1)
    outline([(-0.7, 1.7), (-0.75, 3.4), (0.75, 3.4), (0.7, 1.7), (0.2, 1.1), (-0.2, 1.1)], int(cv2.GC_FGD))
    cv2.ellipse(mask, centre, (round(0.40 * face), round(0.55 * face)), 0, 0, 360, int(cv2.GC_FGD), -1)


def _draw_body(mask: np.ndarray, x: float, y: float, w: float, h: float) -> None:
    """A standing body in a detector's box, which has some room on every side."""
    middle = (round(x + w / 2), round(y + h / 2))
    cv2.ellipse(mask, middle, (round(0.34 * w), round(0.44 * h)), 0, 0, 360, int(cv2.GC_PR_FGD), -1)
    trunk = (middle[0], round(y + 0.38 * h))
    cv2.ellipse(mask, trunk, (round(0.13 * w), round(0.16 * h)), 0, 0, 360, int(cv2.GC_FGD), -1)
