"""What the separation engines share with their callers: stems as data, never as attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backends.core.engine import Artifact, Result
from backends.core.errors import BadInput

SEGMENT_FRAMES = 1 << 18
"""Frames in one playable segment (5.94 s at 44.1 kHz). Fixed, so that segment i always starts at i * SEGMENT_FRAMES."""

PREVIEW_GAIN = 0.5
"""Segments are 16-bit; this head-room keeps a stem that is louder than the mix from clipping. Players divide by it."""


@dataclass(frozen=True)
class Grouping:
    """Which engine sources add up to each stem: `{"vocals": ("vocals",), "everything but vocals": ("drums", ...)}`."""

    stems: Mapping[str, tuple[str, ...]]

    @classmethod
    def every(cls, sources: tuple[str, ...]) -> Grouping:
        """One stem a source."""
        return cls({source: (source,) for source in sources})

    @classmethod
    def parse(cls, wanted: str, sources: tuple[str, ...]) -> Grouping:
        """`""` is every source; `"vocals"` is that one and everything but it; `"bass,drums"` those and the rest."""
        names = [name.strip() for name in wanted.split(",") if name.strip()]
        unknown = [name for name in names if name not in sources]
        if unknown:
            raise BadInput(f"This model has no stem called “{unknown[0]}”; it has {', '.join(sources)}.")
        rest = tuple(source for source in sources if source not in names)
        if not names or not rest:
            return cls.every(sources)
        stems = {name: (name,) for name in names}
        label = f"everything but {' and '.join(names)}" if len(rest) > 1 else rest[0]
        return cls({**stems, label: rest})


@dataclass(frozen=True)
class Separation(Result):
    """A finished separation. `artifacts` holds one "stem" a name (32-bit float WAV) and the "mix" as it was heard."""

    samplerate: int = 44100
    frames: int = 0
    stems: tuple[str, ...] = ()
    segments: int = 0

    def stem(self, name: str) -> Artifact:
        return next(artifact for artifact in self.artifacts if artifact.kind == "stem" and artifact.name == name)
