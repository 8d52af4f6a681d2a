"""Reads videos in a process of its own, so that a file which crashes a decoder costs its job alone."""

from __future__ import annotations

import weakref
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from backends.core.errors import BadInput
from backends.matting.types import Frame, MediaInfo
from backends.matting.video.animation import AnimationReader
from backends.matting.video.frames import VideoReader
from backends.matting.video.source import MAX_VIDEO_PIXELS, is_animation
from backends.shared.isolation import isolated
from backends.shared.records import from_fields, to_fields

READ = f"{__name__}:read_frames"


def open_here(
    path: Path, start: float = 0.0, end: float | None = None, max_pixels: int = MAX_VIDEO_PIXELS
) -> VideoReader | AnimationReader:
    """The reader of a file in this process; for files of one's own, and for the process that reads the others'.

    Args:
        path: the file.
        start: where to begin, in seconds from the beginning of the file.
        end: where to stop, in seconds; None for the end of the file.
        max_pixels: the largest picture that is read.
    """
    reader = AnimationReader if is_animation(path) else VideoReader
    return reader(path, start, end, max_pixels)


def read_frames(path: str, start: float, end: float | None, max_pixels: int) -> Iterator[dict[str, Any]]:
    """What `IsolatedReader` reads: what is known of the file, then its frames, and last what came up on the way."""
    with closing(open_here(Path(path), start, end, max_pixels)) as reader:
        yield to_fields(reader.info)
        for frame in iter(reader.read, None):
            yield to_fields(frame) | {"end": reader.end}
        yield {
            name: getattr(reader, name) for name in ("end", "broken", "untimed", "restarts", "reshaped", "deinterlaced")
        }


class IsolatedReader:
    """The frames of a video that nobody vouches for; as `VideoReader`, from which it reads in another process.

    What came up on the way, such as damage, is known after the last frame.

    Args:
        path: the file, untrusted.
        start: where to begin, in seconds from the beginning of the file.
        end: where to stop, in seconds; None for the end of the file.
        max_pixels: the largest picture that is read.

    Raises:
        UndecodableFile: it crashes the decoder, then or while it is read.
        BadInput: nothing in it can be decoded as video.
        TooLarge: its pictures are larger than `max_pixels`.
    """

    def __init__(
        self, path: Path, start: float = 0.0, end: float | None = None, max_pixels: int = MAX_VIDEO_PIXELS
    ) -> None:
        self.end = self.broken = self.untimed = self.restarts = 0
        self.reshaped = self.deinterlaced = False
        arguments = {"path": path.resolve(), "start": float(start), "end": end, "max_pixels": max_pixels}
        self._items = cast(Generator[dict[str, Any], None, None], isolated(READ, **arguments))
        # One that is dropped instead of closed must end its process too.
        self._end_process = weakref.finalize(self, self._items.close)
        first = next(self._items, None)
        if first is None:
            raise BadInput("Not one picture in this video could be read; the file is empty or damaged.")
        self.info = from_fields(MediaInfo, first)

    def read(self) -> Frame | None:
        """The next frame between start and end, or None after the last."""
        item = next(self._items, None)
        if item is None:
            return None
        self.end = item.pop("end")
        if "pts" in item:
            return from_fields(Frame, item)
        for name, value in item.items():
            setattr(self, name, value)
        return None

    def close(self) -> None:
        self._end_process()
