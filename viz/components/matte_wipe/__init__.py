"""Two cut-outs of one clip under one wipe, frame by frame on one clock.

matte_wipe(manifest("x", left, right, times), key="wipe")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import with_serial

__all__ = ["manifest", "matte_wipe"]

_HERE = Path(__file__).parent

SCRIPT = bundle_script(_HERE, ("wipe",), ("icons", "dom", "time", "mount", "matte_views", "matte_film"))

_wipe = component("matte_wipe", css=bundle_style(_HERE / "wipe.css"), js=SCRIPT, isolate_styles=True)


def manifest(run: str, sides: Sequence[tuple[str, str]], times: Sequence[float], kind: str = "video") -> dict[str, Any]:
    """The data of the wipe.

    Args:
        run: names what is shown.
        sides: label and address of the proxy, left and right.
        times: of the frames that both have, in seconds.
        kind: "video" or "picture".
    """
    return {
        "run": run,
        "kind": kind,
        "times": [round(float(seconds), 4) for seconds in times] or [0.0],
        "sides": [{"label": label, "proxy": proxy} for label, proxy in sides],
    }


def matte_wipe(data: Mapping[str, Any], key: str) -> None:
    """Shows the wipe for a `manifest`. Keep `key` the same from run to run."""
    _wipe(key=key, data=with_serial(data, key))
