"""A blind test: the same seconds of two results, and a third that is one of them; whoever listens says which.

blind_test({"run": "x", "a": [...], "b": [...], "trials": 10, ...}, key="abx")
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import keep_state, with_serial

__all__ = ["blind_test"]

_HERE = Path(__file__).parent

SCRIPT = bundle_script(_HERE, ("test",), ("icons", "dom", "fetch", "mount"))

_test = component("blind_test", css=bundle_style(_HERE / "test.css"), js=SCRIPT, isolate_styles=True)


def blind_test(data: Mapping[str, Any], key: str) -> tuple[int, int] | None:
    """Shows the test; returns how many answers were right and how many there were, once all are given.

    Args:
        data: `run`, which names the test; `a` and `b`, the addresses of the same seconds of both results; `trials`;
            `samplerate` in Hz.
        key: the same from run to run.
    """
    state = _test(key=key, data=with_serial(data, key), on_score_change=keep_state).get("score")
    return (state["right"], state["trials"]) if state and state["run"] == data["run"] else None
