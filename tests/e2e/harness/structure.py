"""The harness page: the workbench, what it reports, and a button that selects from Python."""

from __future__ import annotations

import json

import numpy as np
import streamlit as st

from tests.support.two_helices import LENGTH, everything
from viz.components.structure_workbench import Column, structure_workbench

serial = st.session_state.setdefault("serial", 0)
if st.button("Select the turn"):
    st.session_state.serial += 1
columns = [Column("mine", "Mine", np.arange(LENGTH, dtype=float), "kcal/mol")] if st.toggle("My numbers") else None
data = everything(
    selection=[13, 14, 15, 16] if st.session_state.serial else None,
    selection_serial=st.session_state.serial,
    **({"columns": columns} if columns else {}),
)
state = structure_workbench(data, key="bench")
st.code(json.dumps(state), language="json")
