"""The stem player: every lane of a separation on one clock, with waveforms, spectrograms, a mixer, loop and export.

    state = stem_player(manifest(run_id, title, lanes, ...), key="player")

It may be called with a new manifest on every run of the page; playing goes on and the view stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import keep_state, last_sent, with_serial
from viz.components.stem_player.manifest import Export, Lane, Numbered, Segment, manifest

__all__ = ["Export", "Lane", "Numbered", "Segment", "manifest", "stem_player"]

_HERE = Path(__file__).parent
_PARTS = (
    *("decibels", "segments", "graph", "music", "engine", "tiles", "draw", "mixer", "lanes"),
    *("timeline", "panels", "painter", "keyboard", "player"),
)
"""Bundled in this order."""

_SHIFTER = f"const SHIFTER_SOURCE = {json.dumps((_HERE / 'shifter_worklet.js').read_text('utf-8'))};\n"
"""The processor runs in a thread of its own, so it travels as text."""

SCRIPT = _SHIFTER + bundle_script(_HERE, _PARTS, ("icons", "dom", "time", "fetch", "mount", "component"))

_player = component(
    "stem_player",
    css=bundle_style(_HERE / "player.css"),
    js=SCRIPT,
    isolate_styles=True,
)


def stem_player(data: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """Shows the player for a `manifest`. Keep `key` the same from run to run.

    Returns the last reported state of this run, or None before anybody touched it: `run`, `gains` and `pans` (by lane
    name, dB and -1..1), `muted` and `solo` (lane names), `source` ("stems" or "original"), `loop` (None, or `start` and
    `end` in seconds and `on`), `position` in seconds, `view` ("waveform" or "spectrogram"), `speed` (1 is that of the
    song) and `semitones`. It is reported half a
    second after the last change, and `manifest(state=...)` takes it back.
    """
    state = _player(key=key, data=_with_first_state(data, key), on_mixer_change=keep_state).get("mixer")
    return state if state and state["run"] == data["run"] else None


def _with_first_state(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """`data` with the state that this run began with, numbered.

    The browser knows its own mixer best, so handing each reported state back would only send everything again.
    """
    before = last_sent(key)
    if before is not None and before["run"] == data["run"]:
        data = {**data, "state": before["state"]}
    return with_serial(data, key)
