"""What the stages of a video hand to each other, and how long each of them works."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np

from backends.matting.types import Frame


@dataclass(frozen=True)
class Batch:
    """Frames, and the same frames at the engine's working size: `guides` `(B, h, w, 3)` uint8."""

    frames: list[Frame]
    guides: np.ndarray


@dataclass(frozen=True)
class GuidedFrame:
    """A frame and the same frame at the engine's working size: `guide` `(h, w, 3)` uint8."""

    frame: Frame
    guide: np.ndarray


@dataclass(frozen=True)
class FinishedFrame:
    """The pictures of one frame, by content, shown at `pts` ticks."""

    pts: int
    pictures: dict[str, np.ndarray]


class StageClock:
    """Seconds in which each stage works, without those in which it waits for the others."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(("decoding", "matting", "finishing", "coding"), 0.0)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the time that is spent inside; each stage is counted by one thread."""
        started = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - started


def make_batch(frames: list[Frame], height: int, width: int) -> Batch:
    """The frames with their guides of `height` and `width`."""
    guides = [cv2.resize(frame.rgb, (width, height), interpolation=cv2.INTER_AREA) for frame in frames]
    return Batch(frames, np.stack(guides))
