"""Choices that stand in the page's address by their own names, so that a view can be reloaded, kept and shared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st


def choice(draw: Callable[..., Any], label: str, options: Mapping[str, str], key: str, **more: Any) -> str:
    """A widget that chooses one of `options`; the first one is not written into the address.

    Streamlit's own binding writes what is shown, which changes with every edit of the words.

    Args:
        draw: `st.selectbox` or `st.segmented_control`.
        label: of the widget.
        options: what is shown, by the name in the address.
        key: of the widget, and of the query parameter.
        more: for the widget.
    """
    first = next(iter(options))
    asked = st.query_params.get(key, first)
    widget = f"choice-{key}"
    # An address that changed since the last run (a link, the browser's way back) wins over what was chosen before it.
    if widget not in st.session_state or st.session_state.get(f"{widget}-address") != asked:
        st.session_state[widget] = asked if asked in options else first
    chosen = draw(label, list(options), format_func=options.__getitem__, key=widget, **more) or first
    if chosen != asked:
        if chosen == first:
            st.query_params.pop(key, None)
        else:
            st.query_params[key] = chosen
    st.session_state[f"{widget}-address"] = chosen
    return str(chosen)
