"""Reads animated pictures frame by frame: WebP and AVIF, of which FFmpeg shows the first frame or none."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from backends.core.errors import BadInput
from backends.matting.types import Colour, Frame, MediaInfo
from backends.matting.video.frames import VideoReader
from backends.matting.video.source import DAMAGED_PICTURE, MAX_VIDEO_PIXELS, check_size
from backends.shared.images import open_image

TICK = Fraction(1, 1000)
USUAL_MILLISECONDS = 100
"""How long a frame is shown that asks for no time or next to none, as in browsers."""

SHORTEST_MILLISECONDS = 10

RGB = Colour(matrix=0, full=True)


class AnimationReader:
    """The frames of an animated picture; as `VideoReader`.

    Args:
        path: the file, untrusted.
        start: where to begin, in seconds.
        end: where to stop, in seconds; None for the end.
        max_pixels: the largest picture that is read.
    """

    untimed, reshaped, deinterlaced = 0, False, False

    def __init__(
        self, path: Path, start: float = 0.0, end: float | None = None, max_pixels: int = MAX_VIDEO_PIXELS
    ) -> None:
        self.broken = self.end = self.restarts = 0
        self._start, self._stop = round(1000 * start), None if end is None else round(1000 * end)
        with ExitStack() as stack:
            self._file = stack.enter_context(open_image(path, damaged=DAMAGED_PICTURE))
            check_size(*self._file.size, max_pixels)
            self._file.load()
            self.info = self._describe(self._file)
            self._stack = stack.pop_all()
        self._frames = self._read()

    def _describe(self, file: Image.Image) -> MediaInfo:
        count, shown = getattr(file, "n_frames", 1), _milliseconds(file)
        return MediaInfo(
            kind="video",
            width=file.width,
            height=file.height,
            frames=count,
            seconds=count * shown / 1000,
            rate=Fraction(1000, shown),
            time_base=TICK,
            tick=TICK,
            colour=RGB,
            codec=(file.format or "").lower(),
            alpha=file.has_transparency_data,
        )

    def read(self) -> Frame | None:
        """The next frame between start and end, or None after the last."""
        return next(self._frames, None)

    def close(self) -> None:
        self._frames.close()
        self._stack.close()

    def _read(self) -> Generator[Frame, None, None]:
        now, index = -self._start, 0
        for number in range(self.info.frames):
            try:
                self._file.seek(number)
                pixels = np.asarray(self._file.convert("RGBA"))
            except (EOFError, OSError, ValueError, SyntaxError):
                self.broken += 1  # damaged from here on
                break
            until = now + _milliseconds(self._file)
            if self._stop is not None and now >= self._stop - self._start:
                break
            if now >= 0:
                limit = until if self._stop is None else min(until, self._stop - self._start)
                self.end = max(limit, now + 1)
                yield _frame(pixels, now, index)
                index += 1
            now = until
        if not index and self.broken:
            raise BadInput(DAMAGED_PICTURE)


def open_output_frames(path: Path) -> AnimationReader | VideoReader:
    """The reader of a file that the program wrote itself; a WebP is one also where it has a single frame."""
    return AnimationReader(path) if path.suffix == ".webp" else VideoReader(path)


def _milliseconds(file: Image.Image) -> int:
    """How long the frame that was decoded last is shown."""
    shown = int(file.info.get("duration") or 0)
    return shown if shown > SHORTEST_MILLISECONDS else USUAL_MILLISECONDS


def _frame(pixels: np.ndarray, pts: int, index: int) -> Frame:
    """A frame from `(H, W, 4)` uint8."""
    opacity = pixels[..., 3]
    alpha = opacity.astype(np.float32) / 255 if int(opacity.min()) < 255 else None
    return Frame(np.ascontiguousarray(pixels[..., :3]), pts, index, alpha=alpha)
