"""A picture project as one screen: classes on the left, answers on the right, and below what explains them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from backends.errors import UserError
from studio import (
    guard,
    picture_actions,
    picture_ask,
    picture_evidence,
    picture_export,
    picture_flamingo,
    picture_gather,
    picture_map,
    picture_mixups,
    picture_model,
    picture_trust,
    services,
    starts,
    widgets,
    words,
)
from studio.picture_answers import Taught
from studio.picture_calls import TASK
from studio.picture_features import Looker
from studio.picture_project import Project
from studio.picture_state import NAME_LETTERS

VIEWS: Mapping[str, Callable[[Project, Looker, Taught], None]] = {
    "Why": picture_evidence.show,
    "How far to trust it": picture_trust.show,
    "Mix-ups": picture_mixups.show,
    "Map": picture_map.show,
    "As a conversation": picture_flamingo.show,
    "Take it away": picture_export.show,
}


def show(token: str) -> None:
    """The project at this address."""
    try:
        project = services.projects().open(token)
    except UserError as error:
        st.title("Teach with pictures")
        st.warning(error.sentence, icon=":material/help:")
        st.page_link(starts.PLACES[TASK].page, label="All projects", icon=starts.PLACES[TASK].icon)
        return
    _heading(project)
    picture_actions.tell_taken()
    task = services.backend().info().get("tasks", {}).get(TASK)
    if task is None:
        widgets.wait_for_backend(services.backend().state())
        return
    card = picture_actions.card_of(task, project.state.card)
    with st.expander(picture_model.summary(project, card), icon=":material/tune:"):
        card = picture_model.choose(project, task)
    here = widgets.is_here(card)
    looker = services.lookers().get(project, card)
    left, right = st.columns([5, 6], gap="large")
    taught = None
    with left, guard.told("the classes"):
        picture_gather.show(project, looker.understands_words)
    with right, guard.told("the answers"):
        taught = picture_ask.show(project, looker, card, here=here)
    if taught is not None:
        _closer(project, looker, taught)


def _heading(project: Project) -> None:
    key = f"project-name-{project.token}"

    def renamed() -> None:
        with project.change() as state:
            state.name = st.session_state[key].strip() or state.name

    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(words.plain(project.state.name), width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if st.button("All projects", icon=":material/photo_library:"):
                st.query_params.clear()
                st.rerun()
            with st.popover("Project", icon=":material/more_horiz:"):
                st.text_input("Its name", project.state.name, max_chars=NAME_LETTERS, key=key, on_change=renamed)
                picture_export.save_button(project)
                st.write("Deleting removes the project and its pictures from this computer for good.")
                if st.button("Delete this project", icon=":material/delete:"):
                    services.lookers().drop(project)
                    services.projects().delete(project.token)
                    st.query_params.clear()
                    st.rerun()


def _closer(project: Project, looker: Looker, taught: Taught) -> None:
    st.divider()
    with guard.told("what explains the answers"):
        first = next(iter(VIEWS))
        chosen = st.segmented_control(
            "Look closer", list(VIEWS), default=first, required=True, key=f"view-{project.token}",
            label_visibility="collapsed",
        )  # fmt: skip
        VIEWS[chosen or first](project, looker, taught)
