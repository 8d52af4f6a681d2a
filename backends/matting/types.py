"""The data types of matting: frames, what is known of a file, and the finished result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction

import numpy as np

from backends.core.engine import Result

UNCERTAIN = (0.05, 0.95)
"""A pixel whose alpha lies strictly between is uncertain: neither clearly person nor clearly background."""


@dataclass(frozen=True)
class Colour:
    """How a file says its colours are coded, in the numbers of ITU-T H.273; 2 means "not said".

    `matrix` is the luma/chroma matrix, `full` whether black is 0 rather than 16.
    """

    matrix: int = 2
    primaries: int = 2
    transfer: int = 2
    full: bool = False

    @property
    def hdr(self) -> bool:
        """PQ (16) and HLG (18) code light far brighter than white, which ordinary pictures cannot hold."""
        return self.transfer in (16, 18)


@dataclass(frozen=True)
class SoundInfo:
    """What is known of a sound track. `codec` is FFmpeg's name, `rate` in Hz; `bits` is 0 for codecs with loss."""

    codec: str
    channels: int = 2
    rate: int = 0
    bits: int = 0
    language: str = ""
    title: str = ""


@dataclass(frozen=True)
class Chapter:
    """A stretch of a video with a name, from `begin` to `end` seconds of the part."""

    begin: Fraction
    end: Fraction
    title: str = ""


@dataclass(frozen=True)
class MediaInfo:
    """What is known of a video or picture before it is worked on. `width` and `height` are upright, as watched.

    `frames` is an estimate for videos (0 where nothing is known); `seconds` likewise. `sar` is the shape of one
    pixel, width over height, upright. `time_base` is the unit of the frames' times, `tick` that of the file's own
    clock, which may be coarser, both in seconds. `origin` is the moment of that clock, in seconds, that counts as 0.
    `chroma` is how many pixels, across and down, share one sample of colour; (2, 2) also where it has none.
    `audio` names the codecs of the sound tracks; `unknown_tracks` are those that no decoder here knows. `alpha` says
    whether its pictures can be see-through. `timecode` is that of the first frame of the part, "" without one.
    """

    kind: str
    width: int
    height: int
    frames: int = 1
    seconds: float = 0.0
    rate: Fraction = Fraction(25)
    time_base: Fraction = Fraction(1, 90_000)
    tick: Fraction = Fraction(1, 90_000)
    origin: Fraction = Fraction(0)
    sar: Fraction = Fraction(1)
    colour: Colour = field(default_factory=Colour)
    depth: int = 8
    chroma: tuple[int, int] = (2, 2)
    turned: bool = False
    interlaced: bool = False
    audio: tuple[str, ...] = ()
    tracks: tuple[SoundInfo, ...] = ()
    unknown_tracks: int = 0
    subtitles: int = 0
    further_pictures: int = 0
    data_tracks: int = 0
    chapters: tuple[Chapter, ...] = ()
    codec: str = ""
    alpha: bool = False
    timecode: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6


@dataclass(frozen=True)
class Frame:
    """One upright picture `(H, W, 3)` uint8 RGB, shown at `pts` ticks of the reader's time base.

    `deep` is the same in uint16 where the source has more than 8 bits; `alpha` is its own transparency, `(H, W)`
    float32 in 0..1, where anything in it is see-through.
    """

    rgb: np.ndarray
    pts: int
    index: int = 0
    deep: np.ndarray | None = None
    alpha: np.ndarray | None = None


@dataclass(frozen=True)
class PreservationCheck:
    """Whether one property of the source, such as its sound, is in the written file.

    `what` names the property, `state` is "kept", "changed" or "lost", and `sentence` says how, for people.
    """

    what: str
    state: str
    sentence: str


@dataclass(frozen=True)
class Matting(Result):
    """A finished cut-out. `artifacts` holds one "export", and "alpha" and "frames" as described in the exports.

    `kept` is the preservation report, checked on the written files; the name is that of run.json.
    """

    width: int = 0
    height: int = 0
    frames: int = 0
    seconds: float = 0.0
    kept: tuple[PreservationCheck, ...] = ()

    def summary(self) -> Mapping[str, Sequence[Mapping[str, str]]]:
        return {"kept": [asdict(check) for check in self.kept]}
