"""What Streamlit's theme cannot say: a page begins below the navigation without an empty band."""

from __future__ import annotations

import streamlit as st

STYLE = """<style>
:root { --sticky-top: 3.6rem; }
[data-testid="stMainBlockContainer"] { padding-top: 4.6rem; padding-bottom: 4rem; }
[data-testid="stMainBlockContainer"] h1 { font-size: clamp(1.6rem, 1.1rem + 1.6vw, 2.2rem); padding: 0.2rem 0 0.4rem; }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding-top: 3.9rem; padding-left: 0.9rem; padding-right: 0.9rem; }
  [data-testid="stMainBlockContainer"] h4 { font-size: 1.1rem; }
}
</style>"""


def show() -> None:
    """Put the style on the page."""
    st.html(STYLE)
