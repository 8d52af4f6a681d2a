"""The engine that runs in the browser: plain scripts, one subject a file, over one specification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from viz.components.bundle import bundle_script

_HERE = Path(__file__).parent
SPEC_FILE = _HERE.parent / "spec.json"

PARTS = ("random", "network", "gan", "vae", "diffusion", "data", "measures", "session", "views", "worker")
"""Bundled in this order."""

NAMES = (
    *("SPEC", "threefry", "Stream", "Network", "Gan", "Vae", "Diffusion", "Session", "prepareShape", "prepareOwn"),
    *("drawShape", "SHAPES", "parseTable", "yardstick", "measure", "squareGrid", "features", "serve", "LAST_STEP"),
    *("VIEW_HALF", "FIELD", "GRID", "SMALLEST_DATA", "countParameters", "drawCodes"),
)
"""What the engine offers to whoever calls it."""


def spec() -> dict[str, Any]:
    """Layer sizes, activations, losses, schedule and random numbers: enough to build the same models elsewhere."""
    read: dict[str, Any] = json.loads(SPEC_FILE.read_text("utf-8"))
    return read


def engine_script() -> str:
    """The engine as the body of a function that returns an object of `NAMES`."""
    return f"const SPEC = {json.dumps(spec())};\n{bundle_script(_HERE, PARTS, ())}\nreturn {{ {', '.join(NAMES)} }};"
