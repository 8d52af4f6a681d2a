"""Maps that can be touched, as data and as a still picture: what fits is kept, anything else is refused."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from viz.components.map_board import Axis, Board, Point, edges, layer, spread, svg
from viz.inside.style import AGAINST, FOR

SVG = "{http://www.w3.org/2000/svg}"
VALUES = np.array([[1.0, 0.0], [-2.0, 0.5]])


def cells(**more: Any) -> Board:
    halves = Axis(edges=(0.0, 0.5, 1.0))
    given: dict[str, Any] = {"kind": "cells", "alt": "A map.", "maps": (layer("The map", VALUES),), "aspect": 0.5}
    return Board(**{**given, "x": halves, "y": halves, **more})


def test_cells_are_drawn_where_they_lie_and_as_strong_as_they_are() -> None:
    tree = ET.fromstring(svg(cells()))
    drawn = {
        (float(node.get("x", 0)), float(node.get("y", 0))): (node.get("fill"), float(node.get("fill-opacity", 0)))
        for node in tree.iter(f"{SVG}rect")
        if node.get("fill") in (FOR, AGAINST)
    }
    assert drawn == {(0.0, 0.0): (FOR, 0.425), (0.0, 240.0): (AGAINST, 0.85), (480.0, 240.0): (FOR, 0.212)}
    assert tree.findtext(f"{SVG}title") == "A map."


def test_bars_stand_on_both_sides_of_the_middle() -> None:
    board = Board(kind="bars", alt="Bars.", names=("K1", "<b>"), maps=(layer("The map", np.array([2.0, -1.0])),))
    tree = ET.fromstring(svg(board))
    bars = [node for node in tree.iter(f"{SVG}rect") if node.get("fill") in (FOR, AGAINST)]
    assert [(bar.get("fill"), float(bar.get("height", 0))) for bar in bars] == [(FOR, 142.0), (AGAINST, 71.0)]
    assert float(bars[0].get("y", 0)) + 142 == float(bars[1].get("y", 0)) == 150
    assert "<b>" in {node.text for node in tree.iter(f"{SVG}text")}


def test_points_keep_their_places_and_their_groups() -> None:
    places = spread(np.array([[0.0, 0.0], [2.0, 10.0], [1.0, 5.0]]))
    assert places.tolist() == [[0.06, 0.94], [0.94, 0.06], [0.5, 0.5]]
    points = tuple(Point(x=x, y=y, group=k - 1, title=f"p{k}") for k, (x, y) in enumerate(places))
    board = Board(kind="points", alt="Points.", points=points, groups=(("cats", "#0072b2"), ("dogs", "#d55e00")))
    circles = list(ET.fromstring(svg(board)).iter(f"{SVG}circle"))
    assert [node.get("fill") for node in circles[:3]] == ["#7c8592", "#0072b2", "#d55e00"]


def test_edges_lie_between_the_middles() -> None:
    assert edges(np.array([0.25, 0.75]), 0, 1).tolist() == [0.0, 0.5, 1.0]
    assert edges(np.array([10.0]), 5, 15).tolist() == [0.0, 1.0]


def test_numbers_that_are_none_are_nothing() -> None:
    assert layer("The map", np.array([np.nan, np.inf, 0.123456])).rows == ((0.0, 0.0, 0.1235),)
    assert cells(maps=(layer("The map", np.zeros((2, 2))),)).reach == 1.0


@pytest.mark.parametrize(
    "change",
    [
        {"picture": "https://elsewhere/x.png"},
        {"picture": "data:image/svg+xml;base64,AAAA"},
        {"sounds": [("a", "data:text/html;base64,AAAA")]},
        {"groups": [("a", "red;background:url(x)")]},
        {"maps": []},
        {"maps": [{"name": "m", "rows": [[1.0]]}]},
        {"maps": [{"name": "m", "rows": [[1.0, float("nan")], [0.0, 0.0]]}]},
        {"x": {"edges": [0.0, 2.0, 1.0]}},
        {"kind": "html"},
        {"kind": "points", "points": []},
        {"kind": "bars", "names": ["a"] * 601},
        {"alt": "a" * 2000},
        {"trust": {"verdict": "certain"}},
    ],
)
def test_what_came_from_elsewhere_is_refused_unless_it_fits(change: dict[str, Any]) -> None:
    held = cells().model_dump(mode="json")
    assert Board.model_validate(held) == cells()
    with pytest.raises(ValidationError):
        Board.model_validate({**held, **change})
