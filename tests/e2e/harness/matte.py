"""The harness page: the workbench for one run of the library, told anew twice a second as a job page would."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

from studio.library.library import Library
from studio.videos.frame_endpoint import frame_url
from studio.web.urls import file_url
from viz.components.matte_workbench import Frames, Preview, manifest, matte_workbench

run_id = st.text_input("Run", value=st.query_params["run"])
stage = st.radio("Stage", ["done", "live", "empty"], horizontal=True)
jump = st.number_input("Jump", value=None, min_value=0, step=1)


@st.fragment(run_every=0.5)
def bench() -> None:
    library = Library()
    kept = {(item.kind, item.name): item for item in library.artifacts(run_id)}
    run = library.get(run_id)
    assert run is not None
    rows: list[list[float]] = []
    done = stage == "done"
    if ("frames", "frames") in kept:
        rows = json.loads(Path(library.local(run_id, kept["frames", "frames"])).read_text())["rows"]
    previews = list(library.artifacts(run_id, "preview"))[: 0 if stage == "empty" else 3]
    state = matte_workbench(
        manifest(
            run_id,
            run.title,
            kind=run.facts["kind"],
            width=run.facts["width"],
            height=run.facts["height"],
            frames=Frames.of_rows(rows if done else []),
            proxy_url=file_url(run_id, kept["proxy", "proxy"]) if done else None,
            frame_url=frame_url(run_id) if done else None,
            settings={**run.options, "wipe": 1.0},
            previews=[Preview(item.meta["frame"], item.meta["seconds"], file_url(run_id, item)) for item in previews],
            jump=jump if done and len(rows) > 1 else None,
            live=not done,
            hints=[] if done else None,
        ),
        key="bench",
    )
    st.code(json.dumps(state), language="json")


bench()
