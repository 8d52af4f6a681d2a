"""A picture project as one screen: classes on the left, answers on the right, and below what explains them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from backends.core.errors import UserError
from studio import services, tasks
from studio.findings import pin
from studio.pictures import (
    camera_panel,
    class_editor,
    confusion_panel,
    embedding_map,
    exhibit,
    explanation_panel,
    export,
    flamingo,
    image_tiles,
    last_answers,
    predictions_panel,
    reliability_panel,
)
from studio.pictures import model_picker as model
from studio.pictures.feature_loader import FeatureLoader
from studio.pictures.fitted import FittedProject, near_copies
from studio.pictures.inference_client import TASK
from studio.pictures.project import Project
from studio.pictures.schema import MAX_NAME_LENGTH
from studio.pictures.task import feature_loaders, projects
from studio.ui import downloads, formatting, model_picker
from studio.ui.error_boundary import error_boundary

VIEWS: Mapping[str, Callable[[Project, FeatureLoader, FittedProject], None]] = {
    "Why": explanation_panel.show,
    "How far to trust it": reliability_panel.show,
    "Mix-ups": confusion_panel.show,
    "Map": embedding_map.show,
    "As a conversation": flamingo.show,
    "Take it away": export.show,
}


def show(token: str) -> None:
    """The project at this address."""
    try:
        project = projects().open(token)
    except UserError as error:
        st.title("Teach with pictures")
        st.warning(error.sentence, icon=":material/help:")
        st.page_link(tasks.get(TASK).page, label="All projects", icon=tasks.get(TASK).icon)
        return
    files = _heading(project)
    image_tiles.show_reports(project)
    task = services.backend().info().tasks.get(TASK)
    if task is None:
        model_picker.wait_for_backend(services.backend().state())
        return
    card = image_tiles.card_of(task, project.state.card)
    with st.expander(model.summary(project, card), icon=":material/tune:"):
        card = model.choose(project, task)
    here = model_picker.is_here(card)
    loader = feature_loaders().get(project, card)
    with error_boundary("the camera"):
        camera_panel.show(project, loader, here=here)
    left, right = st.columns([5, 6], gap="large")
    fitted = None
    with left, error_boundary("the classes"):
        class_editor.show(project, loader.understands_words, near_copies(project, loader))
    with right, error_boundary("the answers"):
        fitted = predictions_panel.show(project, loader, card, here=here)
    with files:
        downloads.menu(project.token, lambda: export.everything(project, loader, fitted))
    if fitted is not None:
        last_answers.keep(project, fitted, card.title)
        _closer(project, loader, fitted)


def _heading(project: Project) -> DeltaGenerator:
    """The name and what can be done with the project; returns the place of its downloads."""
    key = f"project-name-{project.token}"

    def renamed() -> None:
        with project.change() as state:
            state.name = st.session_state[key].strip() or state.name

    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(formatting.escape(project.state.name), width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            files = st.container(width="content")
            if st.button("All projects", icon=":material/photo_library:"):
                st.query_params.clear()
                st.rerun()
            with st.popover("Project", icon=":material/more_horiz:"):
                image_tiles.shared_value(key, project.state.name)
                st.text_input("Its name", max_chars=MAX_NAME_LENGTH, key=key, on_change=renamed)
                st.write("A deleted project can be brought back from the list of projects for a week.")
                if st.button("Delete this project", icon=":material/delete:"):
                    feature_loaders().drop(project)
                    projects().delete(project.token)
                    st.query_params.clear()
                    st.rerun()
    return files


def _moment(project: Project, fitted: FittedProject) -> dict[str, Any]:
    """What is pinned: the chosen question with its answer first, then the others, and the classes."""
    if fitted.prediction is None:
        return exhibit.snapshot(project, fitted.names, fitted.places, [])
    chosen = st.session_state.get(f"question-{project.token}")
    order = sorted(range(len(fitted.questions)), key=lambda row: fitted.questions[row] != chosen)
    found = fitted.prediction
    answers = [(fitted.questions[row], found.probabilities[row], bool(found.abstained[row])) for row in order]
    return exhibit.snapshot(project, fitted.names, fitted.places, answers)


def _closer(project: Project, loader: FeatureLoader, fitted: FittedProject) -> None:
    st.divider()
    pin.look_at(pin.Subject(TASK, project.token, project.state.name, "pages/pictures.py"))
    with error_boundary("pinning"):
        pin.button(TASK, project.token, project.state.name, lambda: _moment(project, fitted))
    with error_boundary("what explains the answers"):
        first = next(iter(VIEWS))
        chosen = st.segmented_control(
            "Look closer", list(VIEWS), default=first, required=True, key=f"view-{project.token}",
            label_visibility="collapsed",
        )  # fmt: skip
        VIEWS[chosen or first](project, loader, fitted)
