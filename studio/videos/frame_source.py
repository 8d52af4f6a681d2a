"""Exact frames of a matting run: any frame of its source with its smoothed matte, decoded when it is asked for.

The same readers and the same smoothing as in the run itself (`backends.matting`), so a frame here is the frame that an
export holds. No network runs and no torch is loaded.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from backends.core.errors import BadInput
from backends.matting.finishing.background import Background, background, cover
from backends.matting.finishing.edges import foreground
from backends.matting.finishing.finishing import Finisher, picture_alpha, picture_colours
from backends.matting.finishing.matte_store import StoredMattes, read_matte
from backends.matting.finishing.temporal import Smoother
from backends.matting.options import Settings
from backends.matting.types import Frame
from backends.matting.video.frames import VideoReader
from backends.matting.video.source import is_picture
from backends.matting.video.still_image import read_picture

MOST_PIXELS = 8192 * 4352
CACHE_BYTES = 100_000_000
SMALLS = 64
READ_AHEAD = 12
"""So many frames further on it is quicker to go on reading than to jump."""

STEP_BACK = 6
"""Who goes one frame back often goes on: so many frames before it are decoded on the way and kept."""

TICK = Fraction(1, 1000)


class Source(Protocol):
    """Where exact frames come from. One thread at a time: whoever asks holds `lock`.

    `alpha` gives the finished matte `(H, W)` float32, `rgb` the frame and `colours` the person's own colours
    `(H, W, 3)` uint8. They raise BadInput where the file can no longer be read.
    """

    lock: threading.Lock
    count: int

    @property
    def sar(self) -> Fraction: ...

    def alpha(self, index: int, settings: Settings) -> np.ndarray: ...

    def rgb(self, index: int) -> np.ndarray: ...

    def colours(self, index: int, alpha: np.ndarray, settings: Settings) -> np.ndarray: ...

    def seconds(self, index: int) -> float: ...

    def close(self) -> None: ...


class VideoFrames:
    """The frames of one run of a video.

    Args:
        path: the run's input. matte: its `matte.mkv`. frames: its `frames.json`. start: of its part, in seconds.
        temporal: whether the run smooths over time.
    """

    def __init__(self, path: Path, matte: Path, frames: Path, start: float, temporal: bool) -> None:
        self.lock = threading.Lock()
        self._path, self._matte, self._temporal = path, matte, temporal
        self._start = Fraction(start).limit_denominator(1000)
        rows = json.loads(frames.read_text())["rows"]
        self._times = [Fraction(row[1]).limit_denominator(10_000) for row in rows]
        self.count = len(rows)
        self._reader: VideoReader | None = None
        self._next = 0
        self._mattes: StoredMattes | None = None
        self._next_matte = -1
        self._whole: OrderedDict[int, np.ndarray] = OrderedDict()
        self._smalls: OrderedDict[int, np.ndarray] = OrderedDict()
        self._raw: OrderedDict[int, np.ndarray] = OrderedDict()

    def seconds(self, index: int) -> float:
        return float(self._times[index])

    @property
    def sar(self) -> Fraction:
        return self._opened().info.sar

    def rgb(self, index: int) -> np.ndarray:
        """Frame `index` `(H, W, 3)` uint8."""
        if index in self._whole:
            self._whole.move_to_end(index)
            return self._whole[index]
        ahead = index - self._next
        if self._reader is None or not 0 <= ahead <= READ_AHEAD:
            self._jump(max(0, index - STEP_BACK) if -2 * STEP_BACK <= ahead < 0 else index)
        return self._read_to(index)

    def smoothed(self, index: int) -> np.ndarray:
        """The matte `(h, w)` float32 of frame `index`, smoothed as the run does it: from the frames around."""
        around = range(max(0, index - 1), min(self.count, index + 2)) if self._temporal else range(index, index + 1)
        smoother: Smoother[int] = Smoother(self._temporal)
        moments = []
        raws = {near: self._matte_of(near) for near in around}
        for near in around:
            guide = self._guide(near, raws[near].shape)
            moments += smoother.push(near, guide, raws[near])
        moments += smoother.flush()
        return next(moment.alpha for moment in moments if moment.payload == index)

    def alpha(self, index: int, settings: Settings) -> np.ndarray:
        small = self.smoothed(index)
        return Finisher(settings, frozenset()).alpha(self.rgb(index), self._guide(index, small.shape), small)

    def colours(self, index: int, alpha: np.ndarray, settings: Settings) -> np.ndarray:
        return foreground(self.rgb(index), alpha, settings.despill)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        if self._mattes is not None:
            self._mattes.close()
        self._reader = self._mattes = None

    def _guide(self, index: int, shape: tuple[int, ...]) -> np.ndarray:
        """Frame `index` at the matte's size, as the engine looked at it."""
        if index not in self._smalls:
            self._smalls[index] = cv2.resize(self.rgb(index), shape[::-1], interpolation=cv2.INTER_AREA)
        self._smalls.move_to_end(index)
        while len(self._smalls) > SMALLS:
            self._smalls.popitem(last=False)
        return self._smalls[index]

    def _matte_of(self, index: int) -> np.ndarray:
        if index not in self._raw:
            if self._mattes is None:
                info = self._opened().info
                self._mattes = StoredMattes(self._matte, self._path, info.width, info.height, most=MOST_PIXELS)
                self._next_matte = 0
            wanted = self._start + self._times[index]
            if self._next_matte != index:
                self._mattes.seek(float(wanted))
            self._raw[index] = self._mattes.at([wanted])[0]
            self._next_matte = index + 1
        self._raw.move_to_end(index)
        while len(self._raw) > SMALLS:
            self._raw.popitem(last=False)
        return self._raw[index]

    def _opened(self) -> VideoReader:
        if self._reader is None:
            self._jump(0)
        assert self._reader is not None
        return self._reader

    def _jump(self, index: int) -> None:
        """Open the source so that the next frame read is `index`; a little earlier where frames lean on their past."""
        interlaced = self._reader is not None and self._reader.info.interlaced
        first = max(0, index - 3) if interlaced else index
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        begin = self._start if first == 0 else max(self._start, self._start + self._times[first] - TICK)
        self._reader = VideoReader(self._path, float(begin), None, MOST_PIXELS)
        self._begin, self._next = begin.limit_denominator(1000), first

    def _read_to(self, index: int) -> np.ndarray:
        for trusting in (True, False):
            found = self._search(index, trusting)
            if found is not None:
                return self._remember(index, found.rgb)
            # Its times do not say where frames are: then only counting from the start does.
            self._jump(0)
        raise BadInput("This frame can no longer be read from the video: its file may be damaged.")

    def _search(self, index: int, trusting: bool) -> Frame | None:
        """Read on to frame `index`; None where what comes is not at the time that the run noted."""
        assert self._reader is not None
        base = self._reader.info.time_base
        while (frame := self._reader.read()) is not None:
            here, self._next = self._next, self._next + 1
            away = self._begin + frame.pts * base - self._start - self._times[here]
            if trusting and abs(away) > 2 * TICK:
                return None
            if here == index:
                return frame
            if index - here <= STEP_BACK:
                self._remember(here, frame.rgb)
        return None

    def _remember(self, index: int, rgb: np.ndarray) -> np.ndarray:
        self._whole[index] = rgb
        most = max(3, CACHE_BYTES // rgb.nbytes)
        while len(self._whole) > most:
            self._whole.popitem(last=False)
        return rgb


class PictureFrames:
    """The one frame of a run of a picture."""

    count, sar = 1, Fraction(1)

    def __init__(self, path: Path, matte: Path) -> None:
        self.lock = threading.Lock()
        self._picture = read_picture(path)
        self._small = read_matte(matte, path, *self._picture.size)
        self._last: tuple[tuple[float, float, float], np.ndarray] | None = None

    def seconds(self, index: int) -> float:
        return 0.0

    def rgb(self, index: int) -> np.ndarray:
        return self._picture.rgb

    def alpha(self, index: int, settings: Settings) -> np.ndarray:
        return picture_alpha(self._picture, self._small, settings)

    def colours(self, index: int, alpha: np.ndarray, settings: Settings) -> np.ndarray:
        """As the run makes them; the last ones are kept, for the fine solver takes a while on large ones."""
        asked = (settings.edge, settings.softness, settings.despill)
        if self._last is None or self._last[0] != asked:
            self._last = (asked, picture_colours(self._picture, alpha, settings))
        return self._last[1]

    def close(self) -> None:
        self._last = None


class Chosen(Background):
    """The frame of a background video that is shown at one moment."""

    def __init__(self, path: Path, sar: Fraction) -> None:
        self._path, self._sar = path, sar

    def behind(self, frame: np.ndarray, alpha: np.ndarray, seconds: float) -> np.ndarray:
        reader = VideoReader(self._path)
        try:
            length = reader.info.seconds
        finally:
            reader.close()
        moment = seconds % length if length > 0 else 0.0
        reader = VideoReader(self._path, max(0.0, moment - 0.5))
        begin = max(0.0, moment - 0.5)
        try:
            shown = reader.read()
            while shown is not None:
                following = reader.read()
                if following is None or begin + float(following.pts * reader.info.time_base) > moment + 1e-6:
                    break
                shown = following
        finally:
            reader.close()
        if shown is None:
            raise BadInput("The background video could not be read at this moment.")
        return cover(shown.rgb, alpha.shape, float(self._sar / reader.info.sar))


def background_at(words: str, own: Path | None, sar: Fraction) -> Background:
    """The background named by `words`: "own" is the file that the run was made with. `sar` as in `background`."""
    if words != "own":
        return background(words, None)
    if own is None:
        raise BadInput("This run was made without a background of its own: choose a colour or blur.")
    return background("", own, sar) if is_picture(own) else Chosen(own, sar)
