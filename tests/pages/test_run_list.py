"""The list of runs on the first page."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from studio import services
from studio.ui.run_list import PAGE


@pytest.mark.slow
def test_older_runs_are_listed_when_asked_for(app: AppTest) -> None:
    for number in range(PAGE + 2):
        run = services.library().begin(task="separation", title=f"song {number:02}", engine="dsp", options={})
        services.library().finish(run.id, "done", 1.0)
    app.run()
    titles = [link.proto.label for link in app.get("page_link") if link.proto.label.startswith("song ")]
    assert titles == [f"song {number:02}" for number in reversed(range(2, PAGE + 2))]
    next(button for button in app.button if button.label == "Show more (2)").click().run()
    titles = [link.proto.label for link in app.get("page_link") if link.proto.label.startswith("song ")]
    assert len(titles) == PAGE + 2 and titles[-1] == "song 00"
    assert not [button for button in app.button if button.label.startswith("Show more")]
