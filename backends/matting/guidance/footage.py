"""Frames of a video together with the raw mattes of an earlier run, read forwards, or backwards a piece at a time."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from backends.core.errors import BadInput
from backends.matting.finishing.matte_store import RawMatteReader
from backends.matting.video.reader import IsolatedReader

PIECE_BYTES = 48_000_000
"""What a piece takes that is read to be gone through backwards."""

TOLERANCE = Fraction(1, 500)
"""Seconds by which the time of a frame may differ from one reading to the next."""

CHANGED = (
    "This video could not be read the same way twice, so the hints cannot be carried through it: convert it to MP4."
)


@dataclass(frozen=True)
class Shot:
    """Frame `index`: `guide` `(h, w, 3)` uint8 at the size of the mattes, and its raw matte `base` `(h, w)` float32."""

    index: int
    guide: np.ndarray
    base: np.ndarray


class Footage:
    """A part of a video and its raw mattes.

    Args:
        path: the video, untrusted.
        matte: its raw mattes, untrusted.
        start: of the part, in seconds.
        end: of the part, None for the end of the file.
        max_pixels: the largest picture that is read.
    """

    def __init__(self, path: Path, matte: Path, start: float, end: float | None, max_pixels: int) -> None:
        self._path, self._matte, self._start, self._end, self._max_pixels = path, matte, start, end, max_pixels
        reader = IsolatedReader(path, start, end, max_pixels)
        reader.close()
        self.info = reader.info
        mattes = self._mattes()
        mattes.close()
        self.size = mattes.size
        self._ticks = array("q")  # eight bytes a frame: a video may last for hours

    def _mattes(self) -> RawMatteReader:
        info = self.info
        return RawMatteReader(self._matte, self._path, info.width, info.height, max_pixels=self._max_pixels)

    @property
    def expected(self) -> int:
        """How many frames there will be, as far as the file says; 0 where it does not."""
        seconds = (self._end or self.info.seconds) - self._start
        return max(0, round(seconds * float(self.info.rate)))

    def _time(self, index: int) -> Fraction:
        """When a frame that was passed is shown, in seconds from the beginning of the file."""
        return Fraction(self._start).limit_denominator(1000) + self._ticks[index] * self.info.time_base

    def guides(self) -> Iterator[tuple[int, Fraction, np.ndarray]]:
        """Index, time in the source in seconds, and picture of each frame, at the size of the mattes; from the start.

        The times are remembered, so that any frame that was passed can be found again.
        """
        reader = IsolatedReader(self._path, self._start, self._end, self._max_pixels)
        try:
            for index, frame in enumerate(iter(reader.read, None)):
                if index == len(self._ticks):
                    self._ticks.append(frame.pts)
                yield index, self._time(index), self._guide(frame.rgb)
        finally:
            reader.close()

    def forwards(self, frames: range) -> Iterator[Shot]:
        """The frames of a range that `guides` has passed."""
        if not frames:
            return
        first = self._time(frames.start)
        start, reader = self._open_at(first)
        mattes = self._mattes()
        mattes.seek(float(first))
        try:
            for index in frames:
                seconds = self._time(index)
                rgb = _frame_at(reader, start, seconds)
                yield Shot(index, self._guide(rgb), mattes.at([seconds])[0])
        finally:
            reader.close()
            mattes.close()

    def backwards(self, frames: range) -> Iterator[Shot]:
        """The same from the last to the first, of which a bounded piece is in memory at a time."""
        height, width = self.size
        length = max(8, PIECE_BYTES // (7 * height * width))
        for stop in range(frames.stop, frames.start, -length):
            yield from reversed(list(self.forwards(range(max(frames.start, stop - length), stop))))

    def _open_at(self, seconds: Fraction) -> tuple[Fraction, IsolatedReader]:
        """A reader from a little before that moment, and where it starts: fields are joined to frames from those before
        them."""
        lead = 4 / self.info.rate if self.info.interlaced else TOLERANCE
        start = max(Fraction(self._start).limit_denominator(1000), seconds - lead).limit_denominator(1000)
        return start, IsolatedReader(self._path, float(start), self._end, self._max_pixels)

    def _guide(self, rgb: np.ndarray) -> np.ndarray:
        return cv2.resize(rgb, self.size[::-1], interpolation=cv2.INTER_AREA)


def _frame_at(reader: IsolatedReader, start: Fraction, seconds: Fraction) -> np.ndarray:
    """The pixels `(H, W, 3)` uint8 of the frame that is shown at `seconds`; those before it are passed over.

    Raises:
        BadInput: `reader`, which starts at `start`, has none there.
    """
    for frame in iter(reader.read, None):
        time = start + frame.pts * reader.info.time_base
        if abs(time - seconds) <= TOLERANCE:
            return frame.rgb
        if time > seconds:
            break
    raise BadInput(CHANGED)
