"""Starting a job from a page and going to where it can be watched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

import streamlit as st

from studio import samples, services


def start_song(name: str, source: IO[bytes] | Path, card: str, options: Mapping[str, Any]) -> NoReturn:
    """Submit a song and show its run."""
    go_to(services.jobs().submit("separation", name, source, card, options))


def go_to(run_id: str) -> NoReturn:
    """Show a run; its address can be reloaded, kept and shared."""
    st.switch_page("pages/songs.py", query_params={"run": run_id})


def start_sample_song() -> NoReturn:
    """Run the sample song through the best model that is present."""
    with st.spinner("Making the sample song…"):
        sample = samples.song()
    info = services.backend().info()
    card = info.get("tasks", {}).get("separation", {}).get("default", "") or "dsp"
    start_song(f"{sample.title}.flac", sample.mix, card, {})
