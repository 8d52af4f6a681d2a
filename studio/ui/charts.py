"""Figures and tables of all pages: without a grey toolbar, with small buttons that pin and save what is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import streamlit as st

from backends.core.errors import UserError
from studio.findings import pin, snapshots
from studio.ui import formatting
from viz.components.figure_tools import figure_tools

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from viz.components.map_board import Board

CONFIG = {"displayModeBar": False, "displaylogo": False}
"""Of Plotly: the buttons below a figure stand in for its toolbar, and a double click shows all of it again."""


def show(
    figure: go.Figure, alt: str, key: str, name: str = "figure", live: Callable[[], Board] | None = None, **more: Any
) -> Any:
    """A figure with its buttons.

    Args:
        figure: of Plotly.
        alt: what is seen, in a sentence.
        key: the same from run to run, and another one for every figure on a page.
        name: of a file that is saved, without its ending.
        live: makes what can be touched where the figure is pinned; without it, its picture is pinned alone.
        more: for `st.plotly_chart`.

    Returns:
        What `st.plotly_chart` gives: the selection, where `more` asks for one.
    """
    event = st.plotly_chart(figure, alt=alt, key=key, config=CONFIG, **more)
    about = pin.subject()
    picture = figure_tools(key, name, f"{key}-tools", pins=about is not None)
    if about is not None:
        pin.pinned_link(f"{about.source}-{key}")
        if picture:
            _pin(about, lambda: _moment(picture, alt, live), key)
    return event


def tools(key: str, alt: str, name: str) -> None:
    """The buttons of all that is drawn in a container, to stand below it.

    Args:
        key: of the container.
        alt: what is seen, in a sentence.
        name: of a file that is saved, without its ending.
    """
    about = pin.subject()
    picture = figure_tools(key, name, f"{key}-tools", pins=about is not None, whole=True)
    if about is not None:
        pin.pinned_link(f"{about.source}-{key}")
        if picture:
            _pin(about, lambda: snapshots.of_figure(picture, alt), key)


@contextmanager
def whole(key: str, alt: str, name: str) -> Iterator[None]:
    """All that is drawn inside is one figure with its buttons below, such as a component with a canvas.

    The arguments are as for `tools`.
    """
    with st.container(key=key):
        yield
    tools(key, alt, name)


def _moment(picture: str, alt: str, live: Callable[[], Board] | None) -> dict[str, Any]:
    held = snapshots.of_figure(picture, alt)
    return held if live is None else {**held, **snapshots.live(live())}


def pin_table(frame: pd.DataFrame, alt: str, key: str) -> None:
    """The button that pins a table, to stand below it.

    Args:
        frame: the table as it is shown.
        alt: what it says, in a sentence.
        key: the same from run to run.
    """
    if len(frame):
        pin_button("Pin this table", lambda: snapshots.of_table(frame, alt), key)


def pin_button(label: str, moment: Callable[[], Mapping[str, Any]], key: str) -> None:
    """A button that pins what the page shows above it; none where a page shows nothing of the library.

    Args:
        label: of the button.
        moment: makes what is pinned, once the button is pressed.
        key: the same from run to run.
    """
    about = pin.subject()
    if about is None:
        return
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"):
        pin.pinned_link(f"{about.source}-{key}")
        if st.button(label, key=f"{key}-pin", icon=":material/keep:", type="tertiary"):
            _pin(about, moment, key)


def _pin(about: pin.Subject, moment: Callable[[], Mapping[str, Any]], key: str) -> None:
    try:
        pin.pin_snapshot(about, moment(), key)
    except UserError as error:
        st.error(formatting.escape(error.sentence), icon=":material/error:")
