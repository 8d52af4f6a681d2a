"""What every page has around it: the line about the model server, and the last resort when a page fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from studio import services
from studio.findings import pin
from studio.jobs.backend import BackendState
from studio.ui import file_chooser, login_page, page_style
from studio.ui.error_boundary import error_boundary, safe_fragment

ICON = Path(__file__).parents[1] / "assets" / "icon.svg"


def show(page: Any) -> None:
    """Run `page` under the server line."""
    page_style.show()
    file_chooser.prepare_page()
    pin.leave()
    server_line()
    with error_boundary(f"the page {page.title}"):
        page.run()
    login_page.show_visitor()


@safe_fragment(run_every=3)
def server_line() -> None:
    """Say when the model server is not ready, or was started again since this visitor last saw it."""
    state = services.backend().state()
    seen = st.session_state.setdefault("restarts_seen", state.restarts)
    if state.state == "failed":
        st.error(state.sentence, icon=":material/error:")
    elif state.state == "down":
        st.warning(f"{state.sentence} Finished results stay available.", icon=":material/cloud_off:")
    elif state.restarts > seen:
        _restarted(state)


def _restarted(state: BackendState) -> None:
    sentence = "The model server stopped and has been started again; jobs it was working on can be run again."
    if state.state == "starting":
        sentence = "The model server stopped; it is being started again."
    line, button = st.columns([6, 1], vertical_alignment="center")
    line.warning(sentence, icon=":material/restart_alt:")
    if button.button("Understood", disabled=state.state == "starting", width="stretch"):
        st.session_state.restarts_seen = state.restarts
        st.rerun(scope="fragment")
