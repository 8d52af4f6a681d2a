"""What was said of a file is on the page of its run, however the run ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from studio import services, tasks
from tests.support.library import begin
from tests.support.pages import fresh_services, studio_app, words_of
from tests.support.servers import ModelServer

SAID = "The file breaks off after 3 s: its end is missing."
PAGES = {"separation": "songs", "matting": "videos", "folding": "proteins"}


@pytest.fixture
def app(model_server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.setenv("FOURFOLD_BACKEND", model_server.address)
    with fresh_services():
        yield studio_app()


@pytest.mark.parametrize("status", ["cancelled", "failed", "interrupted"])
@pytest.mark.parametrize("task", PAGES)
def test_notices_of_a_run_that_did_not_end_well_are_shown(app: AppTest, task: str, status: str) -> None:
    library = services.library()
    run = begin(library, task=task, engine=tasks.get(task).fallback)
    library.note(run.id, notices=[SAID])
    library.finish(run.id, status, 1.0, "It could not be done.")
    app.run().switch_page(f"pages/{PAGES[task]}.py")
    app.query_params["run"] = run.id
    app.run()
    assert not app.exception
    assert SAID in words_of(app).replace("\\", "")
