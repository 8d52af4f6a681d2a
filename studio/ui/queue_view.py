"""What works now, in its order: each job with progress and a cancel, one for all of them, and what failed just now."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from studio import launch, services, tasks
from studio.jobs.view import JobView
from studio.library.models import Run
from studio.ui import formatting, model_picker
from studio.ui.error_boundary import safe_fragment

POLL_SECONDS = 1.0
MAX_FAILED = 3


def show(task: str | None = None) -> None:
    """The queue, of one task where it is named; nothing while nobody works and nothing failed."""
    if _jobs(task):
        safe_fragment(POLL_SECONDS)(_watch)(task)
    _failed(task)


def _jobs(task: str | None) -> Sequence[JobView]:
    return [view for view in services.jobs().running(task) if tasks.find(view.task) is not None]


def _watch(task: str | None) -> None:
    """The jobs in their order, drawn anew every moment; once the last has ended, the whole page."""
    views = _jobs(task)
    if not views:
        st.rerun()
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**Working now:** {formatting.count(len(views), 'job')}", width="content")
            if len(views) > 1 and st.button("Cancel all", icon=":material/close:", key=f"cancel-all-{task}"):
                for view in reversed(views):  # from the last, so that none begins only to be cancelled
                    services.jobs().cancel(view.id)
                st.rerun()
        for place, view in enumerate(views, 1):
            st.page_link(
                tasks.get(view.task).page,
                label=f"{place}. {formatting.escape(view.title)}",
                icon=tasks.get(view.task).icon,
                query_params={"run": view.id},
            )
            model_picker.job_progress(view)


def _failed(task: str | None) -> None:
    """The last runs that failed or were interrupted, each with its reason and another try."""
    library = services.library()
    known = [run for status in ("failed", "interrupted") for run in library.list(task, status, limit=MAX_FAILED)]
    shown = sorted(known, key=lambda run: run.created, reverse=True)[:MAX_FAILED]
    newest = library.list(task, limit=len(shown) + MAX_FAILED)
    recent = [run for run in shown if any(run.id == one.id for one in newest) and tasks.find(run.task)]
    if not recent:
        return
    with st.expander(f"{formatting.count(len(recent), 'run')} did not finish", icon=":material/error:"):
        for run in recent:
            _retry(run)


def _retry(run: Run) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{formatting.escape(run.title)}**: {formatting.escape(run.error)}", width="stretch")
        if st.button("Try again", icon=":material/replay:", key=f"retry-{run.id}"):
            launch.go_to(services.jobs().again(run.id), run.task)
