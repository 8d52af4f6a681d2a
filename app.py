"""The frame of the studio: navigation, theme and the state of the model server. Start it with `make app`."""

import streamlit as st

from studio import tasks
from studio.ui import login_page, page_frame

st.set_page_config(page_title="Fourfold", page_icon=str(page_frame.ICON), layout="wide")

login_page.hold_back()
page = st.navigation(
    [
        st.Page(
            page.path,
            title=page.title,
            icon=page.icon,
            default=page == tasks.HOME,
            visibility="visible" if page.listed else "hidden",
        )
        for page in tasks.pages()
    ],
    position="top",
)
page_frame.show(page)
