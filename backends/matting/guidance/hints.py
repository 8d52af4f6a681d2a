"""Hints: what people point at on a frame, as data, so that a page, a program and a terminal give the same.

>>> hints = parse_hints('[{"frame": 12, "kind": "drop", "shape": "point", "points": [[0.25, 0.5]]}]')
>>> hints[0].frame, hints[0].kind, hints[0].points
(12, 'drop', ((0.25, 0.5),))
>>> parse_hints(as_data(hints)) == hints
True
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from backends.core.errors import BadInput

MAX_HINTS, MAX_POINTS = 200, 1000
MAX_FRAME = 10**9
SHAPES = {"point": 1, "box": 2, "stroke": 1}
"""How many points each shape has at least; a box has exactly two, its corners."""

UNREADABLE = (
    "The hints cannot be read. They are a JSON list such as "
    '[{"frame": 0, "kind": "drop", "shape": "point", "points": [[0.5, 0.5]]}], with places from 0 to 1.'
)
TOO_MANY = f"There can be up to {MAX_HINTS} hints in one video: take some back."

NO_REGION = (
    "The part to stay inside of cannot be read. It is a JSON list of two corners or of the points of a polygon, such "
    "as [[0.1, 0], [0.9, 1]], with places from 0 to 1."
)

Place = tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]]


class Hint(BaseModel):
    """One thing that somebody pointed out on one frame.

    Attributes:
        frame: counted from the first one of the part that is worked on, from 0.
        seconds: in place of `frame`, counted from the beginning of the file: the first frame then or later is meant.
        kind: "keep" says that this belongs to who is cut out, "drop" that it does not, and "edge", a stroke, that the
            edge there is soft, such as hair: it is solved anew from the colours.
        shape: "point" means all of the person or thing there, "stroke" what was painted and what looks like it around
            there, "box" everything inside: a box that keeps also drops what lies outside.
        points: (x, y) from 0 to 1 of the picture: the place, the corners, or the path of the stroke.
        radius: of a stroke, as a share of the long side.
        person: whom a hint that keeps is about, where several people are to be cut out one by one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: Annotated[int, Field(ge=0, le=MAX_FRAME)] | None = None
    seconds: Annotated[float, Field(ge=0, le=1e6)] | None = None
    kind: Literal["keep", "drop", "edge"]
    shape: Literal["point", "box", "stroke"] = "point"
    points: Annotated[tuple[Place, ...], Field(min_length=1, max_length=MAX_POINTS)]
    radius: Annotated[float, Field(gt=0, le=0.25)] = 0.02
    person: Annotated[int, Field(ge=1, le=9)] = 1

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.frame is None) == (self.seconds is None):
            raise ValueError("a hint has either a frame or seconds")
        if self.kind == "edge" and self.shape != "stroke":
            raise ValueError("an edge is painted")
        if len(self.points) < SHAPES[self.shape] or (self.shape == "box" and len(self.points) != SHAPES["box"]):
            raise ValueError("too few or too many points")
        return self


def parse_hints(given: Any) -> tuple[Hint, ...]:
    """Hints from JSON text, or from the list that it stands for. Raises BadInput with one sentence."""
    try:
        data = json.loads(given) if isinstance(given, str | bytes) else given
        if not isinstance(data, list | tuple):
            raise BadInput(UNREADABLE)
        if len(data) > MAX_HINTS:
            raise BadInput(TOO_MANY)
        return tuple(hint if isinstance(hint, Hint) else Hint.model_validate(hint) for hint in data)
    except (ValidationError, ValueError, RecursionError) as error:
        raise BadInput(UNREADABLE) from error


REGION = TypeAdapter(Annotated[tuple[Place, ...], Field(max_length=MAX_POINTS)])


def parse_region(given: Any) -> tuple[Place, ...]:
    """The points of a part of the picture, from JSON text or the list that it stands for; none for all of it.

    >>> parse_region("[[0.1, 0.2], [0.9, 1]]")
    ((0.1, 0.2), (0.9, 1.0))
    """
    try:
        points = REGION.validate_python(json.loads(given) if isinstance(given, str) else given)
    except (ValidationError, ValueError, RecursionError) as error:
        raise BadInput(NO_REGION) from error
    if len(points) == 1:
        raise BadInput(NO_REGION)
    return points


def as_data(hints: Iterable[Hint]) -> list[dict[str, Any]]:
    """The hints as a JSON list, without what is as usual."""
    return [hint.model_dump(mode="json", exclude_defaults=True) | {"shape": hint.shape} for hint in hints]


def about(hints: Sequence[Hint], person: int) -> tuple[Hint, ...]:
    """The hints as they read where only that person is cut out: who else is kept is then dropped; 0 keeps everybody.

    A box around somebody else says nothing of what lies outside of it.
    """
    if not person:
        return tuple(hints)
    return tuple(
        hint.model_copy(update={"kind": "drop"}) if hint.kind == "keep" and hint.person != person else hint
        for hint in hints
    )
