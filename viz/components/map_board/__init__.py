"""A map to touch: why a model answered, over the picture or along the chain that it is about; pictures as points.

map_board({"run": "x", **board.model_dump(mode="json")}, key="board")
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import with_serial
from viz.components.map_board.manifest import Axis, Board, Layer, Point, Trust, edges, layer, spread, trust
from viz.components.map_board.still import svg

__all__ = ["Axis", "Board", "Layer", "Point", "Trust", "edges", "layer", "map_board", "spread", "svg", "trust"]

_HERE = Path(__file__).parent

SCRIPT = bundle_script(_HERE, ("cells", "points", "board"), ("icons", "dom", "mount"))

_board = component("map_board", css=bundle_style(_HERE / "board.css"), js=SCRIPT, isolate_styles=True)


def map_board(data: Mapping[str, Any], key: str) -> None:
    """Shows it.

    Args:
        data: `run`, which names what is shown, and the fields of a `Board`.
        key: the same from run to run.
    """
    _board(key=key, data=with_serial(data, key))
