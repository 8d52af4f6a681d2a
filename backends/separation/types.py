"""Types that the separation engines share with their callers. Stems are data, never attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backends.core.engine import Artifact, Result
from backends.core.errors import BadInput

SEGMENT_FRAMES = 1 << 18
"""Frames in one playable segment (5.94 s at 44.1 kHz). Fixed, so that segment i always starts at i * SEGMENT_FRAMES."""

PREVIEW_GAIN = 0.5
"""Gain of the 16-bit segments, so that a stem louder than the mix does not clip. Players divide by it."""


@dataclass(frozen=True)
class Grouping:
    """Which sources of an engine add up to each stem.

    `remainder` names the stem that is the song less all others; "" where each stem is only what the engine gave.
    """

    stems: Mapping[str, tuple[str, ...]]
    remainder: str = ""

    @classmethod
    def parse(cls, wanted: str, sources: tuple[str, ...], adds_up: bool = False) -> Grouping:
        """The stems that the option `stems` asks for: those named, and one of everything else.

        Everything else is the song less those named, so that nothing of it is lost. With `adds_up`, the remainder goes
        into the stem of the source “other” where each source is a stem of its own, or else into the last one.

        An empty text, or the names of all sources, give each source as a stem of its own.

        >>> Grouping.parse("vocals", ("drums", "bass", "vocals")).stems
        {'vocals': ('vocals',), 'everything but vocals': ('drums', 'bass')}
        >>> list(Grouping.parse("", ("drums", "bass", "vocals")).stems)
        ['drums', 'bass', 'vocals']

        Raises:
            BadInput: a name is not among `sources`.
        """
        names = [name.strip() for name in wanted.split(",") if name.strip()]
        unknown = [name for name in names if name not in sources]
        if unknown:
            raise BadInput(f"This model has no stem called “{unknown[0]}”; it has {', '.join(sources)}.")
        rest = tuple(source for source in sources if source not in names)
        if not names or not rest:
            remainder = "other" if "other" in sources else sources[-1]
            return cls({source: (source,) for source in sources}, remainder if adds_up else "")
        stems = {name: (name,) for name in names}
        if len(rest) == 1:
            return cls({**stems, rest[0]: rest}, rest[0] if adds_up else "")
        label = f"everything but {' and '.join(names)}"
        return cls({**stems, label: rest}, label)


@dataclass(frozen=True)
class Separation(Result):
    """A finished separation. `artifacts` holds a "stem" (32-bit float WAV) for each name and the "mix" as read."""

    samplerate: int = 44100
    frames: int = 0
    stems: tuple[str, ...] = ()
    segments: int = 0

    def stem(self, name: str) -> Artifact:
        return next(artifact for artifact in self.artifacts if artifact.kind == "stem" and artifact.name == name)
