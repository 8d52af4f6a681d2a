"""Scores of a clip: those of every frame, for the curve along it, and their means. The clip is the statistical unit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from evaluation.metrics.base import Metric
from evaluation.metrics.matting import masks, mattes
from evaluation.metrics.matting.frames import FramePair


def matte_scores(pairs: Iterable[FramePair]) -> dict[str, Any]:
    """The metrics of `mattes` for a clip, as `score_clip` gives them."""
    return score_clip(pairs, mattes.METRICS)


def mask_scores(pairs: Iterable[FramePair]) -> dict[str, Any]:
    """The metrics of `masks` for a clip, as `score_clip` gives them."""
    return score_clip(pairs, masks.METRICS)


def score_clip(pairs: Iterable[FramePair], metrics: Sequence[Metric]) -> dict[str, Any]:
    """Every metric of every frame, and its mean over the frames for which it is defined.

    Args:
        pairs: the frames in order; only two are held at a time. A frame counts as the one before where its index is
            less by one.
        metrics: their functions take a frame and the frame before, or None, and return NaN where undefined.

    Returns:
        `times` in seconds, `frames` with a list of values by metric id, and `means` by metric id; None stands for what
        is undefined, as in JSON.

    Raises:
        ValueError: there is no frame.
    """
    times: list[float] = []
    columns: dict[str, list[float | None]] = {metric.id: [] for metric in metrics}
    last: FramePair | None = None
    for pair in pairs:
        before = last if last is not None and pair.index == last.index + 1 else None
        for metric in metrics:
            assert metric.compute is not None
            value = metric.compute(pair, before)
            columns[metric.id].append(None if math.isnan(value) else value)
        times.append(pair.seconds)
        last = pair
    if not times:
        raise ValueError("a clip to score has at least one frame")
    return {"times": times, "frames": columns, "means": {name: _mean(values) for name, values in columns.items()}}


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
