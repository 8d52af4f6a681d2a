"""Figures, tables and excerpts as they stood when they were pinned: evidence that needs neither its run nor a network.

A figure is the picture that the browser made of it, a table its cells, a map the numbers that it is drawn from, and
excerpts are sounds and pictures with their names. They are kept in the moment of the evidence, with the address of the
page that showed them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from backends.core.errors import BadInput, TooLarge
from studio.findings.exhibits import Part

if TYPE_CHECKING:
    import pandas as pd

    from viz.components.map_board import Board

SNAPSHOT, BOARD = "snapshot", "board"
"""The keys of a moment that hold a picture or table, and a map that can be touched."""

PICTURE = re.compile(r"data:image/(?:svg\+xml|webp|png|jpeg);base64,[A-Za-z0-9+/]+={0,2}")
SOUND = re.compile(r"data:audio/(?:ogg|mpeg);base64,[A-Za-z0-9+/]+={0,2}")
MAX_PICTURE, MAX_ALT = 1_500_000, 1_000
MAX_EXCERPTS = 8
MAX_ROWS, MAX_COLUMNS, MAX_CELL = 60, 14, 160


@dataclass(frozen=True)
class Excerpt:
    """A sound or a picture by its name, as a data address."""

    name: str
    address: str


def of_excerpts(excerpts: Sequence[Excerpt], alt: str) -> dict[str, Any]:
    """The moment of sounds or pictures that stand beside each other.

    Raises:
        TooLarge: they take more than a finding holds.
        BadInput: one of them is neither.
    """
    if len(excerpts) > MAX_EXCERPTS or sum(len(one.address) for one in excerpts) > MAX_PICTURE:
        raise TooLarge("These excerpts are too large to be pinned: choose a shorter stretch, or fewer of them.")
    if any(_media(one.address) == "" for one in excerpts):
        raise BadInput("One of these can be neither heard nor seen: ask again.")
    return {SNAPSHOT: {"picture": "", "alt": alt[:MAX_ALT], "excerpts": [asdict(one) for one in excerpts]}}


def _media(address: str) -> str:
    """What is at a data address that may be shown: "sound", "picture", or "" for anything else."""
    if len(address) > MAX_PICTURE:
        return ""
    return "sound" if SOUND.fullmatch(address) else "picture" if PICTURE.fullmatch(address) else ""


def of_figure(picture: str, alt: str) -> dict[str, Any]:
    """The moment of a figure.

    Args:
        picture: a data address that the browser made.
        alt: what is seen, in a sentence.

    Raises:
        TooLarge: it takes more than a finding holds.
        BadInput: it is no picture.
    """
    if len(picture) > MAX_PICTURE:
        raise TooLarge("This figure is too large to be pinned: show less of it, or make the window smaller.")
    if not PICTURE.fullmatch(picture):
        raise BadInput("The browser sent no picture of this figure: try again once it is drawn.")
    return {SNAPSHOT: {"picture": picture, "alt": alt[:MAX_ALT]}}


def of_table(frame: pd.DataFrame, alt: str) -> dict[str, Any]:
    """The moment of a table: its first rows and columns."""
    shown = frame.iloc[:MAX_ROWS, :MAX_COLUMNS]
    rows = [[_cell(value) for value in row] for row in shown.itertuples(index=False, name=None)]
    left = len(frame) - len(shown)
    more = f" {left:,} more rows are not shown." if left else ""
    columns = [str(name)[:MAX_CELL] for name in shown.columns]
    return {SNAPSHOT: {"picture": "", "alt": f"{alt}{more}"[:MAX_ALT], "columns": columns, "rows": rows}}


def of_board(board: Board) -> dict[str, Any]:
    """The moment of a map, with a picture of it for print."""
    from viz.components.map_board import svg

    picture = f"data:image/svg+xml;base64,{base64.b64encode(svg(board).encode()).decode()}"
    return {**of_figure(picture, board.alt), **live(board)}


def live(board: Board) -> dict[str, Any]:
    """What makes the moment of a figure one that can be touched."""
    return {BOARD: board.model_dump(mode="json", exclude_defaults=True)}


def _cell(value: Any) -> str | float:
    import pandas as pd

    if isinstance(value, int | float) and not isinstance(value, bool):
        return "" if pd.isna(value) else value
    return "" if value is None else str(value)[:MAX_CELL]


def snapshot(moment: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was pinned, as `figure_board` shows it; None for any other moment.

    A moment comes from anybody, in a bundle: what is no picture, no sound and no table is left out.
    """
    held = moment.get(SNAPSHOT)
    if not isinstance(held, Mapping):
        return None
    picture, alt = str(held.get("picture") or ""), str(held.get("alt") or "")[:MAX_ALT]
    if len(picture) > MAX_PICTURE or not PICTURE.fullmatch(picture):
        picture = ""
    columns = [str(name)[:MAX_CELL] for name in _list(held.get("columns"))[:MAX_COLUMNS]]
    rows = [[_cell(cell) for cell in _list(row)[: len(columns)]] for row in _list(held.get("rows"))[:MAX_ROWS]]
    excerpts = [one for held_one in _list(held.get("excerpts"))[:MAX_EXCERPTS] if (one := _excerpt(held_one))]
    return {"picture": picture, "alt": alt, "columns": columns, "rows": rows, "excerpts": excerpts}


def _excerpt(held: Any) -> dict[str, str] | None:
    """An excerpt with what it is; None for what is none."""
    if not isinstance(held, Mapping):
        return None
    address = str(held.get("address") or "")
    kind = _media(address)
    return {"name": str(held.get("name"))[:MAX_CELL], "address": address, "kind": kind} if kind else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def part(moment: Mapping[str, Any], key: str) -> Part | None:
    """What was pinned, for a page or a stage; None for any other moment."""
    held = snapshot(moment)
    if held is None:
        return None
    board = _board(moment)
    if board is not None:
        return Part("map", {**board.model_dump(mode="json"), "run": key}, board.alt, held["picture"])
    return Part("figure", {**held, "run": key}, held["alt"], held["picture"])


def _board(moment: Mapping[str, Any]) -> Board | None:
    """The map of a moment; None where there is none, or one that is not as it should be."""
    from viz.components.map_board import Board

    try:
        return Board.model_validate(moment[BOARD]) if BOARD in moment else None
    except ValidationError:
        return None


def cover(moment: Mapping[str, Any]) -> str:
    """The picture that stands for what was pinned; "" where it has none."""
    held = snapshot(moment)
    if held is None:
        return ""
    pictures = [one["address"] for one in held["excerpts"] if one["kind"] == "picture"]
    return str(held["picture"] or next(iter(pictures), ""))


def describe(moment: Mapping[str, Any]) -> str:
    """What kind of thing was pinned."""
    held = snapshot(moment)
    if held is None:
        return ""
    if held["excerpts"]:
        kinds = {one["kind"] for one in held["excerpts"]}
        many = len(held["excerpts"]) > 1
        return ("sounds" if many else "a sound") if kinds == {"sound"} else "pictures" if many else "a picture"
    return "a map" if BOARD in moment else "a figure" if held["picture"] else "a table"
