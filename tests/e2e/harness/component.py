"""The harness: the page of the component that the address names, as in `/?component=player&run=song`."""

from __future__ import annotations

import streamlit as st

st.set_page_config(layout="wide")
st.navigation([st.Page(f"{st.query_params['component']}.py")], position="hidden").run()
