"""The way from a run to others of its task beside it: stems on one clock, structures laid on each other."""

from __future__ import annotations

import streamlit as st

from studio import services, tasks
from studio.library.library import Run

MAX_OTHERS = 3
MAX_LISTED = 60


def offer(run: Run, label: str, about: str) -> None:
    """Choose finished runs of the same task, those of the same file first, and go to all of them side by side.

    Args:
        run: what they are put beside.
        label: of the button.
        about: what is to be seen there.
    """
    others = {one.id: one for one in services.library().list(run.task, "done", limit=MAX_LISTED) if one.id != run.id}
    if not others:
        return
    same = [one for one in others if others[one].inputs[:1] == run.inputs[:1] and run.inputs]
    order = [*same, *(one for one in others if one not in same)]
    st.caption(about)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Other results", order, max_selections=MAX_OTHERS, key=f"beside-{run.id}", label_visibility="collapsed",
            format_func=lambda one: f"{others[one].title} ({others[one].card.get('title', others[one].weights)})",
            placeholder="Choose up to three others",
        )  # fmt: skip
        if st.button(label, icon=":material/compare:", key=f"beside-go-{run.id}", disabled=not chosen):
            st.switch_page(tasks.FINDINGS.path, query_params={"compare": ",".join([run.id, *chosen])})
