"""What the videos page needs besides layout: probing a file, estimates, the choices of a job as its options."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from backends.core.errors import UserError
from backends.matting.types import MediaInfo
from backends.matting.video.exports import CUTOUT, EXPORTS, Export
from backends.matting.video.frames import VideoReader
from backends.matting.video.source import is_picture
from backends.matting.video.still_image import read_picture
from studio.ui import formatting

VIDEO_TYPES = ("mp4", "mov", "m4v", "webm", "mkv", "avi", "gif")
PICTURE_TYPES = ("png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "avif")
TYPES = (*VIDEO_TYPES, *PICTURE_TYPES)
UPLOAD_MB = 1000
"""A browser's upload lies in the memory of the studio until the page is left; larger files go by the terminal."""
BACKGROUND_MB = 200

TRIAL_SECONDS = 3.0
WORTH_TRYING = 1.5 * TRIAL_SECONDS
"""A part shorter than this is made as a whole: a trial would hardly be quicker."""

GREEN = "#00b140"
OWN = "own"
"""The background that is a file sent along, rather than a colour or "blur"."""

STILL_SIDE = 320
TENTH = datetime.timedelta(milliseconds=100)

MEANINGS = {
    "temporal": "Smooths a pixel of one frame from the frames before and after it, only where the picture stands "
    "still and those two agree: less flicker, no ghosts behind what moves.",
    "edge": "Moves the edge of the cut-out: below 0 it shrinks, above 0 it grows, in pixels of the video.",
    "softness": "Blurs the edge over this many pixels, for a softer transition.",
    "despill": "Takes the old background's colour out of hair and edges: 0 leaves it, 1 takes out all of it.",
}


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


@dataclass(frozen=True)
class Choices:
    """What is to be made. `start` and `end` in seconds, `end` 0 for all of it; the rest as in the engine's options."""

    exports: Sequence[str] = ("prores4444",)
    background: str = GREEN
    temporal: bool = True
    start: float = 0.0
    end: float = 0.0
    edge: float = 0.0
    softness: float = 0.0
    despill: float = 1.0
    files: Mapping[str, Any] = field(default_factory=dict)
    """Further files by the names of the task's optional inputs."""

    @property
    def composite(self) -> bool:
        return "composite" in self.exports

    def options(self) -> dict[str, Any]:
        """The options of the job; what does not matter for it is left out."""
        wanted: dict[str, Any] = {"export": ",".join(self.exports), "temporal": "on" if self.temporal else "off"}
        if self.composite and self.background != OWN:
            wanted["background"] = self.background
        if self.start or self.end:
            wanted |= {"start": round(self.start, 3), "end": round(self.end, 3)}
        for name, usual in (("edge", 0.0), ("softness", 0.0), ("despill", 1.0)):
            if getattr(self, name) != usual:
                wanted[name] = getattr(self, name)
        return wanted

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Choices:
        """The choices behind a run's options."""
        numbers = {name: float(options.get(name) or 0) for name in ("start", "end", "edge", "softness")}
        despill = options.get("despill")
        exports = tuple(str(options.get("export") or "prores4444").split(","))
        return cls(
            exports=exports,
            background=str(options.get("background") or (OWN if "composite" in exports else GREEN)),
            temporal=options.get("temporal") != "off",
            despill=1.0 if despill is None else float(despill),
            start=numbers["start"],
            end=numbers["end"],
            edge=numbers["edge"],
            softness=numbers["softness"],
        )


def probe(path: Path) -> Probe:
    """Open the file as the engine will and decode its first picture."""
    try:
        if is_picture(path):
            info = read_picture(path).info
        else:
            reader = VideoReader(path)
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
        f"{float(info.rate):.4g} frames a second",
        f"sound ({', '.join(info.audio)})" if info.audio else "no sound",
    ]
    parts += [said for here, said in _REMARKS if here(info)]
    return ", ".join(parts)


_REMARKS = (
    (lambda info: info.colour.hdr, "HDR, which becomes ordinary brightness"),
    (lambda info: info.interlaced, "interlaced, whose half pictures are joined"),
    (lambda info: info.turned, "filmed turned, shown upright"),
    (lambda info: info.sar != 1, "pixels that are not square"),
)


