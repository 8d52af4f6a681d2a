"""The stem player: every lane of a separation on one clock, with waveforms, spectrograms, a mixer, loop and export.

    state = stem_player(manifest(run_id, title, lanes, ...), key="player")

It may be called with a new manifest on every run of the page; playing goes on and the view stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from viz.components.script import joined
from viz.components.stem_player.manifest import Export, Lane, Numbered, Segment, manifest

__all__ = ["Export", "Lane", "Numbered", "Segment", "manifest", "stem_player"]

_HERE = Path(__file__).parent
_PARTS = (
    *("decibels", "segments", "graph", "engine", "tiles", "draw", "mixer", "lanes"),
    *("timeline", "panels", "painter", "keyboard", "player"),
)
"""Joined into one module, in this order: a component is one script, and readers want one subject a file."""

_player = component(
    "stem_player",
    css=(_HERE / "player.css").read_text("utf-8"),
    js=joined(_HERE, _PARTS, ("icons", "dom", "time", "fetch", "mount")),
    isolate_styles=True,
)


def stem_player(data: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """Shows the player for a `manifest`. Keep `key` the same from run to run.

    Returns the last reported state of this run, or None before anybody touched it: `run`, `gains` and `pans` (by lane
    name, dB and -1..1), `muted` and `solo` (lane names), `source` ("stems" or "original"), `loop` (None, or `start` and
    `end` in seconds and `on`), `position` in seconds, `view` ("waveform" or "spectrogram"). It is reported half a
    second after the last change, and `manifest(state=...)` takes it back.
    """
    state = _player(key=key, data=_told(data, key), on_mixer_change=_noted).get("mixer")
    return state if state and state["run"] == data["run"] else None


def _told(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """`data` with the state that this run began with, and a serial that grows with every change.

    The browser knows its own mixer best, so handing each reported state back would only send everything again. And
    Streamlit refers to a message it sent some runs ago by its hash, which a busy page may by then have forgotten (it
    then loses its connection): with the serial no message ever comes back after another one.
    """
    memory = st.session_state.setdefault(f"{key}-told", {"serial": 0, "data": None})
    before = memory["data"]
    same_run = before is not None and before["run"] == data["run"]
    told = {**data, "state": before["state"] if same_run else data["state"]}
    if told != before:
        memory.update(data=told, serial=memory["serial"] + 1)
    return {**told, "serial": memory["serial"]}


def _noted() -> None:
    """Streamlit keeps a state only if it has a callback; the value itself is all we need."""
