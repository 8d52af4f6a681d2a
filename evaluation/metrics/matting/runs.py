"""What a matting run measures of itself, without any truth.

Their functions are None, because the run computes them frame by frame (`backends.matting.video.frame_stats`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation.metrics.base import Metric

METRICS = (
    Metric(
        "uncertain_pixels",
        "Uncertain pixels",
        "%",
        1,
        False,
        "The share of all pixels whose alpha lies between 0.05 and 0.95, neither clearly person nor clearly "
        "background. Hair and motion blur need some; a lot of it means that the model was unsure.",
    ),
    Metric(
        "flicker",
        "Flicker",
        "%",
        2,
        False,
        "The mean change of alpha from frame to frame where the picture stands still; 0 is perfectly calm.",
    ),
    Metric(
        "person_area",
        "Area of the person",
        "%",
        1,
        None,
        "The mean share of the picture that the person covers.",
    ),
    Metric(
        "frames_per_second",
        "Frames per second",
        "",
        1,
        True,
        "Frames finished a second, all stages together: decoding, matting, finishing, coding.",
    ),
    Metric(
        "flicker_raw",
        "Flicker before smoothing",
        "%",
        2,
        False,
        "The flicker of the raw mattes, as the model gave them.",
    ),
)

RECORDED_NAMES: Mapping[str, str] = {
    "uncertain_pixels": "uncertain pixels",
    "flicker": "flicker",
    "flicker_raw": "flicker before smoothing",
    "person_area": "area of the person",
    "frames_per_second": "frames per second",
}
"""The name under which each is in the events and in run.json."""


def recorded(metric_id: str, metrics: Mapping[str, Mapping[str, Any]]) -> float | None:
    """The value of a metric among those that a run recorded, by its id or recorded name; None where it is not there.

    A fraction, not a percentage, where the metric's unit is %.

    >>> recorded("flicker_raw", {"flicker before smoothing": {"value": 0.5, "unit": "%"}})
    0.005
    """
    entry = metrics.get(metric_id) or metrics.get(RECORDED_NAMES[metric_id])
    if entry is None:
        return None
    return entry["value"] / 100 if entry["unit"] == "%" else entry["value"]