def too_large(card: Mapping[str, Any], info: MediaInfo) -> str:
    """One sentence where the pictures are over the card's limit, else ""."""
    limit = card["limits"].get("megapixels")
    if limit and info.kind == "video" and info.megapixels > limit:
        return (
            f"This video has {info.megapixels:.0f} megapixels; {card['title']} takes up to {limit:.0f} here. "
            "Make it smaller first."
        )
    return ""


def work_seconds(card: Mapping[str, Any], info: MediaInfo, seconds: float) -> float:
    """How long the card takes for `seconds` of a video, 0 where nobody has measured.

    A frame costs its own megapixels and those that the model itself is worth, the card's `overhead`.
    """
    if not card.get("speed"):
        return 0.0
    frames = max(1.0, seconds * float(info.rate))
    return card["speed"] * frames * (card.get("overhead", 0.0) + info.megapixels)


def estimate(card: Mapping[str, Any], info: MediaInfo | None, seconds: float) -> str:
    """The same in words, "" where nobody has measured or there is no video yet."""
    if info is None or info.kind == "picture" or not seconds:
        return ""
    lasts = work_seconds(card, info, seconds)
    source = "measured here" if card["speed_measured_here"] else "on two processor cores"
    return f"takes {formatting.about(lasts)} ({source})" if lasts else ""


def size_text(kinds: Sequence[str], info: MediaInfo, seconds: float) -> str:
    """What the exports will weigh together, in words."""
    return f"about {formatting.size(sum(EXPORTS[kind].estimate(info, seconds) for kind in kinds))}"


def trial(start: float, end: float, moment: float) -> tuple[float, float]:
    """The few seconds around `moment` within the part from `start` to `end`."""
    begin = max(start, min(moment - TRIAL_SECONDS / 2, end - TRIAL_SECONDS))
    return begin, min(end, begin + TRIAL_SECONDS)


def still(path: Path, seconds: float) -> bytes | None:
    """The frame that is shown at `seconds` as a small WebP, None where the video has none there any more."""
    reader = VideoReader(path, max(0.0, seconds))
    try:
        frame = reader.read()
    finally:
        reader.close()
    if frame is None:
        return None
    scale = min(1.0, STILL_SIDE / max(frame.rgb.shape[:2]))
    small = cv2.resize(frame.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".webp", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    assert done
    return data.tobytes()


def as_clock(seconds: float) -> datetime.time:
    """Seconds as a slider shows them; a slider of times ends before midnight."""
    tenths = min(round(seconds * 10), 24 * 36_000 - 1)
    return (datetime.datetime.min + datetime.timedelta(milliseconds=100 * tenths)).time()


def from_clock(shown: datetime.time) -> float:
    return shown.hour * 3600 + shown.minute * 60 + shown.second + shown.microsecond / 1e6


def clock(seconds: float) -> str:
    """`72.34` as "1:12.3"."""
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{int(minutes)}:{rest:04.1f}"


def spoken(run_options: Mapping[str, Any]) -> dict[str, str]:
    """The options of a run as a person reads them."""
    chosen = Choices.of(run_options)
    said = {"made": ", ".join(EXPORTS[kind].title for kind in chosen.exports if kind in EXPORTS)}
    if chosen.start or chosen.end:
        said["part"] = f"{clock(chosen.start)} to {clock(chosen.end)}"
    if chosen.composite:
        said["background"] = str(run_options.get("background") or "a file of yours")
    said["flicker"] = "smoothed" if chosen.temporal else "left as it came"
    for name in ("edge", "softness", "despill"):
        if name in run_options:
            said[name] = f"{run_options[name]:g}"
    return said


def export_named(name: str) -> tuple[str, str]:
    """Title and "opens in" of a file that a run made, by its name: an export's kind, or a picture's content."""
    if name in EXPORTS and name != "composite":
        return EXPORTS[name].title, EXPORTS[name].opens_in
    return _FILES.get(name, (name, ""))


def composite_named(picture: bool) -> tuple[str, str]:
    if picture:
        return "Over a new background (PNG)", "Opens everywhere."
    export: Export = EXPORTS["composite"]
    return export.title, export.opens_in


_FILES = {
    CUTOUT: ("Cut-out with alpha (PNG)", "Opens in every picture editor, and in slides and web pages."),
    "alpha": ("The matte alone, without loss", "Opens in Fourfold, VLC and picture editors; made for measuring."),
}
