"""Ways from one run on the page to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import streamlit as st


def go_to(run_id: str) -> NoReturn:
    """Show a run on this page."""
    st.query_params.clear()
    st.query_params["run"] = run_id
    st.rerun()


def offer_other_run(reason: str, button: str, start: Callable[[], str]) -> None:
    """Say why this run cannot be asked, and offer to make one that can.

    Args:
        reason: in a sentence.
        button: its label.
        start: submits the other run; returns its id.
    """
    st.info(reason, icon=":material/info:")
    if st.button(button, type="primary", icon=":material/play_arrow:"):
        go_to(start())
