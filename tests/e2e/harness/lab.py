"""The harness page: the training lab for one family, and what it reports."""

from __future__ import annotations

import streamlit as st

from viz.components.training_lab import training_lab

family = st.query_params.get("family", "gan")
address = training_lab(family, st.query_params.get("lab", ""), None, key="lab")
st.code(address or "", language=None)
