"""The harness page: the player for one run, told anew twice a second as a job page would."""

from __future__ import annotations

import json
import os
from pathlib import Path

import streamlit as st

from viz.components.stem_player import Export, Lane, Numbered, manifest, stem_player

st.text_input("Notes", key="notes")
run = st.text_input("Run", value=st.query_params["run"])


@st.fragment(run_every=0.5)
def player() -> None:
    told = json.loads((Path(os.environ["PLAYER_RUNS"]) / run / "run.json").read_text())
    at = f"/player-runs/{run}"
    lanes = [
        Lane(
            name,
            Numbered(f"{at}/{name}/{{index}}.flac", f"{at}/{name}/{{index}}.tile", count),
            kind=told["kinds"].get(name, "stem"),
        )
        for name, count in told["counts"].items()
    ]
    data = manifest(
        run,
        told["title"],
        lanes,
        segment_frames=told["segment_frames"],
        frames=told["frames"],
        gain=told["gain"],
        live=told["live"],
        pan=told["pan"],
        export=Export(f"{at}/mixdown", {"wav24": "WAV 24-bit", "flac": "FLAC", "mp3": "MP3"}, f"{at}/stems"),
        state=st.session_state.get(f"kept-{run}"),
        music=told.get("music"),
    )
    state = stem_player(data, key="player")
    if state:
        st.session_state[f"kept-{run}"] = state
    st.code(json.dumps(state), language="json")


if st.toggle("Show the player", value=True):
    player()
