"""Small buttons below a Plotly figure: pin what is seen, save it as SVG or PNG. They take the figure from the page.

picture = figure_tools("medians-a", name="medians", key="medians-a-tools")     # a data address once it is to be pinned
"""

from __future__ import annotations

import re
from pathlib import Path

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import keep_state, with_serial

__all__ = ["figure_tools"]

_HERE = Path(__file__).parent

SCRIPT = bundle_script(_HERE, ("capture", "collage", "tools"), ("icons", "dom", "mount"))

_tools = component("figure_tools", css=bundle_style(_HERE / "tools.css"), js=SCRIPT, isolate_styles=True)


def figure_tools(chart_key: str, name: str, key: str, pins: bool = True, whole: bool = False) -> str:
    """Shows the buttons of the figure that was drawn with `chart_key`.

    Args:
        chart_key: the key of the figure's own element.
        name: of a file that is saved, without its ending.
        key: the same from run to run.
        pins: whether the figure can be pinned.
        whole: whether all that is drawn in a container with `chart_key` is taken, in place of a Plotly figure.

    Returns:
        The figure as a data address (SVG, or WebP where that is smaller) in the run after “Pin” was pressed, else "".
    """
    # Streamlit gives an element with a key this class; what is no letter becomes a dash there.
    chart = "st-key-" + re.sub(r"[^a-zA-Z0-9_-]", "-", chart_key.strip())
    data = {"run": key, "chart": chart, "name": name, "pins": pins, "whole": whole}
    return str(_tools(key=key, data=with_serial(data, key), on_pin_change=keep_state).get("pin") or "")
