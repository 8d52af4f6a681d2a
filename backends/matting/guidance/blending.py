"""From changes to a matte: the network's own alpha where nothing changed, a soft edge solved where something did."""

from __future__ import annotations

import cv2
import numpy as np

from backends.matting.finishing.closed_form import Band, solve
from backends.matting.guidance.regions import Changes

REACH = 0.012
"""How far the band of a new edge reaches to each side, as a share of the long side."""


def blend(frame: np.ndarray, base: np.ndarray, changes: Changes) -> np.ndarray:
    """The matte of a frame with its changes.

    Args:
        frame: `(H, W, 3)` uint8, at the size of the matte.
        base: `(H, W)` float32, the network's matte.
        changes: at the size of carrying.

    Returns:
        `(H, W)` float32: `base` itself, bit for bit, wherever no change is near.
    """
    if not (changes.dropped.any() or changes.added.any() or changes.soft.any()):
        return base
    dropped, added, soft = (_enlarged(region, base.shape) for region in (changes.dropped, changes.added, changes.soft))
    person = base > 0.5
    mask = (person & ~dropped) | added
    gone = _gone(person, dropped) & ~added
    alpha = np.where(gone, 0, np.where(added, 1, base)).astype(np.float32)
    band = Band.around(mask, base.shape[0], base.shape[1], REACH)
    unknown = (band.unknown & _around_change(mask, (person & dropped) | added)) | _soft_edge(mask, soft)
    # Around a new edge all is solved anew from what is sure on both sides of it.
    known = np.where(unknown, band.inside, alpha).astype(np.float32)
    return solve(frame, known, unknown, np.where(unknown, mask, alpha).astype(np.float32))


def _gone(person: np.ndarray, dropped: np.ndarray) -> np.ndarray:
    """All that goes with what is dropped of `person`: the soft edge and the specks that are nearer to it than to the
    rest."""
    away, rest = person & dropped, person & ~dropped
    if not away.any():
        return away
    if not rest.any():
        return np.ones_like(person)
    to_away, to_rest = (cv2.distanceTransform((~side).astype(np.uint8), cv2.DIST_L2, 3) for side in (away, rest))
    return to_away < to_rest


def _soft_edge(mask: np.ndarray, soft: np.ndarray) -> np.ndarray:
    """What was painted as a soft edge of `mask`, less pieces that do not touch it: there is no edge to soften."""
    if not soft.any():
        return soft
    _, labels = cv2.connectedComponents(soft.astype(np.uint8))
    edge = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    touching = np.unique(labels[edge])
    return np.isin(labels, touching[touching > 0])


def _enlarged(region: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    smooth = cv2.resize(region.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)
    return smooth > 0.5


def _around_change(mask: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Around the edge of `mask`, where something changed at it, `(H, W)` bool."""
    edge = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    edge = cv2.bitwise_and(edge, cv2.dilate(changed.astype(np.uint8), np.ones((5, 5), np.uint8)))
    radius = max(2, round(REACH * max(mask.shape)))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(edge, disk) > 0
