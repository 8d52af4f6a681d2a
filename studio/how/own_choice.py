"""A choice among what the visitor made, which the address of the page holds."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st


def choose(label: str, titles: Mapping[str, str], *, parameter: str, key: str, placeholder: str) -> None:
    """Let the visitor choose; the page is run anew with the choice in its address.

    Args:
        label: of the field.
        titles: what each value is called.
        parameter: of the address, that holds the value.
        key: of the field, and of what it remembers.
        placeholder: what stands in the field before a choice.
    """
    asked = st.query_params.get(parameter, "")
    # An address that changed since the last run (a link, the browser's way back) wins over what was chosen before it.
    if key not in st.session_state or st.session_state.get(f"{key}-address") != asked:
        st.session_state[key] = asked if asked in titles else None
    st.session_state[f"{key}-address"] = asked
    picked = st.selectbox(
        label, list(titles), index=None, format_func=titles.__getitem__, placeholder=placeholder, key=key
    )
    if picked and picked != asked:
        st.query_params[parameter] = picked
        st.rerun()
