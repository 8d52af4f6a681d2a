"""Starts the harness: `python serve.py RUNS PORT` shows the run named in the address, and serves its files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

runs, port = Path(sys.argv[1]), int(sys.argv[2])
os.environ["PLAYER_RUNS"] = str(runs)


def mixdown(request: Request) -> Response:
    """Answers with the question, so that a test can read what the browser asked for."""
    name = f"{request.path_params['run']}.{request.query_params['format']}"
    return PlainTextResponse(str(request.url), headers={"Content-Disposition": f'attachment; filename="{name}"'})


routes = [
    Route("/runs/{run}/mixdown", mixdown),
    Route("/runs/{run}/stems", mixdown),
    Mount("/runs", StaticFiles(directory=runs)),
]
options = {
    "server.port": port,
    "server.address": "127.0.0.1",
    "server.headless": True,
    "browser.gatherUsageStats": False,
}
sys.path.insert(0, str(Path(__file__).parents[3]))
st.App(Path(__file__).with_name("page.py"), routes=routes).run(config=options)
