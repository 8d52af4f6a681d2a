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

MIN_EMPTY_FRAMES = 3
MIN_MOVING_SHARE = 0.5

NOBODY = "No person was found in this video, so nearly all of it is see-through."
NO_FACE = (
    "No face or standing body could be made out in this video: check that what was cut out is a person, "
    "and that no one is missing."
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


class PeopleObserver:
    """Looks for faces and bodies in a few frames of a video."""

    def __init__(self, total: int) -> None:
        self._interval = max(1, total // LOOKS)
        self._looks = self._found = self._whole = 0

    def look(self, index: int, guide: np.ndarray) -> None:
        """Look at frame `index`, `(h, w, 3)` uint8, if it is one of those few."""
        if self._looks >= LOOKS or index % self._interval:
            return
        detections = detect_people(guide)
        self._looks += 1
        self._found += bool(detections)
        self._whole += any(shows_whole_body(detection, guide.shape[0]) for detection in detections)

    def sentences(self) -> Iterator[str]:
        if self._looks and not self._found:
            yield NO_FACE
        elif self._whole:
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
