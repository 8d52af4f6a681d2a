"""What each frame was like: how much of it is uncertain and how much it flickers. Written as it comes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.engine import Metric
from backends.matting.finishing.temporal import Moment
from backends.matting.types import UNCERTAIN

NOBODY = 0.002
"""A matte that never covers more than this share of the picture holds no person."""


def uncertainty(alpha: np.ndarray) -> float:
    """The share of pixels that are neither clearly person nor clearly background."""
    return float(np.count_nonzero((alpha > UNCERTAIN[0]) & (alpha < UNCERTAIN[1])) / alpha.size)


class FrameLog:
    """`frames.json`: one row a frame, on disk at once so that an hour costs no more memory than a second."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w")
        self._file.write('{"columns": ["frame", "seconds", "uncertain", "flicker", "area"], "rows": [')
        self.count = 0
        self._sums = np.zeros(4)
        self.largest = 0.0

    def add(self, moment: Moment[Any], seconds: float) -> None:
        uncertain, area = uncertainty(moment.alpha), float(moment.alpha.mean())
        row = [self.count, round(seconds, 4), round(uncertain, 5), round(moment.unrest, 6), round(area, 5)]
        self._file.write(("," if self.count else "") + "\n" + json.dumps(row))
        self.count += 1
        self._sums += (uncertain, moment.unrest_raw, moment.unrest, area)
        self.largest = max(self.largest, area)

    def close(self) -> None:
        if not self._file.closed:
            self._file.write("\n]}\n")
            self._file.close()

    def metrics(self) -> list[Metric]:
        """Means over the frames; flicker needs a frame before, so it has one frame less."""
        uncertain, raw, smoothed, area = self._sums / max(1, self.count)
        steps = max(1, self.count - 1) / max(1, self.count)
        return [
            Metric("uncertain pixels", 100 * uncertain, "%"),
            Metric("flicker before smoothing", 100 * raw / steps, "%"),
            Metric("flicker", 100 * smoothed / steps, "%"),
            Metric("area of the person", 100 * area, "%"),
        ]
