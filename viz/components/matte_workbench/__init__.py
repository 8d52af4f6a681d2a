"""The matte workbench: a cut-out looked at from every side, its edge tried out, its problem frames found.

    state = matte_workbench(manifest(run_id, title, kind="video", ...), key="workbench")

It may be called with a new manifest on every run of the page; what is shown stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import keep_state, with_serial
from viz.components.matte_workbench.manifest import Background, Frames, Preview, manifest, problem_frames

__all__ = ["Background", "Frames", "Preview", "manifest", "matte_workbench", "problem_frames"]

_HERE = Path(__file__).parent
_PARTS = ("own", "exact", "stage", "loupe", "strip", "hints", "panels", "keyboard", "workbench")
"""Bundled in this order."""

SCRIPT = bundle_script(_HERE, _PARTS, ("icons", "dom", "time", "mount", "component", "matte_views", "matte_film"))

_workbench = component(
    "matte_workbench",
    css=bundle_style(_HERE / "workbench.css"),
    js=SCRIPT,
    isolate_styles=True,
)


def matte_workbench(data: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """Shows the workbench for a `manifest`. Keep `key` the same from run to run.

    Returns the last reported state of this run, or None before anybody touched it: `run`, `frame` (index), `view` and
    `other` ("source", "alpha", "foreground", "checker", "composite"; what is left and right of the wipe), `wipe` (0..1,
    1 shows `view` alone), `edge` and `softness` in source pixels, `despill` (0..1), `background` (a colour such as
    "#00b140", "blur" or "own"), `hints` (corrections as in `backends.matting.guidance.hints`, with seconds), and
    `asked` once somebody wants them worked out: "correct", or "each" for a cut-out of each person, and what tells it
    from an earlier wish. It is reported half a second after the last change, a wish at once.
    """
    state = _workbench(key=key, data=with_serial(data, key), on_view_change=keep_state).get("view")
    return state if state and state["run"] == data["run"] else None
