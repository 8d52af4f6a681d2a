"""Several files that were submitted together: each with its state, one place to cancel, try again and take all away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import streamlit as st

from studio import services, tasks
from studio.jobs.view import JobView
from studio.library.models import Run
from studio.ui import formatting, model_picker
from studio.ui.error_boundary import safe_fragment
from studio.ui.run_page import RunPage
from studio.web import urls

ADDRESS = "runs"
"""The name in the address of the page that holds the ids of the runs, with commas between them."""

MOST = 100
ICONS = {"failed": ":material/error:", "interrupted": ":material/restart_alt:", "cancelled": ":material/cancel:"}


def go_to(task: str, run_ids: Sequence[str]) -> NoReturn:
    """Show these runs; the address can be reloaded, kept and shared."""
    st.switch_page(tasks.get(task).page, query_params={ADDRESS: ",".join(run_ids)})


def show(page: RunPage, noun: str) -> None:
    """The runs that the address names, in the order in which they were asked for."""
    asked = st.query_params[ADDRESS].split(",")[:MOST]
    runs = [run for run in map(services.library().get, asked) if run is not None and run.task == page.task]
    if not runs:
        task = tasks.get(page.task)
        st.warning("There are no such runs here: they were deleted, or the address is not complete.",
                   icon=":material/help:")  # fmt: skip
        st.page_link(task.page, label=page.begin, icon=task.icon)
        return
    ids = [run.id for run in runs]
    working = _working(ids)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.subheader(formatting.count(len(runs), noun), width="content")
        with st.container(horizontal=True, width="content"):
            done = [run.id for run in runs if run.status == "done"]
            if done:
                label = (
                    "Download all results (ZIP)" if len(done) == len(runs) else f"Download what is done ({len(done)})"
                )
                st.link_button(label, urls.zip_url(done), icon=":material/folder_zip:")
            if st.button(page.begin, icon=":material/add:"):
                st.query_params.clear()
                st.rerun()
    safe_fragment(model_picker.POLL_SECONDS if working else None)(_rows)(ids, len(working))


def _working(ids: Sequence[str]) -> list[JobView]:
    views = [services.jobs().get(run_id) for run_id in ids]
    return [view for view in views if view is not None and not view.ended]


def _rows(ids: Sequence[str], working_before: int) -> None:
    """A row a run; once one has ended, the whole page, whose downloads it changes."""
    working = _working(ids)
    if len(working) < working_before:
        st.rerun()
    if len(working) > 1 and st.button("Cancel all that remain", icon=":material/close:", key="cancel-batch"):
        for view in reversed(working):  # from the last, so that none begins only to be cancelled
            services.jobs().cancel(view.id)
        st.rerun()
    by_id = {view.id: view for view in working}
    for place, run_id in enumerate(ids):
        run = services.library().get(run_id)
        if run is not None:
            _row(place, run, by_id.get(run_id), ids)


def _row(place: int, run: Run, view: JobView | None, ids: Sequence[str]) -> None:
    with st.container(border=True):
        task = tasks.get(run.task)
        label = f"{place + 1}. {formatting.escape(run.title)}"
        if view is not None:
            st.page_link(task.page, label=label, icon=task.icon, query_params={"run": run.id})
            model_picker.job_progress(view)
            return
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.page_link(task.page, label=label, icon=task.icon, query_params={"run": run.id}, width="content")
            if run.status == "done":
                took = f", took {formatting.duration(run.seconds)}" if run.seconds else ""
                st.caption(f":material/check_circle: Done{took}", width="content")
            elif run.finished and st.button("Try again", icon=":material/replay:", key=f"again-{run.id}"):
                again = services.jobs().again(run.id)
                go_to(run.task, [again if one == run.id else one for one in ids])
        if run.status != "done":
            why = f": {formatting.escape(run.error)}" if run.error else ""
            st.caption(f"{ICONS.get(run.status, '')} {formatting.STATUS[run.status]}{why}")
