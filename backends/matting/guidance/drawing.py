"""What hints cover of a picture, pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from backends.matting.guidance.hints import Hint

POINT_RADIUS = 0.008
"""Of the long side: what a click covers."""


def mask_of(hint: Hint, shape: tuple[int, ...]) -> np.ndarray:
    """What a hint covers of a picture of that (height, width), bool; never empty."""
    height, width = shape
    covered = np.zeros((height, width), np.uint8)
    places = np.rint(np.array(hint.points) * (width, height) - 0.5).astype(np.int32)
    places = np.clip(places, 0, (width - 1, height - 1))
    if hint.shape == "box":
        (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
        covered[top : bottom + 1, left : right + 1] = 1
    else:
        radius = max(1, round((POINT_RADIUS if hint.shape == "point" else hint.radius) * max(height, width)))
        cv2.polylines(covered, [places.reshape(-1, 1, 2)], False, 1, 2 * radius + 1)
        cv2.circle(covered, (int(places[0, 0]), int(places[0, 1])), radius, 1, -1)
    return covered > 0


def marked(hints: Sequence[Hint], kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """What points and strokes of one kind cover of a picture of that (height, width), bool."""
    covered = np.zeros(shape, bool)
    for hint in hints:
        if hint.kind == kind and hint.shape != "box":
            covered |= mask_of(hint, shape)
    return covered
