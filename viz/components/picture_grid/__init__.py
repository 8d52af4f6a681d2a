"""Pictures to look at and choose from: small ones in a grid, or one a row with what a classifier says of it.

    chosen = picture_grid([Tile("<id>", "<address>", "cat 3.jpg")], key="cats")

The pictures themselves come from the studio's own addresses; the page only ever names them, a few dozen at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import keep_state, with_serial

__all__ = ["Bar", "Tile", "clear", "picture_grid"]

_HERE = Path(__file__).parent

SCRIPT = bundle_script(_HERE, ("view", "tile", "grid"), ("icons", "dom", "mount"))

_grid = component(
    "picture_grid",
    css=bundle_style(_HERE / "grid.css"),
    js=SCRIPT,
    isolate_styles=True,
)


@dataclass(frozen=True)
class Bar:
    """How probable a class is, 0 to 1, in that class's colour."""

    label: str
    share: float
    colour: str


@dataclass(frozen=True)
class Tile:
    """One picture. `source` is its small picture, `large` what is shown when it is opened; `note` stands below it,
    `badge` on it, in a `tone` of "", "good", "warn" or "bad"; `hover` is told of it beside its title, for whoever asks.
    With `bars` it is drawn as an answer, `verdict` first."""

    id: str
    source: str
    title: str
    large: str = ""
    note: str = ""
    hover: str = ""
    badge: str = ""
    tone: str = ""
    verdict: str = ""
    bars: tuple[Bar, ...] = ()


def picture_grid(
    tiles: Sequence[Tile],
    key: str,
    *,
    label: str = "Pictures",
    choose: str = "many",
    size: int = 88,
    chosen: Sequence[str] = (),
) -> list[str]:
    """Shows the pictures and returns the ids of those that are chosen, in the order of the grid.

    Args:
        choose: "many", "one" or "none".
        size: of a small picture, in pixels.
        chosen: what is chosen to begin with, and after `clear`.
    """
    known = [tile.id for tile in tiles]
    first = [one for one in chosen if one in known]
    data = {
        "run": key,
        "label": label,
        "choose": choose,
        "size": size,
        "epoch": st.session_state.get(f"{key}-epoch", 0),
        "chosen": first,
        "tiles": [asdict(tile) for tile in tiles],
    }
    state = _grid(key=key, data=with_serial(data, key), on_chosen_change=keep_state).get("chosen")
    if not state or state["epoch"] != data["epoch"]:
        return first
    return [one for one in known if one in state["ids"]]


def clear(key: str) -> None:
    """Nothing is chosen any more, after what was chosen has been moved or removed."""
    st.session_state[f"{key}-epoch"] = st.session_state.get(f"{key}-epoch", 0) + 1
