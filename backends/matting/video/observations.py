"""What a job sees that the models were not made for: nobody, a whole body, a camera that moves; as sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backends.matting.engines.person_detection import Detection, detect_people
from backends.matting.video.frame_stats import FrameStatsWriter

LOOKS = 4
"""Frames of a video that the detectors look at."""

LEGS = 7.0
"""Faces below the chin at which the knees are: a face is 0.75 of a head wide, a body seven and a half heads high."""

MIN_COVERED = 0.4
"""Mean of the matte within a face below which that is left out."""

MIN_LEFT_OUT = 2
"""Looks in which a face is left out before that is said: a single one may be a pattern."""

MIN_EMPTY_FRAMES = 3
MIN_MOVING_SHARE = 0.5

NOBODY = "No person was found in this video, so nearly all of it is see-through."
NO_FACE = (
    "No face or standing body could be made out in this video: check that what was cut out is a person, "
    "and that no one is missing."
)
LEFT_OUT = (
    "A face was seen in this video that is not in the cut-out: check that nobody is missing. "
    "Another model may find the second person."
)
WHOLE_BODY = (
    "Somebody is seen from head to knees here. The models were made for head and shoulders: "
    "check hands, legs and feet, frame by frame."
)
MOVING_CAMERA = (
    "In most of this video the background moves too, as with a moving camera. The models were made for a camera that "
    "stands still: check the result frame by frame."
)


def shows_whole_body(detection: Detection, height: int) -> bool:
    """Whether the legs of the detected person are in a picture of `height` pixels."""
    _, y, width, side = detection.box
    return detection.kind == "body" or y + side + LEGS * width < height


def is_left_out(detection: Detection, alpha: np.ndarray) -> bool:
    """Whether a face lies where the matte `(h, w)` of its picture has next to nothing."""
    x, y, width, height = (round(side) for side in detection.box)
    inside = alpha[max(y, 0) : y + height, max(x, 0) : x + width]
    return detection.kind == "face" and inside.size > 0 and float(inside.mean()) < MIN_COVERED


class PeopleObserver:
    """Looks for faces and bodies in a few frames of a video."""

    def __init__(self, total: int) -> None:
        self._interval = max(1, total // LOOKS)
        self._looks = self._found = self._whole = self._left_out = 0

    def look(self, index: int, guide: np.ndarray, alpha: np.ndarray) -> None:
        """Look at frame `index`, `(h, w, 3)` uint8, and its matte `(h, w)`, if it is one of those few."""
        if self._looks >= LOOKS or index % self._interval:
            return
        detections = detect_people(guide)
        self._looks += 1
        self._found += bool(detections)
        self._whole += any(shows_whole_body(detection, guide.shape[0]) for detection in detections)
        self._left_out += any(is_left_out(detection, alpha) for detection in detections)

    def sentences(self) -> Iterator[str]:
        if self._looks and not self._found:
            yield NO_FACE
            return
        if self._left_out >= min(MIN_LEFT_OUT, self._looks) > 0:
            yield LEFT_OUT
        if self._whole:
            yield WHOLE_BODY


def sentences_on_people(stats: FrameStatsWriter, people: PeopleObserver | None) -> Iterator[str]:
    """What is to be said of who was found, and where.

    Args:
        stats: of all frames.
        people: what the detectors saw, None where they were not asked.
    """
    if stats.empty == stats.count:
        yield NOBODY
        return
    if stats.empty >= MIN_EMPTY_FRAMES:
        yield f"In {stats.empty} of {stats.count} frames no person was found; nearly all of them is see-through."
    if people is not None:
        yield from people.sentences()
    if stats.count > 1 and stats.moving > MIN_MOVING_SHARE * (stats.count - 1):
        yield MOVING_CAMERA
