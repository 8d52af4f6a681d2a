"""Scores of a clip frame by frame, for the curve along it, with their means: the unit of all statistics is the clip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.metrics.matting.mattes import boundary_f, frame_scores, region_j

MASK_AT = 0.5
"""A soft matte counts as person from here on where it is compared with a hard mask."""


@dataclass(frozen=True)
class Pair:
    """One frame's matte and what is true of it: `alpha` and `truth` `(H, W)`, both in 0..1 or 0..255 uint8.

    For masks `truth` is boolean. `index` counts the frames of the clip; a step of one makes a change from frame to
    frame that dtSSD can judge.
    """

    index: int
    seconds: float
    alpha: np.ndarray
    truth: np.ndarray


def matte_scores(pairs: Iterable[Pair]) -> dict[str, Any]:
    """SAD, MAD, MSE, gradient, connectivity and dtSSD of each frame and their means.

    A frame whose predecessor is not there has no dtSSD, None. Raises ValueError where there is no frame.
    """
    rows: list[dict[str, float | None]] = []
    times, before = [], None
    for pair in pairs:
        follows = before is not None and pair.index == before.index + 1
        scores = frame_scores(pair.alpha, pair.truth, (before.alpha, before.truth) if before and follows else None)
        rows.append(asdict(scores) | ({} if follows else {"dtssd": None}))
        times.append(pair.seconds)
        before = pair
    return _told(times, rows)


def mask_scores(pairs: Iterable[Pair]) -> dict[str, Any]:
    """Region similarity J, contour accuracy F and their mean, J&F, of each frame and their means."""
    rows: list[dict[str, float | None]] = []
    times = []
    for pair in pairs:
        mask = (pair.alpha / 255.0 if pair.alpha.dtype == np.uint8 else pair.alpha) > MASK_AT
        j, f = region_j(mask, pair.truth), boundary_f(mask, pair.truth)
        rows.append({"j": j, "f": f, "jf": (j + f) / 2})
        times.append(pair.seconds)
    return _told(times, rows)


def _told(times: list[float], rows: list[dict[str, float | None]]) -> dict[str, Any]:
    if not rows:
        raise ValueError("a clip to score has at least one frame")
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    known = {name: [value for value in values if value is not None] for name, values in columns.items()}
    means = {name: float(np.mean(values)) if values else None for name, values in known.items()}
    return {"times": times, "frames": columns, "means": means}
