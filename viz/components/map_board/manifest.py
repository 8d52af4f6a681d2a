"""What a map board shows, as data: cells over a picture, bars, or points; with numbers, sounds and a verdict.

The same data is drawn live by the component and still by `still.svg`. It travels in bundles, and is checked when it is
read: `Board.model_validate` refuses what is too large or no number, no picture and no sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

MAX_CELLS, MAX_SIDE, MAX_BARS, MAX_POINTS = 4096, 400, 600, 400
MAX_MAPS, MAX_SOUNDS, MAX_TESTS = 3, 4, 16

Word = Annotated[str, StringConstraints(max_length=160)]
Sentence = Annotated[str, StringConstraints(max_length=1200)]
Picture = Annotated[
    str,
    StringConstraints(max_length=1_000_000, pattern=r"^(|data:image/(webp|png|jpeg);base64,[A-Za-z0-9+/]+={0,2})$"),
]
Sound = Annotated[str, StringConstraints(max_length=1_000_000, pattern=r"^data:audio/ogg;base64,[A-Za-z0-9+/]+={0,2}$")]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Axis(_Part):
    """One side of a picture with cells: `edges` are shares of it, from the left or the top; `labels` name the cells."""

    title: Word = ""
    edges: Annotated[tuple[Share, ...], Field(max_length=MAX_SIDE + 1)] = ()
    labels: Annotated[tuple[Word, ...], Field(max_length=MAX_SIDE)] = ()
    ticks: Annotated[tuple[tuple[Share, Word], ...], Field(max_length=24)] = ()


class Layer(_Part):
    """A map by its name: its rows of cells, or one row of bars."""

    name: Word
    rows: Annotated[tuple[Annotated[tuple[Number, ...], Field(max_length=MAX_BARS)], ...], Field(max_length=MAX_SIDE)]


class Point(_Part):
    """A picture on a map of pictures: `x` and `y` from 0 at the top left to 1; `group` counts from 0, -1 for none."""

    x: Share
    y: Share
    group: Annotated[int, Field(ge=-1, lt=200)]
    title: Word
    picture: Picture = ""


class Trust(_Part):
    """How far a map can be trusted: the verdict in words with its numbers, and the tests behind it."""

    verdict: Literal["stands", "doubtful", "does not stand", ""] = ""
    sentence: Sentence = ""
    tests: Annotated[tuple[tuple[Word, Sentence], ...], Field(max_length=MAX_TESTS)] = ()


class Board(_Part):
    """A map to look at and to touch.

    Attributes:
        kind: "cells" over a picture, "bars" along a chain or of named parts, or "points".
        alt: what is seen, in a sentence.
        unit: of the numbers.
        maps: the map, and others on the same scale of colours, such as that of a network that knows nothing.
        picture: below the cells.
        aspect: its height over its width.
        area: of it that is asked about: left, top, width and height in shares of its size.
        x: across it.
        y: down it.
        names: of the bars.
        groups: names and colours of the groups of points.
        points: of a map of pictures.
        sounds: what can be heard of it, by name.
        trust: of a map that says why.
    """

    kind: Literal["cells", "bars", "points"]
    alt: Sentence
    unit: Word = ""
    maps: Annotated[tuple[Layer, ...], Field(max_length=MAX_MAPS)] = ()
    picture: Picture = ""
    aspect: Annotated[float, Field(gt=0.05, lt=20)] = 1.0
    area: tuple[Share, Share, Share, Share] | None = None
    x: Axis = Axis()
    y: Axis = Axis()
    names: Annotated[tuple[Word, ...], Field(max_length=MAX_BARS)] = ()
    groups: Annotated[tuple[tuple[Word, Colour], ...], Field(max_length=200)] = ()
    points: Annotated[tuple[Point, ...], Field(max_length=MAX_POINTS)] = ()
    sounds: Annotated[tuple[tuple[Word, Sound], ...], Field(max_length=MAX_SOUNDS)] = ()
    trust: Trust = Trust()

    @model_validator(mode="after")
    def _fits(self) -> Board:
        """Raises ValueError where the parts do not fit together."""
        if self.kind == "points":
            if not self.points:
                raise ValueError("a map of points has points")
            return self
        if not self.maps:
            raise ValueError("cells and bars have a map")
        shape = (1, len(self.names)) if self.kind == "bars" else (len(self.y.edges) - 1, len(self.x.edges) - 1)
        if any(len(each.rows) != shape[0] or any(len(row) != shape[1] for row in each.rows) for each in self.maps):
            raise ValueError("every map has the shape of its axes")
        if shape[0] * shape[1] > MAX_CELLS:
            raise ValueError("too many cells")
        return self

    @property
    def reach(self) -> float:
        """The value of the strongest colour, one for all maps; 1 where all are flat."""
        return max((abs(value) for each in self.maps for row in each.rows for value in row), default=0.0) or 1.0


def layer(name: str, values: np.ndarray) -> Layer:
    """A map `(H, W)`, or of bars `(N,)`, with four digits that count; a number that is none is 0."""
    rows = np.atleast_2d(np.nan_to_num(np.asarray(values, float), posinf=0.0, neginf=0.0))
    return Layer(name=name, rows=tuple(tuple(float(f"{value:.4g}") for value in row) for row in rows))


def edges(middles: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where the cells begin and end `(N + 1,)` whose `middles` `(N,)` rise, within `low` to `high`, as shares of it.

    >>> edges(np.array([1.0, 3.0]), 0.0, 4.0).tolist()
    [0.0, 0.5, 1.0]
    """
    between = (middles[1:] + middles[:-1]) / 2
    first = middles[0] - (between[0] - middles[0] if len(between) else (high - low) / 2)
    last = middles[-1] + (middles[-1] - between[-1] if len(between) else (high - low) / 2)
    places = np.concatenate([[first], between, [last]])
    return np.clip((places - low) / (high - low), 0.0, 1.0).round(5)


def spread(points: np.ndarray, margin: float = 0.06) -> np.ndarray:
    """Points `(N, 2)` with y rising upwards as shares `(N, 2)` of a square with y falling, and a margin around them."""
    low, high = points.min(axis=0), points.max(axis=0)
    unit = (points - low) / np.maximum(high - low, 1e-9)
    placed = margin + (1 - 2 * margin) * unit
    return np.column_stack([placed[:, 0], 1 - placed[:, 1]]).round(4)


def trust(checks: Any, tests: Sequence[tuple[str, str]]) -> Trust:
    """Of the tests of an attribution as `backends.attribution` writes them; nothing where there were none."""
    if not checks:
        return Trust(sentence="This map was not tested.")
    return Trust(verdict=checks.get("verdict", ""), sentence=str(checks.get("sentence", ""))[:1200], tests=tuple(tests))
