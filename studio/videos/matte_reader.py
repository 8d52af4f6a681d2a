"""Reads the finished mattes of a run, at the size of its source and in order, without running the model again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np

from backends.matting.finishing.finishing import Finisher, with_own_alpha
from backends.matting.finishing.temporal import SmoothedFrame, Smoother
from backends.matting.options import MattingOptions
from backends.matting.types import Frame
from backends.matting.video.exports import MATTE
from backends.matting.video.reader import IsolatedReader
from backends.matting.video.still_image import read_picture
from studio.library.library import Library, Run
from studio.web.responses import NotReady

FinishedMatte = tuple[int, float, Callable[[], np.ndarray]]
"""The index of a frame, its time in seconds, and a function that computes its matte `(H, W)` when it is called."""


def finished_mattes(library: Library, run: Run) -> Iterator[FinishedMatte]:
    """The lossless mattes that the run exported, or else its raw mattes, finished anew.

    Raises:
        NotReady: the run has neither.
    """
    for stored in library.artifacts(run.id, "alpha"):
        path = library.local(run.id, stored)
        return _picture(path) if path.suffix == ".png" else _exported(path)
    for stored in library.artifacts(run.id, "matte"):
        source = library.only(run.id, "input", "input")
        return _finish_anew(source, library.local(run.id, stored), MattingOptions.read(run.options))
    raise NotReady("This run kept no mattes to compare: run it again, then they are there.")


def _picture(path: Path) -> Iterator[FinishedMatte]:
    yield 0, 0.0, lambda: read_picture(path).rgb[..., 1]


def _gray(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    """The time and the pixels `(H, W)` uint8 of each frame of a gray video."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield float(frame.time or 0.0), frame.to_ndarray(format="gray")


def _exported(path: Path) -> Iterator[FinishedMatte]:
    for index, (seconds, gray) in enumerate(_gray(path)):
        yield index, seconds, partial(np.asarray, gray)


def _finished(finisher: Finisher, frame: Frame, guide: np.ndarray, smoothed: np.ndarray) -> np.ndarray:
    """The finished matte of one frame, as the run makes it."""
    return with_own_alpha(finisher.finish_matte(frame.rgb, guide, smoothed), frame)


def _finish_anew(source: Path, raw_mattes: Path, options: MattingOptions) -> Iterator[FinishedMatte]:
    """The raw mattes of a video with the smoothing and finishing of the job itself."""
    reader = IsolatedReader(source, options.start, options.end_seconds)
    finisher = Finisher(options, frozenset({MATTE}))
    smoother: Smoother[tuple[Frame, np.ndarray]] = Smoother(options.temporal)

    def finish(smoothed_frames: list[SmoothedFrame[tuple[Frame, np.ndarray]]]) -> Iterator[FinishedMatte]:
        for smoothed in smoothed_frames:
            frame, guide = smoothed.payload
            seconds = float(frame.pts * reader.info.time_base)
            yield frame.index, seconds, partial(_finished, finisher, frame, guide, smoothed.alpha)

    try:
        for (_, gray), frame in zip(_gray(raw_mattes), iter(reader.read, None), strict=False):
            guide = cv2.resize(frame.rgb, gray.shape[::-1], interpolation=cv2.INTER_AREA)
            raw = gray.astype(np.float32) / 255
            yield from finish(smoother.push((frame, guide), guide, raw))
        yield from finish(smoother.flush())
    finally:
        reader.close()
