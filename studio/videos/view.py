"""The page of one cut-out: previews while it runs, the workbench when it is finished, and what can be made next."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from backends.core.errors import UserError
from backends.matting.endings import PICTURE_ENDINGS
from studio import launch, services
from studio.findings import exhibits
from studio.library.library import Run, StoredArtifact
from studio.ui import formatting, run_page
from studio.ui.error_boundary import error_boundary
from studio.ui.place import place
from studio.videos import corrections, form, form_values, results, scores
from studio.videos import source as video_source
from studio.videos.form_values import FormValues
from studio.videos.frame_endpoint import frame_url
from studio.web import urls

VIEWS = {
    "Files": results.files,
    "Numbers": results.numbers,
    "Compare with true mattes": scores.comparison,
    "About this run": results.about,
}
FINISHING = ("edge", "softness", "despill", "background", "temporal", "region", *form_values.COMPOSING)


def _watch(run_id: str, live: bool) -> None:
    """The workbench, with what can be made from its settings below it."""
    run = services.library().get(run_id)
    if run is None:
        return
    state = None
    with error_boundary("the workbench"):
        state = _workbench(run, live)
        looked_at = {key: value for key, value in (state or {}).items() if key not in ("hints", "asked")}
        exhibits.remember(run_id, looked_at or None)
    if run.status == "done":
        corrections.start_correction(run, state)
        _next(run, state)


def _workbench(run: Run, live: bool) -> Mapping[str, Any] | None:
    """Draw the workbench as soon as there is anything to show; returns its settings once the user moved them."""
    from viz.components.matte_workbench import Background, Frames, Preview, manifest, matte_workbench

    artifacts = services.library().artifacts(run.id)
    by_kind = {item.kind: item for item in artifacts}
    previews = [
        Preview(item.meta["frame"], item.meta["seconds"], urls.file_url(run.id, item))
        for item in sorted((item for item in artifacts if item.kind == "preview"), key=lambda item: item.meta["frame"])
    ]
    proxy, info = by_kind.get("proxy"), video_source.of_run(run).probe.info
    if info is None or (not previews and proxy is None):
        return None
    own = _own_background(run, artifacts)
    workbench = manifest(
        run.id,
        run.title,
        kind=info.kind,
        width=info.width,
        height=info.height,
        frames=Frames.of_rows(_rows(run, by_kind.get("frames"))),
        proxy_url=urls.file_url(run.id, proxy) if proxy else None,
        frame_url=frame_url(run.id) if run.status == "done" and "matte" in by_kind else None,
        settings={name: getattr(FormValues.from_options(run.options), name) for name in FINISHING},
        previews=previews,
        background=Background(*own) if own else None,
        jump=_frame_in_address(run, by_kind.get("frames")),
        live=live,
        sound=bool(proxy and proxy.meta.get("sound")),
        hints=FormValues.from_options(run.options).hints if run.status == "done" else None,
        start=FormValues.from_options(run.options).start,
    )
    return matte_workbench(workbench, key=f"workbench-{run.id}")


def _frame_in_address(run: Run, frames: StoredArtifact | None) -> int | None:
    """The frame that the address points to, where the run has it."""
    at = place()
    return int(at) if at is not None and at < len(_rows(run, frames)) else None


def _own_background(run: Run, artifacts: Sequence[StoredArtifact]) -> tuple[str, str] | None:
    """The address and the kind ("picture" or "video") of the run's own background file, if it has one."""
    for item in artifacts:
        if item.kind == "input" and item.name == "background":
            still = Path(item.file).suffix[1:].lower() in PICTURE_ENDINGS
            return urls.file_url(run.id, item), "picture" if still else "video"
    return None


def _rows(run: Run, frames: StoredArtifact | None) -> list[list[float]]:
    """[frame, seconds, uncertain, flicker, area] of each frame, from the run's frames.json; read once a session."""
    if frames is None:
        return []
    key = f"frames-{frames.file}"
    if key not in st.session_state:
        with services.library().open(run.id, frames) as file:
            st.session_state[key] = json.load(file)["rows"]
    return st.session_state[key]


