"""Frames of a video together with the raw mattes of an earlier run, read forwards, or backwards a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        self.times: list[Fraction] = []

    def _mattes(self) -> RawMatteReader:
        info = self.info
        return RawMatteReader(self._matte, self._path, info.width, info.height, max_pixels=self._max_pixels)

    def guides(self) -> Iterator[tuple[int, Fraction, np.ndarray]]:
        """Index, time in the source in seconds, and picture of each frame, at the size of the mattes; from the start.

        The times are remembered, so that any frame that was passed can be found again.
        """
        reader = IsolatedReader(self._path, self._start, self._end, self._max_pixels)
        start = Fraction(self._start).limit_denominator(1000)
        try:
            for index, frame in enumerate(iter(reader.read, None)):
                seconds = start + frame.pts * reader.info.time_base
                if index == len(self.times):
                    self.times.append(seconds)
                yield index, seconds, self._guide(frame.rgb)
        finally:
            reader.close()

    def forwards(self, frames: range) -> Iterator[Shot]:
        """The frames of a range that `guides` has passed."""
        if not frames:
            return
        wanted = self.times[frames.start : frames.stop]
        reader = self._open_at(wanted[0])
        mattes = self._mattes()
        mattes.seek(float(wanted[0]))
        try:
            for index, (seconds, rgb) in zip(frames, self._matching(reader, wanted), strict=True):
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

    def _open_at(self, seconds: Fraction) -> IsolatedReader:
        """A reader from a little before that moment: fields are joined to frames from those before them."""
        lead = 4 / self.info.rate if self.info.interlaced else TOLERANCE
        self._opened = max(Fraction(self._start).limit_denominator(1000), seconds - lead).limit_denominator(1000)
        return IsolatedReader(self._path, float(self._opened), self._end, self._max_pixels)

    def _matching(self, reader: IsolatedReader, wanted: Sequence[Fraction]) -> Iterator[tuple[Fraction, np.ndarray]]:
        """Time and pixels of the frames with these times; what the reader has before and between is passed over."""
        base = self.info.time_base
        for seconds in wanted:
            for frame in iter(reader.read, None):
                time = self._opened + frame.pts * base
                if abs(time - seconds) <= TOLERANCE:
                    yield seconds, frame.rgb
                    break
                if time > seconds:
                    raise BadInput(CHANGED)
            else:
                raise BadInput(CHANGED)

    def _guide(self, rgb: np.ndarray) -> np.ndarray:
        return cv2.resize(rgb, self.size[::-1], interpolation=cv2.INTER_AREA)
