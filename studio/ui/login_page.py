"""What a visitor sees before they have logged in, and who they are afterwards; nothing where nobody logs in."""

from __future__ import annotations

import streamlit as st

from studio import login, streamlit_patches, visitors
from studio.ui import formatting, page_style


def hold_back() -> None:
    """End the page here, with the way to log in, for whoever has not."""
    if login.of_page() != visitors.NOBODY:
        return
    page_style.show()
    st.title("Fourfold")
    st.write("Log in to use this studio. What you make here is seen by you alone.")
    for name in login.providers():
        if st.button(f"Log in with {name}" if name else "Log in", icon=":material/login:", type="primary"):
            st.login(name or None)
    st.stop()


def show_visitor() -> None:
    """Whose library this is, and the way out."""
    if login.of_page() is visitors.EVERYBODY:
        return
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        name = login.name_of(streamlit_patches.page_claims() or {})
        st.caption(f"Logged in as {formatting.escape(name)}", width="content")
        if st.button("Log out", icon=":material/logout:", type="tertiary"):
            st.logout()
