"""The training lab: GAN, VAE and diffusion on points in the plane, trained in a worker of the browser.

    address = training_lab("gan", address="ring~1~1200~", own=None, key="lab")

All that runs there is in `viz/how/engine`; sizes, losses and random numbers are in `viz/how/spec.json`. The script
holds its own source, so that the page can save itself as one file which goes on training without any network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import keep_state, last_sent, with_serial
from viz.how.engine import engine_script
from viz.how.shipped import measurements

__all__ = ["training_lab"]

_HERE = Path(__file__).parent
_PARTS = ("paint", "families", "stories", "meters", "drawing", "sides", "address", "controls", "export", "lab")
"""Bundled in this order."""


def _script() -> str:
    """One function that holds everything, so that its own text can be saved; it cannot end the script it stands in."""
    inside = bundle_script(_HERE, _PARTS, ("icons", "dom", "mount", "component", "saved_page"))
    style = bundle_style(_HERE / "lab.css")
    return "\n".join(
        (
            f"const LAB_STYLE = {json.dumps(style)};",
            "function wholeLab(LAB_STYLE) {",
            f"const HEALED = {json.dumps(measurements().get('healing'))};",
            "function labEngine() {",
            engine_script(),
            "}",
            inside,
            "return { TrainingLab, mounted, savedPlace };",
            "}",
            "const { TrainingLab, mounted } = wholeLab(LAB_STYLE);",
            "export default function trainingLab(run) { return mounted(TrainingLab, run); }",
        )
    )


SCRIPT = _script()

_lab = component("training_lab", css=bundle_style(_HERE / "lab.css"), js=SCRIPT, isolate_styles=True)


def training_lab(family: str, address: str, own: Mapping[str, Any] | None, key: str) -> str | None:
    """Shows the lab for one family.

    Args:
        family: "vae", "gan", "diffusion" or "side" (all three).
        address: as it was returned before, which brings data, seed, step and knobs back; "" begins anew.
        own: points from elsewhere: `id`, `title`, `names` of both columns, `points` as a flat list. They are shown as
            soon as their id changes.
        key: the same from run to run.

    Returns:
        The address of what is on show, once somebody changed something.
    """
    data = {"run": family, "family": family, "address": address, "own": dict(own) if own else None}
    before = last_sent(key)
    if before is not None and before["run"] == family:
        data["address"] = before["address"]  # the browser knows best what came after
    state = _lab(key=key, data=with_serial(data, key), on_lab_change=keep_state).get("lab")
    return str(state["address"]) if state and state["run"] == family else None
