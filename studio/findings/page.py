"""The page of findings: one finding, one story or a comparison where the address names one, else the lists."""

from __future__ import annotations

import streamlit as st

from studio.findings import compare_view, finding_view, library_view, story_view
from studio.findings.address_state import choice
from studio.ui.error_boundary import error_boundary

VIEWS = {"made": "Everything made", "findings": "Findings", "stories": "Stories"}
DRAW = {"made": library_view.show, "findings": finding_view.show_list, "stories": story_view.show_list}


def show() -> None:
    """The whole page."""
    asked = st.query_params
    if "finding" in asked:
        finding_view.show(asked["finding"])
    elif "story" in asked:
        story_view.show(asked["story"])
    elif "compare" in asked:
        compare_view.show(asked["compare"].split(","))
    else:
        _lists()


def _lists() -> None:
    st.title("Findings")
    st.markdown(
        "Find again what you made, put results side by side, say what they show, and present it: all of it works "
        "without a network and without the model server."
    )
    chosen = choice(st.segmented_control, "Show", VIEWS, "view", required=True, label_visibility="collapsed")
    with error_boundary(f"the list of {chosen}"):
        DRAW[chosen]()
