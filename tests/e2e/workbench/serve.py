"""Starts the harness: `python serve.py PORT` shows runs of the library in FOURFOLD_HOME with the studio's addresses."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).parents[3]))

from studio.library.library import Library
from studio.web.routes import routes

options = {
    "server.port": int(sys.argv[1]),
    "server.address": "127.0.0.1",
    "server.headless": True,
    "browser.gatherUsageStats": False,
}
st.App(Path(__file__).with_name("page.py"), routes=routes(Library())).run(config=options)
