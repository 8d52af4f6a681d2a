"""The frame of the studio: navigation, theme and the state of the model server. Start it with `make app`."""

import streamlit as st

from studio.ui import page_frame

st.set_page_config(page_title="Fourfold", page_icon=str(page_frame.ICON), layout="wide")

page = st.navigation(
    [
        st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("pages/songs.py", title="Songs", icon=":material/graphic_eq:"),
        st.Page("pages/videos.py", title="Videos", icon=":material/movie:"),
        st.Page("pages/proteins.py", title="Proteins", icon=":material/deployed_code:"),
        st.Page("pages/pictures.py", title="Pictures", icon=":material/photo_library:"),
        st.Page("pages/live.py", title="Live", icon=":material/videocam:"),
    ],
    position="top",
)
page_frame.show(page)
