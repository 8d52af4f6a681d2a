"""Teach with pictures: name classes, give examples, ask, see why, take the classifier away."""

import streamlit as st

from studio import picture_batch, picture_start, picture_view

if "run" in st.query_params:
    st.title("Pictures, sorted")
    picture_batch.show(st.query_params["run"])
elif "project" in st.query_params:
    picture_view.show(st.query_params["project"])
else:
    picture_start.show()
