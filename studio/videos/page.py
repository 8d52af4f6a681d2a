"""The videos page: what it takes, and what it asks before people are cut out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from backends.core.info import CardInfo, DeviceInfo
from studio import services
from studio.library.library import Run
from studio.ui import file_chooser, formatting
from studio.ui.task_page import MOST_FILES, Request, TaskPage, label_of
from studio.videos import estimates, form, probe, view
from studio.videos.form_values import FormValues
from studio.videos.source import VideoSource, of_run, of_upload
from studio.videos.task import start_sample

NOTHING = "Choose a video or picture first."


def bring() -> VideoSource | None:
    """One upload or several."""
    uploads = file_chooser.choose_files(
        f"Your videos or pictures, one or several (they are worked on by {services.backend().place})",
        "video",
        most_mb=probe.UPLOAD_MB,
        instead="Cut it into parts, or use the command line: `python -m backends run matting FILE --out FOLDER`.",
        help="Any video (MP4, MOV, MKV, WebM, AVI, MTS, MXF, GIF and many more) or picture (JPEG, PNG, HEIC, WebP …). "
        f"Up to {formatting.size(probe.UPLOAD_MB * 1e6)} here; for a larger file use the command line: "
        "`python -m backends run matting FILE --out FOLDER`.",
    )
    if uploads:
        sources = [of_upload(upload, f"video-{place}") for place, upload in enumerate(uploads[: MOST_FILES + 1])]
        sources.sort(key=lambda one: one.probe.picture)  # the form is that of a video where there is one
        sources[0].others = sources[1:]
        return sources[0]
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
    values = FormValues.from_options(request.options, request.files)
    if source.others:
        label = label_of(PAGE, source, "")
        form.button_for_several(source, card, values, request.problem, label)
        return
    form.buttons(source, card, values, request.problem)


def _estimate(card: CardInfo, source: VideoSource | None, device: DeviceInfo) -> str:
    return estimates.estimate(card, source.probe.info, estimates.seconds_of(source)) if source is not None else ""


def _unfit(card: CardInfo, source: VideoSource, device: DeviceInfo) -> str:
    infos = [each.probe.info for each in source.all]
    return next(filter(None, (estimates.too_large(card, info) for info in infos if info is not None)), "")


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
    noun="file",
    verb="Cut out",
    sample_label="Or try the sample clip",
    start_sample=start_sample,
)
