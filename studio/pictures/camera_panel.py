"""The camera that stays on, across the page: live answers, and examples recorded by holding a class."""

from __future__ import annotations

import streamlit as st

from studio.pictures import intake_addresses
from studio.pictures.feature_loader import FeatureLoader
from studio.pictures.fitted import missing_step
from studio.pictures.project import Project
from studio.web import urls
from viz.components.picture_camera import RecordedClass, picture_camera
from viz.fewshot.figures import class_colour

ABOUT = "Live answers for what you hold up; hold down a class to record examples of it."


def show(project: Project, loader: FeatureLoader, *, here: bool) -> None:
    """The camera, once it is wanted. `here` says whether the model can answer."""
    if not st.toggle("Camera", key=f"camera-{project.token}", help=ABOUT):
        return
    if not project.state.classes:
        st.info("Make a class first: then hold it down here to record examples of it.", icon=":material/videocam:")
        return
    base, waiting = urls.base_path(), missing_step(project, loader)
    picture_camera(
        f"camera-stage-{project.token}",
        [
            RecordedClass(each.id, each.name, class_colour(place), len(each.shots))
            for place, each in enumerate(project.state.classes)
        ],
        ask=intake_addresses.answer_url(project, base),
        add=intake_addresses.examples_url(project, base),
        ready=here and not waiting,
        waiting=waiting or ("" if here else "Live answers come once the model is here."),
    )
