"""The options of a matting job: what each means, and reading them from words or numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backends.core.errors import BadInput
from backends.core.options import number, switch
from backends.matting.video.exports import COMPOSITE, EXPORTS, Export, wanted

OPTIONS: dict[str, str] = {
    "export": f"What to make, one or several of {', '.join(EXPORTS)}.",
    "background": "For a composite: a colour such as “green” or “#102030”, or “blur”.",
    "temporal": "“on” smooths flicker where nothing moves, “off” leaves every frame as it came.",
    "start": "Seconds from the beginning to start at.",
    "end": "Seconds from the beginning to stop at; 0 for all of it.",
    "edge": "Move the edge by this many pixels: negative shrinks the cut-out, positive grows it.",
    "softness": "Soften the edge over this many pixels.",
    "despill": "How much of the old background's colour to take out of hair and edges, 0 to 1.",
}


@dataclass(frozen=True)
class Settings:
    """`end` is None for all of it; the rest as in OPTIONS."""

    exports: tuple[Export, ...] = (EXPORTS["prores4444"],)
    background: str = "green"
    temporal: bool = True
    start: float = 0.0
    end: float | None = None
    edge: float = 0.0
    softness: float = 0.0
    despill: float = 1.0

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> Settings:
        """Raises BadInput with the option's name in the sentence."""
        start = number(options, "start", 0.0, 0.0, 1e6)
        end = number(options, "end", 0.0, 0.0, 1e6)
        if end and end <= start:
            raise BadInput("The end has to come after the start: choose a longer part.")
        return cls(
            exports=wanted(str(options.get("export") or "prores4444")),
            background=str(options.get("background") or "green"),
            temporal=switch(options, "temporal", True),
            start=start,
            end=end or None,
            edge=number(options, "edge", 0.0, -50.0, 50.0),
            softness=number(options, "softness", 0.0, 0.0, 50.0),
            despill=number(options, "despill", 1.0, 0.0, 1.0),
        )

    @property
    def composite(self) -> bool:
        return any(export.content == COMPOSITE for export in self.exports)
