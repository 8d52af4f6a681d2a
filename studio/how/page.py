"""The page "How they work": a row of exhibits, and the one that is chosen."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from studio import tasks
from studio.findings import pin
from studio.how import exhibits
from studio.how.exhibits import Exhibit
from studio.ui import charts
from studio.ui.error_boundary import error_boundary

TASK, CONTAINER = "generation", "how-exhibit-all"


def show() -> None:
    """The whole page."""
    st.title("How they work")
    exhibit = exhibits.all_exhibits()[_chosen()]
    st.markdown(exhibit.sentence)
    pin.look_at(pin.Subject(TASK, "", f"How they work: {exhibit.heading}", tasks.HOW.path))
    with error_boundary(exhibit.heading), st.container(key=CONTAINER):
        exhibit.show()
    charts.tools(CONTAINER, f"{exhibit.heading}. {exhibit.sentence}", exhibit.id)


def _chosen() -> str:
    """The exhibit that the address or the visitor names."""
    offered, families = exhibits.all_exhibits(), exhibits.families()
    first = next(iter(offered))
    asked = st.query_params.get("exhibit", first)
    shown = offered.get(asked, offered[first])
    # An address that changed since the last run (a link, the browser's way back) wins over what was chosen before it.
    if "how-family" not in st.session_state or st.session_state.get("how-address") != asked:
        st.session_state["how-family"] = shown.heading
        st.session_state[f"how-exhibit-{shown.heading}"] = shown.id
    icons = {heading: members[0].icon for heading, members in families.items()}
    heading = str(
        st.pills(
            "What",
            list(families),
            format_func=lambda name: f"{icons[name]} {name}".strip(),
            key="how-family",
            required=True,
            label_visibility="collapsed",
        )
    )
    chosen = _member(families[heading], f"how-exhibit-{heading}")
    if chosen != asked:
        for name in [name for name in st.query_params if name not in exhibits.SHARED_PARAMETERS]:
            del st.query_params[name]
        st.query_params["exhibit"] = chosen
    st.session_state["how-address"] = chosen
    return chosen


def _member(family: Sequence[Exhibit], key: str) -> str:
    """The id of one exhibit of a family; the first until another one is chosen."""
    titles = {exhibit.id: exhibit.title for exhibit in family}
    if len(titles) == 1:
        return next(iter(titles))
    st.session_state.setdefault(key, next(iter(titles)))
    return str(
        st.segmented_control(
            "With what",
            list(titles),
            format_func=titles.__getitem__,
            key=key,
            required=True,
            label_visibility="collapsed",
        )
    )
