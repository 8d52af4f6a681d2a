"""Cut-outs side by side: two of one clip under one wipe, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from studio import services
from studio.library.library import Run
from studio.ui import charts
from studio.videos import exhibit
from studio.web import urls


def show(runs: Sequence[Run]) -> None:
    """The wipe; with more than two runs, which two."""
    from viz.components.matte_wipe import manifest, matte_wipe

    labels = {run.id: f"{run.card.get('title', run.weights)} ({'ABCD'[place]})" for place, run in enumerate(runs)}
    known = {run.id: run for run in runs}
    left, right = runs[0].id, runs[1].id
    if len(runs) > 2:
        columns = st.columns(2)
        left = columns[0].selectbox("Left", list(known), format_func=labels.__getitem__, key="wipe-left")
        right = columns[1].selectbox("Right", list(known), 1, format_func=labels.__getitem__, key="wipe-right")
    times = [exhibit.frame_times(run_id) for run_id in (left, right)]
    shared = min(times, key=len)
    if [round(one, 2) for one in times[0][: len(shared)]] != [round(one, 2) for one in times[1][: len(shared)]]:
        st.warning("These are not cut-outs of the same frames: compare results of one clip.", icon=":material/info:")
        return
    library = services.library()
    proxies = {run_id: library.artifacts(run_id, "proxy")[0] for run_id in (left, right)}
    sides = [(labels[run_id], urls.file_url(run_id, proxies[run_id])) for run_id in (left, right)]
    kind = "picture" if exhibit.is_picture(library.local(left, proxies[left])) else "video"
    with charts.whole("together-mattes", f"{labels[left]} and {labels[right]} under one wipe.", "mattes"):
        matte_wipe(manifest(f"{left}-{right}", sides, shared, kind), key=f"wipe-{left[:12]}-{right[:12]}")
