"""The finished mattes of a run at the size of its source, one after the other, without running the model again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np

from backends.matting.finishing.finishing import Finisher
from backends.matting.finishing.temporal import Smoother
from backends.matting.options import Settings
from backends.matting.types import Frame
from backends.matting.video.exports import MATTE
from backends.matting.video.frames import VideoReader
from backends.matting.video.still_image import read_picture
from studio.library.library import Library, Run
from studio.web.responses import NotReady

Finished = tuple[int, float, Callable[[], np.ndarray]]
"""Frame of the run, its time in seconds, and what gives its matte `(H, W)`: worked out only where it is wanted."""


def finished_mattes(library: Library, run: Run) -> Iterator[Finished]:
    """From the lossless mattes that were exported, else finished anew from those that the model found.

    Raises:
        NotReady: the run left neither.
    """
    for stored in library.artifacts(run.id, "alpha"):
        path = library.local(run.id, stored)
        return _picture(path) if path.suffix == ".png" else _written(path)
    for stored in library.artifacts(run.id, "matte"):
        source = library.only(run.id, "input", "input")
        return _finished_anew(source, library.local(run.id, stored), Settings.parse(run.options))
    raise NotReady("This run kept no mattes to compare: run it again, then they are there.")


def _picture(path: Path) -> Iterator[Finished]:
    yield 0, 0.0, lambda: read_picture(path).rgb[..., 1]


def _gray(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    """The time and the pixels `(H, W)` uint8 of each frame of a gray video."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield float(frame.time or 0.0), frame.to_ndarray(format="gray")


def _written(path: Path) -> Iterator[Finished]:
    for index, (seconds, gray) in enumerate(_gray(path)):
        yield index, seconds, partial(np.asarray, gray)


def _finished_anew(source: Path, mattes: Path, settings: Settings) -> Iterator[Finished]:
    """The same smoothing and finishing as in the job itself."""
    reader = VideoReader(source, settings.start, settings.end)
    finisher = Finisher(settings, frozenset({MATTE}))
    smoother: Smoother[tuple[Frame, np.ndarray]] = Smoother(settings.temporal)

    def told(moments: list) -> Iterator[Finished]:
        for moment in moments:
            frame, small = moment.payload
            seconds = float(frame.pts * reader.info.time_base)
            yield frame.index, seconds, partial(finisher.alpha, frame.rgb, small, moment.alpha)

    try:
        for (_, gray), frame in zip(_gray(mattes), iter(reader.read, None), strict=False):
            small = cv2.resize(frame.rgb, gray.shape[::-1], interpolation=cv2.INTER_AREA)
            matte = gray.astype(np.float32) / 255
            yield from told(list(smoother.push((frame, small), small, matte)))
        yield from told(list(smoother.flush()))
    finally:
        reader.close()
