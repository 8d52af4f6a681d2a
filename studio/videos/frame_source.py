"""Exact frames of a matting run: any frame of its source with its smoothed matte, decoded on request.

Readers and smoothing are those of the run itself (`backends.matting`), so that a frame here is the frame that an export
holds. No network runs and no torch is loaded.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Hashable
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from backends.core.errors import BadInput
from backends.matting.finishing.background import Background, cover, open_background
from backends.matting.finishing.edges import foreground
from backends.matting.finishing.finishing import Finisher, finish_picture_matte, picture_foreground
from backends.matting.finishing.matte_store import RawMatteReader, read_raw_matte
from backends.matting.finishing.temporal import SmoothedFrame, Smoother
from backends.matting.options import MattingOptions
from backends.matting.types import Frame
from backends.matting.video.reader import IsolatedReader
from backends.matting.video.source import is_picture
from backends.matting.video.still_image import read_picture

MAX_PIXELS = 8192 * 4352
CACHE_BYTES = 100_000_000
CACHED_GUIDES = 64
MAX_READ_AHEAD = 12
"""Up to so many frames ahead, reading on is quicker than seeking."""

STEP_BACK = 6
"""A step back is often followed by another: so many frames before it are decoded and cached too."""

TICK = Fraction(1, 1000)


class FrameSource(Protocol):
    """The frames of one run by their index. For one thread at a time: the caller holds `lock`.

    Its methods raise BadInput where the file can no longer be read. `sar` is the width over height of a pixel.
    """

    lock: threading.Lock
    count: int

    @property
    def sar(self) -> Fraction: ...

    def alpha(self, index: int, options: MattingOptions) -> np.ndarray:
        """The finished matte `(H, W)` float32."""

    def rgb(self, index: int) -> np.ndarray:
        """The frame `(H, W, 3)` uint8."""

    def colours(self, index: int, alpha: np.ndarray, options: MattingOptions) -> np.ndarray:
        """The foreground colours `(H, W, 3)` uint8."""

    def seconds(self, index: int) -> float:
        """When the frame is shown in the output."""

    def close(self) -> None: ...


class VideoFrames:
    """The frames of one run of a video.

    Args:
        path: the run's input.
        matte: its raw mattes, `matte.mkv`.
        frames: its `frames.json`.
        start: of its part, in seconds.
        temporal: whether the run smooths over time.
    """

    def __init__(self, path: Path, matte: Path, frames: Path, start: float, temporal: bool) -> None:
        self.lock = threading.Lock()
        self._path, self._matte, self._temporal = path, matte, temporal
        self._start = Fraction(start).limit_denominator(1000)
        rows = json.loads(frames.read_text())["rows"]
        self._times = [Fraction(row[1]).limit_denominator(10_000) for row in rows]
        self.count = len(rows)
        self._reader: IsolatedReader | None = None
        self._next = 0
        self._raw_mattes: RawMatteReader | None = None
        self._next_matte = -1
        self._frames: OrderedDict[int, np.ndarray] = OrderedDict()
        self._own_alphas: dict[int, np.ndarray] = {}  # of the frames that are cached
        self._guides: OrderedDict[int, np.ndarray] = OrderedDict()
        self._raw: OrderedDict[int, np.ndarray] = OrderedDict()

    def seconds(self, index: int) -> float:
        return float(self._times[index])

    @property
    def sar(self) -> Fraction:
        return self._open_reader().info.sar

    def rgb(self, index: int) -> np.ndarray:
        """Frame `index` `(H, W, 3)` uint8."""
        if index in self._frames:
            self._frames.move_to_end(index)
            return self._frames[index]
        ahead = index - self._next
        if self._reader is None or not 0 <= ahead <= MAX_READ_AHEAD:
            self._seek(max(0, index - STEP_BACK) if -2 * STEP_BACK <= ahead < 0 else index)
        return self._read_to(index)

    def smoothed(self, index: int) -> np.ndarray:
        """The matte `(h, w)` float32 of frame `index`, smoothed from its neighbours as the run does."""
        around = range(max(0, index - 1), min(self.count, index + 2)) if self._temporal else range(index, index + 1)
        smoother: Smoother[int] = Smoother(self._temporal)
        smoothed: list[SmoothedFrame[int]] = []
        raws = {near: self._raw_matte(near) for near in around}
        for near in around:
            guide = self._guide(near, raws[near].shape)
            smoothed += smoother.push(near, guide, raws[near])
        smoothed += smoother.flush()
        return next(frame.alpha for frame in smoothed if frame.payload == index)

    def alpha(self, index: int, options: MattingOptions) -> np.ndarray:
        smoothed = self.smoothed(index)
        guide = self._guide(index, smoothed.shape)
        rgb = self.rgb(index)
        alpha = Finisher(options, frozenset()).finish_matte(rgb, guide, smoothed)
        own = self._own_alphas.get(index)
        return alpha if own is None else alpha * own

    def colours(self, index: int, alpha: np.ndarray, options: MattingOptions) -> np.ndarray:
        return foreground(self.rgb(index), alpha, options.despill)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        if self._raw_mattes is not None:
            self._raw_mattes.close()
        self._reader = self._raw_mattes = None

    def _guide(self, index: int, shape: tuple[int, ...]) -> np.ndarray:
        """Frame `index` at the engine's working size, which is that of the raw mattes."""
        if index not in self._guides:
            self._guides[index] = cv2.resize(self.rgb(index), shape[::-1], interpolation=cv2.INTER_AREA)
        self._guides.move_to_end(index)
        while len(self._guides) > CACHED_GUIDES:
            self._guides.popitem(last=False)
        return self._guides[index]

    def _raw_matte(self, index: int) -> np.ndarray:
        if index not in self._raw:
            if self._raw_mattes is None:
                info = self._open_reader().info
                self._raw_mattes = RawMatteReader(
                    self._matte, self._path, info.width, info.height, max_pixels=MAX_PIXELS
                )
                self._next_matte = 0
            seconds = self._start + self._times[index]
            if self._next_matte != index:
                self._raw_mattes.seek(float(seconds))
            self._raw[index] = self._raw_mattes.at([seconds])[0]
            self._next_matte = index + 1
        self._raw.move_to_end(index)
        while len(self._raw) > CACHED_GUIDES:
            self._raw.popitem(last=False)
        return self._raw[index]

    def _open_reader(self) -> IsolatedReader:
        if self._reader is None:
            self._seek(0)
        assert self._reader is not None
        return self._reader

    def _seek(self, index: int) -> None:
        """Open the source so that the next frame read is `index`, or a little earlier where deinterlacing needs it."""
        interlaced = self._reader is not None and self._reader.info.interlaced
        first = max(0, index - 3) if interlaced else index
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        begin = self._start if first == 0 else max(self._start, self._start + self._times[first] - TICK)
        self._reader = IsolatedReader(self._path, float(begin), None, MAX_PIXELS)
        self._reader_start, self._next = begin.limit_denominator(1000), first

    def _read_to(self, index: int) -> np.ndarray:
        for trust_times in (True, False):
            frame = self._search(index, trust_times)
            if frame is not None:
                return self._remember(index, frame)
            # Its times do not say where the frames are, so they are counted from the start.
            self._seek(0)
        raise BadInput("This frame can no longer be read from the video: its file may be damaged.")

    def _search(self, index: int, trust_times: bool) -> Frame | None:
        """Read on to frame `index`; None where a frame is not at the time that the run wrote down."""
        assert self._reader is not None
        base = self._reader.info.time_base
        while (frame := self._reader.read()) is not None:
            here, self._next = self._next, self._next + 1
            difference = self._reader_start + frame.pts * base - self._start - self._times[here]
            if trust_times and abs(difference) > 2 * TICK:
                return None
            if here == index:
                return frame
            if index - here <= STEP_BACK:
                self._remember(here, frame)
        return None

    def _remember(self, index: int, frame: Frame) -> np.ndarray:
        self._frames[index] = frame.rgb
        if frame.alpha is not None:
            self._own_alphas[index] = frame.alpha
        limit = max(3, CACHE_BYTES // frame.rgb.nbytes)
        while len(self._frames) > limit:
            dropped, _ = self._frames.popitem(last=False)
            self._own_alphas.pop(dropped, None)
        return frame.rgb


class PictureFrames:
    """The one frame of a run of a picture."""

    count, sar = 1, Fraction(1)

    def __init__(self, path: Path, matte: Path) -> None:
        self.lock = threading.Lock()
        self._picture = read_picture(path)
        self._raw_matte = read_raw_matte(matte, path, *self._picture.size)
        self._last: tuple[Hashable, np.ndarray] | None = None

    def seconds(self, index: int) -> float:
        return 0.0

    def rgb(self, index: int) -> np.ndarray:
        return self._picture.rgb

    def alpha(self, index: int, options: MattingOptions) -> np.ndarray:
        return finish_picture_matte(self._picture, self._raw_matte, options)

    def colours(self, index: int, alpha: np.ndarray, options: MattingOptions) -> np.ndarray:
        """As in the run; the last ones are cached, because the fine estimate takes a while on large pictures."""
        key = (options.edge, options.softness, options.despill, options.region)
        if self._last is None or self._last[0] != key:
            self._last = (key, picture_foreground(self._picture, alpha, options))
        return self._last[1]

    def close(self) -> None:
        self._last = None


class VideoBackgroundFrame(Background):
    """One frame of a background video: the one that is shown at the moment asked for."""

    def __init__(self, path: Path, sar: Fraction) -> None:
        self._path, self._sar = path, sar

    def render(self, frame: np.ndarray, alpha: np.ndarray, seconds: float) -> np.ndarray:
        reader = IsolatedReader(self._path)
        try:
            length = reader.info.seconds
        finally:
            reader.close()
        moment = seconds % length if length > 0 else 0.0
        reader = IsolatedReader(self._path, max(0.0, moment - 0.5))
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


def background_at(name: str, own: Path | None, sar: Fraction) -> Background:
    """The background that `name` names, where "own" is the file `own`; `sar` as in `open_background`."""
    if name != "own":
        return open_background(name, None)
    if own is None:
        raise BadInput("This run was made without a background of its own: choose a colour or blur.")
    return open_background("", own, sar) if is_picture(own) else VideoBackgroundFrame(own, sar)
