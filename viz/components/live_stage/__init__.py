"""The live stage: a camera's picture with a new background, composited in the browser at the camera's resolution.

    live_stage(url="/live/socket", card="classical", key="stage")

Small pictures go to the model behind `url`, as `backends/serving/live_protocol.py` describes, and mattes come back.
Background pictures, recordings and saved pictures never leave the browser. It may be called on every run of the page:
the camera goes on, and another `card` takes over at once.
"""

from __future__ import annotations

from pathlib import Path

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style

__all__ = ["PURE_PARTS", "live_stage"]

_HERE = Path(__file__).parent
PURE_PARTS = ("util", "controller", "wire", "matte")
"""The files that work on numbers alone."""

_PARTS = (*PURE_PARTS, "shaders", "compositor", "camera", "link", "recorder", "look", "panel", "flow", "stage")
"""Bundled in this order."""

SCRIPT = bundle_script(_HERE, _PARTS)

_stage = component(
    "live_stage",
    css=bundle_style(_HERE / "stage.css"),
    js=SCRIPT,
    isolate_styles=True,
)


def live_stage(*, url: str, card: str, key: str) -> None:
    """Shows the stage. `url` is a path of this site that speaks the live protocol, `card` names the model."""
    _stage(key=key, data={"url": url, "card": card})
