"""Statistics of each frame, written as the frames come: uncertain pixels, flicker, and the area of the person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.engine import Metric
from backends.matting.finishing.temporal import SmoothedFrame
from backends.matting.types import UNCERTAIN

NO_PERSON_AREA = 0.002
"""A matte that covers less than this fraction of the picture holds no person."""

COLUMNS = ("frame", "seconds", "uncertain", "flicker", "area")

MIN_STILL = 0.5
"""Where less than this fraction of the background stands still, the camera moves, or all that is before it."""


def uncertain_fraction(alpha: np.ndarray) -> float:
    """The fraction of pixels that are neither clearly person nor clearly background.

    >>> uncertain_fraction(np.array([[0.0, 0.02, 0.5, 1.0]]))
    0.25
    """
    return float(np.count_nonzero((alpha > UNCERTAIN[0]) & (alpha < UNCERTAIN[1])) / alpha.size)


class FrameStatsWriter:
    """Writes `frames.json`, one row a frame, to disk at once: an hour takes no more memory than a second.

    `empty` counts the frames without a person, `moving` those whose background moved since the frame before. With
    `corrected`, each row also says how sure the corrections on its frame are.
    """

    def __init__(self, path: Path, corrected: bool = False) -> None:
        self.path = path
        self._file = path.open("w")
        columns = [*COLUMNS, *(["sure"] if corrected else [])]
        self._file.write(f'{{"columns": {json.dumps(columns)}, "rows": [')
        self.count = 0
        self._sums = np.zeros(4)  # uncertain, flicker_raw, flicker, area
        self.empty = 0
        self.moving = 0

    def add(self, frame: SmoothedFrame[Any], seconds: float, sure: float | None = None) -> None:
        """Write the row of the next frame, shown at `seconds` of the output; `sure` as for `corrected`, 0 to 1."""
        uncertain, area = uncertain_fraction(frame.alpha), float(frame.alpha.mean())
        row = [self.count, round(seconds, 4), round(uncertain, 5), round(frame.flicker, 6), round(area, 5)]
        row += [] if sure is None else [round(sure, 3)]
        self._file.write(("," if self.count else "") + "\n" + json.dumps(row))
        self.count += 1
        self._sums += (uncertain, frame.flicker_raw, frame.flicker, area)
        self.empty += area < NO_PERSON_AREA
        self.moving += frame.still < MIN_STILL

    def close(self) -> None:
        if not self._file.closed:
            self._file.write("\n]}\n")
            self._file.close()

    def metrics(self) -> list[Metric]:
        """Means over the frames in percent; flicker needs a frame before, so it counts one frame less."""
        uncertain, flicker_raw, flicker, area = self._sums / max(1, self.count)
        steps = max(1, self.count - 1) / max(1, self.count)
        return [
            Metric("uncertain pixels", 100 * uncertain, "%"),
            Metric("flicker before smoothing", 100 * flicker_raw / steps, "%"),
            Metric("flicker", 100 * flicker / steps, "%"),
            Metric("area of the person", 100 * area, "%"),
        ]
