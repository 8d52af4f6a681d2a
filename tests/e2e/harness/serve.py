"""Starts the harness: `python serve.py FOLDER PORT` shows one component a page, and serves the files of its runs.

The stem player's runs lie in FOLDER/player; those of the matte workbench are in the library of FOURFOLD_HOME.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

sys.path.insert(0, str(Path(__file__).parents[3]))
from studio.library.library import Library
from studio.web.routes import routes

player_runs, port = Path(sys.argv[1]) / "player", int(sys.argv[2])
player_runs.mkdir(exist_ok=True)
os.environ["PLAYER_RUNS"] = str(player_runs)


def mixdown(request: Request) -> Response:
    """Answers with the question, so that a test can read what the browser asked for."""
    name = f"{request.path_params['run']}.{request.query_params['format']}"
    return PlainTextResponse(str(request.url), headers={"Content-Disposition": f'attachment; filename="{name}"'})


addresses = [
    Route("/player-runs/{run}/mixdown", mixdown),
    Route("/player-runs/{run}/stems", mixdown),
    Mount("/player-runs", StaticFiles(directory=player_runs)),
    *routes(Library()),
]
options = {
    "server.port": port,
    "server.address": "127.0.0.1",
    "server.headless": True,
    "browser.gatherUsageStats": False,
    "runner.postScriptGC": False,  # the scripts run twice a second
}
st.App(Path(__file__).with_name("component.py"), routes=addresses).run(config=options)
