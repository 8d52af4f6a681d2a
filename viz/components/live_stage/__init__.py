"""The live stage: a camera's picture with a new background, composited in the browser at the camera's resolution.

    live_stage(url="/live/socket", window="/live/picture", card="classical", key="stage")

Small pictures go to the model behind `url`, as `backends/serving/live_protocol.py` describes, and mattes come back.
Background pictures, recordings and saved pictures never leave the browser. It may be called on every run of the page:
the camera goes on, and another `card` takes over at once.
"""

from __future__ import annotations

import html
from pathlib import Path

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style

__all__ = ["PURE_PARTS", "live_stage", "window_document", "window_policy"]

_HERE = Path(__file__).parent
PURE_PARTS = ("util", "controller", "wire", "matte")
"""The files that work on numbers alone."""

_PARTS = (
    *PURE_PARTS,
    "shaders",
    "compositor",
    "link",
    "recorder",
    "look",
    "panel",
    "flow",
    "stage",
    "window",
)
"""Bundled in this order."""

SCRIPT = bundle_script(_HERE, _PARTS, ("icons", "dom", "mount", "camera"))

_stage = component(
    "live_stage",
    css=bundle_style(_HERE / "stage.css"),
    js=SCRIPT,
    isolate_styles=True,
)


def live_stage(*, url: str, window: str, card: str, key: str) -> None:
    """Shows the stage.

    Args:
        url: a path of this site that speaks the live protocol.
        window: a path of this site that serves `window_document`.
        card: names the model.
        key: of the component.
    """
    _stage(key=key, data={"url": url, "window": window, "card": card})


def window_document(*, url: str, card: str, nonce: str) -> str:
    """The picture alone as a document of its own; `nonce` is the one of `window_policy`."""
    style = bundle_style(_HERE / "stage.css")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Live picture</title>'
        f"<style>{style} body {{ margin: 0; background: transparent; }}</style></head><body>"
        f'<main id="live" data-url="{html.escape(url)}" data-card="{html.escape(card)}"></main>'
        f'<script type="module" nonce="{nonce}">{SCRIPT}\n'
        'liveWindow(document.getElementById("live"), location.search);</script></body></html>'
    )


def window_policy(nonce: str) -> str:
    """Its Content-Security-Policy: one script, and this site's own socket."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; img-src blob: data:; "
        "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'"
    )
