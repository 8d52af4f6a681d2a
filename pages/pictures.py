"""Teach with pictures: name classes, give examples, ask, see why, take the classifier away."""

import streamlit as st

from studio.pictures import batch, start, view

if "run" in st.query_params:
    st.title("Pictures, sorted")
    batch.show(st.query_params["run"])
elif "project" in st.query_params:
    view.show(st.query_params["project"])
else:
    start.show()
