"""The list of runs, newest first, a page of it at a time."""

from __future__ import annotations

import streamlit as st

from studio import services, tasks
from studio.library.models import Run
from studio.ui import formatting

PAGE = 12
"""Runs that are listed at first, and how many more each press shows."""


def run_list() -> None:
    """The runs of the library with links to their pages, and how much room all take."""
    count = st.session_state.setdefault("listed_runs", PAGE)
    library = services.library()
    runs, total = library.list(limit=count), library.total()
    if not runs:
        st.caption("Nothing yet. What you make is kept here, ready to open again without waiting and without network.")
        return
    for run in runs:
        _row(run)
    if total > count and st.button(f"Show more ({total - count})", icon=":material/expand_more:"):
        st.session_state.listed_runs = count + PAGE
        st.rerun()
    st.caption(f"All runs together take {formatting.size(library.usage().total)}. A run is deleted on its own page.")


def _row(run: Run) -> None:
    title, model, status, when = st.columns([4, 2, 2, 2], vertical_alignment="center")
    name = formatting.escape(run.title)
    task = tasks.find(run.task)
    if task is None:  # a run of a task that this Fourfold does not show
        title.markdown(name)
    else:
        title.page_link(task.page, label=name, icon=task.icon, query_params={"run": run.id})
    model.caption(run.card.get("title", run.weights))
    status.caption(formatting.STATUS[run.status])
    when.caption(run.created.astimezone().strftime("%d %b %Y, %H:%M"))
