"""A strip on which pictures and whole folders are dropped; each file goes to an address of the studio.

    picture_drop("key", url="/projects/…/examples/…", label="Examples of cat")

The files never pass through the page's session, so thousands may come. Once they are there the page is drawn anew.
"""

from __future__ import annotations

from pathlib import Path

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import keep_state

__all__ = ["picture_drop"]

_HERE = Path(__file__).parent
MAX_SENTENCES = 6

SCRIPT = bundle_script(_HERE, ("drop",))

_drop = component(
    "picture_drop",
    css=bundle_style(_HERE / "drop.css"),
    js=SCRIPT,
    isolate_styles=True,
)


def picture_drop(key: str, url: str, *, label: str, hint: str, folders: bool = False) -> None:
    """Show the strip.

    Args:
        url: takes a file as the body of a POST, its path as `name`, and answers with `added` and `sentences`.
        label: what is dropped here, for screen readers.
        hint: stands on the strip.
        folders: whether each folder is a class; otherwise several folders are refused.
    """
    data = {"run": key, "url": url, "label": label, "hint": hint, "folders": folders, "most": MAX_SENTENCES}
    _drop(key=key, data=data, on_delivered_change=keep_state)
