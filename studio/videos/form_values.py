"""The values of the form on the videos page, and their translation to and from the options of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backends.matting.video.exports import EXPORTS
from studio.videos.timecode import clock

TRIAL_SECONDS = 3.0
WORTH_TRYING = 1.5 * TRIAL_SECONDS
"""A part shorter than this is made as a whole, because a trial would hardly be quicker."""

GREEN = "#00b140"
OWN = "own"
"""The background that is a file sent along, rather than a colour or "blur"."""

MEANINGS = {
    "temporal": "Smooths a pixel of one frame from the frames before and after it, only where the picture stands "
    "still and those two agree: less flicker, no ghosts behind what moves.",
    "edge": "Moves the edge of the cut-out: below 0 it shrinks, above 0 it grows, in pixels of the video.",
    "softness": "Blurs the edge over this many pixels, for a softer transition.",
    "despill": "Takes the old background's colour out of hair and edges: 0 leaves it, 1 takes out all of it.",
}


COMPOSING = {"size": 1.0, "across": 0.0, "down": 0.0, "wrap": 0.0, "shadow": 0.0}
"""How the person lies over a new background, with what changes nothing."""


@dataclass(frozen=True)
class FormValues:
    """What the form asks for. `start` and `end` are in seconds, `end` 0 for all of it; the rest as in the options."""

    exports: Sequence[str] = ("prores4444",)
    background: str = GREEN
    temporal: bool = True
    start: float = 0.0
    end: float = 0.0
    edge: float = 0.0
    softness: float = 0.0
    despill: float = 1.0
    size: float = 1.0
    across: float = 0.0
    down: float = 0.0
    wrap: float = 0.0
    shadow: float = 0.0
    region: Sequence[Sequence[float]] = ()
    """Outside of this part all is background: corners or points of a polygon, from 0 to 1."""

    hints: Sequence[Mapping[str, Any]] = ()
    """Corrections as data (`backends.matting.guidance.hints`), with seconds: they hold for any part of the video."""

    person: int = 0
    """Which person of the corrections is cut out; 0 for everybody."""

    files: Mapping[str, Any] = field(default_factory=dict)
    """Further files by the names of the task's optional inputs: "background" and "matte"."""

    @property
    def composite(self) -> bool:
        return "composite" in self.exports

    def to_options(self) -> dict[str, Any]:
        """The options of the job, without those that have no effect on it.

        >>> FormValues(("webm",), edge=-1.0).to_options()
        {'export': 'webm', 'temporal': 'on', 'edge': -1.0}
        """
        options: dict[str, Any] = {"export": ",".join(self.exports), "temporal": "on" if self.temporal else "off"}
        if self.composite and self.background != OWN:
            options["background"] = self.background
        if self.start or self.end:
            options |= {"start": round(self.start, 3), "end": round(self.end, 3)}
        for name, default in (("edge", 0.0), ("softness", 0.0), ("despill", 1.0)):
            if getattr(self, name) != default:
                options[name] = getattr(self, name)
        if self.composite:
            options |= {name: value for name, none in COMPOSING.items() if (value := getattr(self, name)) != none}
        if self.region:
            options["region"] = [list(place) for place in self.region]
        if self.hints:
            options["hints"] = [dict(hint) for hint in self.hints]
            options |= {"person": self.person} if self.person else {}
        return options

    @classmethod
    def from_options(cls, options: Mapping[str, Any], files: Mapping[str, Any] | None = None) -> FormValues:
        """The values that the form had for these options and these further files of a job."""
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
            **{name: float(options.get(name, none)) for name, none in COMPOSING.items()},
            region=tuple(tuple(place) for place in options.get("region") or ()),
            hints=tuple(options.get("hints") or ()),
            person=int(options.get("person") or 0),
            files=files or {},
        )


def with_state(before: FormValues, state: Mapping[str, Any] | None) -> FormValues:
    """`before` with the settings that were changed in the workbench, and the corrections made there."""
    if not state:
        return before
    place: dict[str, Any] = {name: float(state.get(name, getattr(before, name))) for name in COMPOSING}
    return replace(
        before,
        edge=float(state.get("edge", before.edge)),
        softness=float(state.get("softness", before.softness)),
        despill=float(state.get("despill", before.despill)),
        background=str(state.get("background") or before.background),
        region=tuple(tuple(corner) for corner in state.get("region", before.region)),
        hints=tuple(state.get("hints", before.hints)),
        **place,
    )


def trial(start: float, end: float, moment: float) -> tuple[float, float]:
    """The part to try: a few seconds around `moment`, within the part from `start` to `end`.

    >>> trial(0, 60, 30), trial(10, 20, 20)
    ((28.5, 31.5), (17.0, 20))
    """
    begin = max(start, min(moment - TRIAL_SECONDS / 2, end - TRIAL_SECONDS))
    return begin, min(end, begin + TRIAL_SECONDS)


def describe_options(run_options: Mapping[str, Any]) -> dict[str, str]:
    """The options of a run as people read them, by what they are about."""
    chosen = FormValues.from_options(run_options)
    described = {"made": ", ".join(EXPORTS[kind].title for kind in chosen.exports if kind in EXPORTS)}
    if chosen.start or chosen.end:
        described["part"] = f"{clock(chosen.start)} to {clock(chosen.end)}"
    if chosen.composite:
        described["background"] = str(run_options.get("background") or "a file of yours")
    described["flicker"] = "smoothed" if chosen.temporal else "left as it came"
    for name in ("edge", "softness", "despill"):
        if name in run_options:
            described[name] = f"{run_options[name]:g}"
    for name in COMPOSING:
        if name in run_options:
            described[name] = f"{run_options[name]:g}"
    if chosen.region:
        described["only inside"] = "a part of the picture"
    if chosen.hints:
        described["corrections"] = str(len(chosen.hints))
    if chosen.person:
        described["person"] = str(chosen.person)
    return described
