"""Pages as Streamlit runs them, and what a reader sees and does there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streamlit import config
from streamlit.testing.v1 import AppTest

from studio import services
from studio.library.library import Run
from studio.pictures.project import Project
from tests.support.waiting import PATIENCE, wait_for

ROOT = Path(__file__).resolve().parents[2]

config.set_option("runner.postScriptGC", False)  # scripts end hundreds of times, and garbage is collected anyhow


def studio_app() -> AppTest:
    """The studio as `streamlit run app.py` shows it, before its first run."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=2 * PATIENCE)


@contextmanager
def fresh_services(wait: bool = True) -> Iterator[None]:
    """The studio's services as a new process has them, ready for its backend, and stopped at the end."""
    services.stop()
    if wait:
        services.backend().wait_ready(1.5 * PATIENCE)
    yield
    services.stop()


def words_of(app: AppTest) -> str:
    """Everything a reader sees as text."""
    shown = [*app.title, *app.subheader, *app.markdown, *app.caption, *app.error, *app.warning, *app.info]
    return "\n".join(str(element.value) for element in shown)


def click(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if label in button.label).click().run()


def ended(app: AppTest, seconds: float = 2 * PATIENCE) -> Run:
    """The newest run once it has ended in whatever way, with its page drawn anew."""
    run_id = services.library().list(limit=1)[0].id
    wait_for(lambda: (view := services.jobs().get(run_id)) is None or view.ended, seconds)
    app.run()
    run = services.library().get(run_id)
    assert run is not None and not app.exception
    return run


def finished(app: AppTest) -> Run:
    """The newest run once it has ended well, with its page drawn anew."""
    run = ended(app)
    assert run.status == "done", run.error
    return run


def open_project(app: AppTest, project: Project) -> AppTest:
    app.run().switch_page("pages/pictures.py")
    app.query_params["project"] = project.token
    app.run()
    assert not app.exception
    return app


def grids(app: AppTest) -> dict[str, dict[str, Any]]:
    """What each grid of pictures was given, by its label."""
    found = {}
    for element in app.get("bidi_component"):
        given = json.loads(element.proto.json)
        if "tiles" in given:  # other components stand below figures
            found[given["label"]] = given
    return found


def view(app: AppTest, name: str) -> AppTest:
    next(c for c in app.segmented_control if c.label == "Look closer").set_value(name).run()
    assert not app.exception
    return app
