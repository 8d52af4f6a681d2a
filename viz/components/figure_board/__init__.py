"""A figure or table as it stood when it was pinned: the picture with its sentence, the table to be
sorted, sounds and pictures beside each other.

figure_board({"run": "x", "picture": "data:image/svg+xml;base64,…", "alt": "…", "columns": [], "rows": []}, key="board")
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import with_serial

__all__ = ["figure_board"]

_HERE = Path(__file__).parent

SCRIPT = bundle_script(_HERE, ("board",), ("icons", "dom", "mount"))

_board = component("figure_board", css=bundle_style(_HERE / "board.css"), js=SCRIPT, isolate_styles=True)


def figure_board(data: Mapping[str, Any], key: str) -> None:
    """Shows it.

    Args:
        data: `run`, which names what is shown; `picture`, a data address or ""; `alt`, what is seen in a sentence;
            `columns` and `rows` of a table, its cells as text or numbers; `excerpts`, each with `name`, a data
            `address` and its `kind`, "sound" or "picture".
        key: the same from run to run.
    """
    _board(key=key, data=with_serial(data, key))
