"""The harness page: the workbench with an assembly of four chains, their PAE and their gaps."""

from __future__ import annotations

import json

import streamlit as st

from tests.support.four_chains import everything
from viz.components.structure_workbench import structure_workbench

st.code(json.dumps(structure_workbench(everything(), key="bench")), language="json")