def _next(run: Run, state: Mapping[str, Any] | None) -> None:
    """What can be made from here: the whole of a trial, the moved settings, another export, or anything else."""
    before = FormValues.from_options(run.options)
    after = form_values.with_state(before, state)
    trial = run.facts.get("asked", {}).get("trial")
    # A background that no export shows is only for another export.
    kept = ("background", *form_values.COMPOSING)  # of no effect without a new background
    shown = after if before.composite else replace(after, **{name: getattr(before, name) for name in kept})
    moved = replace(shown, hints=before.hints) != before  # corrections have a button of their own
    with st.container(horizontal=True, vertical_alignment="center"):
        if trial and st.button(
            "Make the whole video with these settings", type="primary", icon=":material/content_cut:"
        ):
            _make(run, replace(after, start=trial["start"], end=trial["end"]), reuse=False)
        again = "Make the trial again with these settings" if trial else "Make it with these settings"
        if moved and st.button(again, type="secondary" if trial else "primary", icon=":material/tune:"):
            _make(run, after, reuse=True)
        with st.popover("Make another export", icon=":material/add_box:"):
            _another(run, after)
        if st.button("Change the settings", icon=":material/settings:", help="Part, model and all else, same file."):
            st.switch_page("pages/videos.py", query_params={"from": run.id})
    if trial:
        st.caption(_whole_cost(run, trial))
    if moved:
        st.caption("New edges and files are made from the mattes that are there; the model need not run again.")


def _another(run: Run, chosen: FormValues) -> None:
    """The form for another export of the same part with the same edge."""
    try:
        source = video_source.of_run(run)
    except UserError as error:
        st.error(error.sentence, icon=":material/error:")
        return
    seconds = (chosen.end or source.probe.seconds) - chosen.start
    there = {stored.name for stored in services.library().artifacts(run.id, "export")} - {"composite"}
    kinds = form.exports(source, (), seconds, f"another-{run.id}", there)
    values, problem = replace(chosen, exports=kinds), "" if kinds else "Choose at least one thing to make."
    if values.composite:
        values, background_problem = form.background(f"another-{run.id}", run, values)
        problem = problem or background_problem
    if st.button("Make it", type="primary", disabled=bool(problem), help=problem, key=f"make-another-{run.id}"):
        _make(run, values, reuse=True)


def _make(run: Run, chosen: FormValues, reuse: bool) -> None:
    """Start a new run on the same file; with `reuse`, from the raw mattes of this one where it has them."""
    library = services.library()
    files = dict(chosen.files)
    if chosen.composite and chosen.background == form_values.OWN and "background" not in files:
        files["background"] = library.only(run.id, "input", "background")
    matte = form.reusable_matte(run, run.weights, chosen) if reuse else None
    if matte is not None:
        files["matte"] = matte
    asked = run.facts.get("asked") if reuse else None
    source = library.only(run.id, "input", "input")
    launch.start("matting", run.inputs[0]["name"], source, run.weights, chosen.to_options(), extra=files, asked=asked)


def _whole_cost(run: Run, trial: Mapping[str, float]) -> str:
    """How long the whole will take and how large it will be, judged by the trial."""
    try:
        source = video_source.of_run(run)
    except UserError as error:
        return error.sentence
    tried = FormValues.from_options(run.options)
    share = ((trial["end"] or source.probe.seconds) - trial["start"]) / max(0.1, tried.end - tried.start)
    weighs = sum(item.bytes for item in services.library().artifacts(run.id, "export"))
    pace = run.metrics.get("frames per second", {}).get("value", 0.0)
    # Without the time in the queue and on the way, where that is known.
    worked = run.facts.get("frames", 0) / pace if pace else run.seconds or 0.0
    takes = formatting.about(worked * share)
    return (
        f"This was a trial of {formatting.duration(tried.end - tried.start)}. The whole takes {takes} and weighs about "
        f"{formatting.size(weighs * share)}, going by the trial."
    )


PAGE = run_page.RunPage(
    task="matting",
    begin="Cut out another video",
    cancelled="Your file is kept, and the pictures that were finished are below.",
    watch=_watch,
    views=VIEWS,
    files=results.file_list,
)
