"""One frame of a video, or a picture, at the size at which an engine looks at it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

from backends.core.errors import BadInput
from backends.matting.base import MattingEngine
from backends.matting.video.reader import IsolatedReader
from backends.matting.video.source import is_picture
from backends.matting.video.still_image import read_picture

AT_LEAST_SECONDS = 2.0
"""How long is read from the moment that was asked for: a slow video has no frame in a shorter stretch."""


def read_frame(path: Path, at: float = 0.0) -> np.ndarray:
    """`(H, W, 3)` uint8 of a picture, or of the frame of a video that is shown `at` seconds. Raises BadInput."""
    if is_picture(path):
        return read_picture(path).rgb
    with closing(IsolatedReader(path, at, at + AT_LEAST_SECONDS)) as reader:
        frame = reader.read()
    if frame is None:
        raise BadInput(f"This video has no frame at {at:.1f} seconds; choose an earlier moment.")
    return frame.rgb


def at_working_size(engine: MattingEngine, frame: np.ndarray) -> np.ndarray:
    """The frame as large as the engine wants it."""
    height, width = engine.working_size(*frame.shape[:2])
    if frame.shape[:2] == (height, width):
        return frame
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
