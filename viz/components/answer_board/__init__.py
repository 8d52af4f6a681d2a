"""The answer board: what a classifier answered when it was looked at, with small pictures and bars.

answer_board({"run": "x", "title": "Pets", "classes": [...], "answers": [...]}, key="board")
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import with_serial

__all__ = ["answer_board"]

_HERE = Path(__file__).parent

SCRIPT = bundle_script(_HERE, ("board",), ("icons", "dom", "mount"))
STYLE = bundle_style(_HERE / "board.css")

_board = component("answer_board", css=STYLE, js=SCRIPT, isolate_styles=True)


def answer_board(data: Mapping[str, Any], key: str) -> None:
    """Shows the board.

    Args:
        data: `run`, which names what is shown; `title`; `classes` of `name` and `pictures` (addresses); `answers` of
            `title`, `picture`, `verdict` and `bars` of [class, share 0..1, colour].
        key: the same from run to run.
    """
    _board(key=key, data=with_serial(data, key))
