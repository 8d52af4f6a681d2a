"""The structure workbench: sequence, confidence, PAE, contacts and 3D of one protein, linked, one selection for all.

    state = structure_workbench(manifest(run, title, structure, confidence=confidence, ...), key="workbench")

It may be called with a new manifest on every run of the page; camera, selection and controls stay as they are. 3Dmol.js
comes from the studio's own address (`studio.web.vendor`), so it needs no network.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit import config
from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import keep_state, with_serial
from viz.components.structure_workbench.colourings import Column
from viz.components.structure_workbench.columns import parse_csv
from viz.components.structure_workbench.manifest import File, Film, Frame, Overlay, Problem, manifest
from viz.vendor import THREEDMOL_ADDRESS

__all__ = ["Column", "File", "Film", "Frame", "Overlay", "Problem", "manifest", "parse_csv", "structure_workbench"]

_HERE = Path(__file__).parent
_PARTS = (
    *(
        "util",
        "palette",
        "protein",
        "query",
        "selection",
        "library",
        "atoms",
        "stage",
        "picture",
        "measure",
        "ribbon",
        "chart",
    ),
    *("matrix_axes", "matrix", "film", "panels", "views", "keyboard", "workbench"),
)
"""Bundled in this order."""

SCRIPT = bundle_script(_HERE, _PARTS, ("icons", "dom", "mount", "component"))

_workbench = component(
    "structure_workbench",
    css=bundle_style(_HERE / "workbench.css"),
    js=SCRIPT,
    isolate_styles=True,
)


def structure_workbench(data: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """Shows the workbench for a `manifest`. Keep `key` the same from run to run.

    Returns what was last selected in this run, or None before anybody selected: `run`, `rows` (indices of the selected
    residues, in order), `residues` (the same as [chain, number], with the insertion code third where there is one). It
    is reported 0.3 seconds after the last change; an empty selection is reported too.
    """
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    library = f"/{base}{THREEDMOL_ADDRESS}" if base else THREEDMOL_ADDRESS
    sent = with_serial({**data, "library": library}, key)
    state = _workbench(key=key, data=sent, on_selection_change=keep_state).get("selection")
    return state if state and state["run"] == data["run"] else None
