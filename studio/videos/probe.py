"""The probe of a video or picture: what is known of it before a job, and single frames of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2

from backends.core.errors import UserError
from backends.matting.endings import PICTURE_ENDINGS, VIDEO_ENDINGS
from backends.matting.types import MediaInfo
from backends.matting.video.reader import IsolatedReader
from backends.matting.video.source import is_picture
from backends.matting.video.still_image import read_picture
from studio.ui import formatting

TYPES = (*VIDEO_ENDINGS, *PICTURE_ENDINGS)
UPLOAD_MB = 1000
"""A browser's upload lies in the memory of the studio until the page is left; larger files go by the terminal."""
BACKGROUND_MB = 200

STILL_SIDE = 320


@dataclass(frozen=True)
class Probe:
    """What is known of a video or picture before it is run. `problem` is one sentence where it cannot be."""

    info: MediaInfo | None = None
    text: str = ""
    problem: str = ""

    @property
    def seconds(self) -> float:
        """How long it lasts; 0 for a picture, and for a video that does not say."""
        if self.info is None or self.info.kind == "picture":
            return 0.0
        return self.info.seconds or self.info.frames / float(self.info.rate)

    @property
    def rate(self) -> float:
        """Frames a second."""
        return float(self.info.rate) if self.info else 25.0

    @property
    def picture(self) -> bool:
        return self.info is not None and self.info.kind == "picture"


def probe(path: Path) -> Probe:
    """Open the file as the engine will, and decode its first picture."""
    try:
        if is_picture(path):
            info = read_picture(path).info
        else:
            reader = IsolatedReader(path)
            info = reader.info
            reader.close()
    except UserError as error:
        return Probe(problem=error.sentence)
    return Probe(info, _text(info))


def _text(info: MediaInfo) -> str:
    if info.kind == "picture":
        return f"picture, {info.width} × {info.height} pixels"
    seconds = info.seconds or info.frames / float(info.rate)
    parts = [
        f"{info.width} × {info.height}",
        formatting.duration(seconds) if seconds else "length unknown",
        _pace(float(info.rate)),
        f"sound ({', '.join(info.audio)})" if info.audio else "no sound",
    ]
    parts += [remark for applies, remark in _REMARKS if applies(info)]
    return ", ".join(parts)


def _pace(rate: float) -> str:
    """Frames a second; of slides, how long each stands."""
    return f"{rate:.4g} frames a second" if rate >= 0.5 else f"a frame every {formatting.duration(1 / max(rate, 1e-9))}"


_REMARKS = (
    (lambda info: info.colour.hdr, "HDR, which becomes ordinary brightness"),
    (lambda info: info.interlaced, "interlaced, whose half pictures are joined"),
    (lambda info: info.turned, "filmed turned, shown upright"),
    (lambda info: info.sar != 1, "pixels that are not square"),
    (lambda info: info.depth > 8 and not info.colour.hdr, "more than 8 bits a colour"),
    (lambda info: info.unknown_tracks > 0, "with sound of an unknown kind, which gets lost"),
)


def still(path: Path, seconds: float) -> bytes | None:
    """The frame that is shown at `seconds` as a small WebP; None after the end of the video."""
    reader = IsolatedReader(path, max(0.0, seconds))
    try:
        frame = reader.read()
    finally:
        reader.close()
    if frame is None:
        return None
    scale = min(1.0, STILL_SIDE / max(frame.rgb.shape[:2]))
    small = cv2.resize(frame.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    encoded, data = cv2.imencode(".webp", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    assert encoded
    return data.tobytes()
