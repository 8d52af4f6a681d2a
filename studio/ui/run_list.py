"""The runs of the library: what works now, and what was made, newest first, a page of it at a time."""

from __future__ import annotations

import streamlit as st

from studio import services, tasks
from studio.findings.addresses import cover_url
from studio.library.models import Run
from studio.ui import formatting, queue_view

PAGE = 12
"""Runs that are listed at first, and how many more each press shows."""

LATEST = 4
"""Runs of a task that stand below the way to a new one."""


def latest(task: str) -> None:
    """What a task works on now, and what it made last, with the way to all of it."""
    queue_view.show(task)
    runs = services.library().list(task, limit=LATEST)
    if not runs:
        return
    st.subheader("Made before")
    for run in runs:
        _row(run)
    everything = {"task": task}
    st.page_link(tasks.FINDINGS.path, label="All of them", icon=tasks.FINDINGS.icon, query_params=everything)


def run_list() -> None:
    """The runs of the library with links to their pages, and how much room all take."""
    queue_view.show()
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
    picture, title, about = st.columns([1, 4, 4], vertical_alignment="center")
    picture.html(
        f'<img src="{cover_url(run.id)}" alt="" loading="lazy" style="width:100%;max-width:7rem;aspect-ratio:16/9;'
        'border-radius:0.4rem;display:block">'
    )
    name = formatting.escape(run.title)
    task = tasks.find(run.task)
    if task is None:  # a run of a task that this Fourfold does not show
        title.markdown(name)
    else:
        title.page_link(task.page, label=name, icon=task.icon, query_params={"run": run.id})
    when = run.created.astimezone().strftime("%d %b %Y, %H:%M")
    about.caption(f"{run.card.get('title', run.weights)} · {formatting.STATUS[run.status]} · {when}")
