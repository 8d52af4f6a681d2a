"""A place to paste pictures into, from a screenshot or another program.

    pasted = picture_paste("key")

gives the pictures that were pasted just now, once, as (name, bytes).
"""

from __future__ import annotations

import base64
from pathlib import Path

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import keep_state

__all__ = ["MOST_BYTES", "picture_paste"]

MOST_BYTES = 30_000_000
"""Together; larger pictures are better given as files."""

_HERE = Path(__file__).parent

SCRIPT = bundle_script(_HERE, ("paste",), ("icons", "dom", "mount"))

_paste = component(
    "picture_paste",
    css=bundle_style(_HERE / "paste.css"),
    js=SCRIPT,
    isolate_styles=True,
)


def picture_paste(key: str) -> list[tuple[str, bytes]]:
    """Shows the place and returns what has just been pasted; what is no picture never gets here."""
    state = _paste(key=key, data={"run": key, "most": MOST_BYTES}, on_pasted_change=keep_state).get("pasted")
    return decoded(state or ())


def decoded(files: object) -> list[tuple[str, bytes]]:
    """What the browser sent, as (name, bytes).

    What our script never sends is left out, as somebody forged it. A picture that arrives damaged comes as no bytes at
    all, so that whoever takes it in says of it what is said of any file that is no picture.
    """
    found = []
    for file in files if isinstance(files, list | tuple) else ():
        if not isinstance(file, dict) or not isinstance(file.get("data"), str):
            continue
        try:
            data = base64.b64decode(file["data"], validate=True)
        except ValueError:  # an empty file, which some browsers write as no base64, or a cut one
            data = b""
        found.append((str(file.get("name") or "pasted.png"), data))
    return found
