"""The options of a matting job, as data."""

from __future__ import annotations

from typing import Any, Self

from pydantic import field_validator, model_validator

from backends.core.errors import BadInput
from backends.core.options import Options, Switch, WordList, option
from backends.matting.guidance.hints import Hint, Place, parse_hints, parse_region
from backends.matting.video.exports import COMPOSITE, EXPORTS, Export, parse_exports

FOREVER = 1e6
"""The latest time, in seconds, that a part may start or end at."""


class MattingOptions(Options):
    """What every matting engine can be told; none has options of its own.

    >>> chosen = MattingOptions.read({"export": "webm, luma", "start": "1.5", "temporal": "off"})
    >>> chosen.export, chosen.start, chosen.end_seconds, chosen.temporal
    (('webm', 'luma'), 1.5, None, False)
    >>> MattingOptions.read({"edge": 80})
    Traceback (most recent call last):
    ...
    backends.core.errors.BadInput: The option “edge” takes a number from -50 to 50.
    """

    export: WordList = option(
        ("prores4444",),
        title="What to make",
        meaning=f"What to make, one or several of {', '.join(EXPORTS)}.",
        choices=tuple(EXPORTS),
    )
    background: str = option(
        "green",
        title="Background",
        meaning="For a composite: a colour such as “green” or “#102030”, or “blur”.",
    )
    temporal: Switch = option(
        True,
        title="Smooth flicker",
        meaning="“on” smooths flicker where nothing moves, “off” leaves every frame as it came.",
    )
    start: float = option(
        0.0,
        title="Start",
        meaning="Seconds from the beginning to start at.",
        least=0,
        most=FOREVER,
        unit="seconds",
    )
    end: float = option(
        0.0,
        title="End",
        meaning="Seconds from the beginning to stop at; 0 for all of it.",
        least=0,
        most=FOREVER,
        unit="seconds",
    )
    edge: float = option(
        0.0,
        title="Shrink or grow",
        meaning="Move the edge by this many pixels: negative shrinks the cut-out, positive grows it.",
        least=-50,
        most=50,
        unit="pixels",
    )
    softness: float = option(
        0.0,
        title="Softness",
        meaning="Soften the edge over this many pixels.",
        least=0,
        most=50,
        unit="pixels",
    )
    despill: float = option(
        1.0,
        title="Remove spilled colour",
        meaning="How much of the old background's colour to take out of hair and edges, 0 to 1.",
        least=0,
        most=1,
    )

    size: float = option(
        1.0,
        title="Size",
        meaning="For a composite: the person this many times as large, from the middle of the lower edge.",
        least=0.1,
        most=4,
        advanced=True,
    )
    across: float = option(
        0.0,
        title="Left or right",
        meaning="For a composite: the person moved by this share of the width, negative to the left.",
        least=-1,
        most=1,
        advanced=True,
    )
    down: float = option(
        0.0,
        title="Up or down",
        meaning="For a composite: the person moved by this share of the height, negative upwards.",
        least=-1,
        most=1,
        advanced=True,
    )
    wrap: float = option(
        0.0,
        title="Light wrap",
        meaning="For a composite: how much of the new background's light falls on the person's edge, 0 to 1.",
        least=0,
        most=1,
        advanced=True,
    )
    shadow: float = option(
        0.0,
        title="Shadow",
        meaning="For a composite: how dark a shadow the person throws on the new background, 0 to 1.",
        least=0,
        most=1,
        advanced=True,
    )
    region: tuple[Place, ...] = option(
        (),
        title="Only inside",
        meaning="Outside of this part all is background: two corners, or the points of a polygon, as a JSON list of "
        "[x, y] with places from 0 to 1.",
        advanced=True,
    )
    hints: tuple[Hint, ...] = option(
        (),
        title="Corrections",
        meaning="Who is meant, as a JSON list: [{“frame”: 12, “kind”: “keep”, “drop” or “edge”, “shape”: “point”, "
        "“box” or “stroke”, “points”: [[x, y], …]}], with places from 0 to 1. Each is carried through its scene.",
        advanced=True,
    )
    person: int = option(
        0,
        title="Person",
        meaning="Cut out only the person of this number in the corrections that keep; 0 for everybody who is kept.",
        least=0,
        most=9,
        advanced=True,
    )

    @field_validator("hints", mode="before")
    @classmethod
    def _hints(cls, value: Any) -> tuple[Hint, ...]:
        return parse_hints(value)

    @field_validator("region", mode="before")
    @classmethod
    def _region(cls, value: Any) -> tuple[Place, ...]:
        return parse_region(value)

    @field_validator("export", mode="before")
    @classmethod
    def _export_kinds(cls, value: Any) -> tuple[str, ...]:
        """Other names of a format become its own, and one that cannot hold a cut-out is refused with the reason."""
        words = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        return tuple(export.kind for export in parse_exports(words))

    @model_validator(mode="after")
    def _end_after_start(self) -> Self:
        if self.end and self.end <= self.start:
            raise BadInput("The end has to come after the start: choose a longer part.")
        return self

    @property
    def exports(self) -> tuple[Export, ...]:
        return tuple(EXPORTS[kind] for kind in self.export)

    @property
    def end_seconds(self) -> float | None:
        """Where to stop, None for the end of the file."""
        return self.end or None

    @property
    def composite(self) -> bool:
        """Whether any export needs a new background."""
        return any(export.content == COMPOSITE for export in self.exports)
