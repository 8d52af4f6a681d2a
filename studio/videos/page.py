"""The videos page: what it takes, and what it asks before people are cut out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from backends.core.info import CardInfo, DeviceInfo
from studio import services, tasks
from studio.library.library import Run
from studio.ui import formatting
from studio.ui.task_page import Request, TaskPage
from studio.videos import estimates, form, probe, view
from studio.videos.form_values import FormValues
from studio.videos.source import VideoSource, of_run, of_upload

NOTHING = "Choose a video or picture first."


def bring() -> VideoSource | None:
    """An upload, or the way to the sample clip."""
    upload = st.file_uploader(
        f"Your video or picture (it is worked on by {services.backend().place})",
        max_upload_size=probe.UPLOAD_MB,
        help="Any video (MP4, MOV, MKV, WebM, AVI, MTS, MXF, GIF and many more) or picture (JPEG, PNG, HEIC, WebP …). "
        f"Up to {formatting.size(probe.UPLOAD_MB * 1e6)} here; for a larger file use the command line: "
        "`python -m backends run matting FILE --out FOLDER`.",
    )
    if upload is not None:
        return of_upload(upload)
    if st.button("Or try the sample clip", icon=":material/play_arrow:"):
        tasks.get("matting").start_sample()
    return None


def options_of(run: Run) -> Mapping[str, Any]:
    """The options of an earlier run; a trial's are those of the whole part that it tried."""
    trial = run.facts.get("asked", {}).get("trial")
    return {**run.options, "start": trial["start"], "end": trial["end"]} if trial else run.options


def ask(card: CardInfo, source: VideoSource | None, before: Mapping[str, Any]) -> Request:
    """The form, once there is a source that can be worked on."""
    if source is None or source.probe.info is None:
        return Request()
    values, problem = form.draw(source, FormValues.from_options(before))
    return Request(values.to_options(), values.files, problem)


def buttons(source: VideoSource | None, card: CardInfo, request: Request) -> None:
    """A trial and the whole; a disabled button while there is nothing to cut out."""
    if source is None or source.probe.info is None:
        st.button("Cut it out", type="primary", disabled=True, help=NOTHING)
        return
    form.buttons(source, card, FormValues.from_options(request.options, request.files), request.problem)


def _estimate(card: CardInfo, source: VideoSource | None, device: DeviceInfo) -> str:
    return estimates.estimate(card, source.probe.info, source.probe.seconds) if source is not None else ""


def _unfit(card: CardInfo, source: VideoSource, device: DeviceInfo) -> str:
    return estimates.too_large(card, source.probe.info) if source.probe.info is not None else ""


PAGE = TaskPage(
    run_page=view.PAGE,
    title="Cut people out of video",
    intro="Drop in a video or a picture and get the people in it alone, with a soft edge, in a file your editor opens.",
    bring=bring,
    of_run=of_run,
    another="Choose another file",
    nothing=NOTHING,
    submit_label="Cut it out",
    submit_icon=":material/content_cut:",
    estimate=_estimate,
    unfit=_unfit,
    form=ask,
    options_of=options_of,
    buttons=buttons,
)
