"""The same project in two windows: neither takes back what the other did, and no chosen file vanishes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from studio.pictures.project import Project
from studio.pictures.projects import Projects
from tests.support import pictures


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Projects(tmp_path / "projects").create()
    for name in ("kat", "dog"):
        made.add_class(name)
    return made


def settings(project: "Project") -> None:  # noqa: UP037 (Streamlit runs the function without these imports)
    from studio.pictures import model_picker

    model_picker._head(project, True)


def classes(project: "Project") -> None:  # noqa: UP037
    from studio.pictures import class_editor, image_tiles

    image_tiles.show_reports(project)
    class_editor.show(project, True)


def window(page: Callable[[Project], None], project: Project) -> AppTest:
    return AppTest.from_function(page, args=(project,), default_timeout=60).run()


@pytest.mark.slow
def test_a_setting_of_one_window_is_not_taken_back_by_another(project: Project) -> None:
    one, other = window(settings, project), window(settings, project)
    one.toggle[0].set_value(False).run()
    other.selectbox[0].set_value("gda").run()
    assert (project.state.reject, project.state.head) == (False, "gda")
    assert other.toggle[0].value is False and one.run().selectbox[0].value == "gda"


@pytest.mark.slow
def test_a_name_of_one_window_is_not_taken_back_by_a_sentence_in_another(project: Project) -> None:
    one, other = window(classes, project), window(classes, project)
    named = next(box for box in one.text_input if box.value == "kat")
    named.set_value("cat").run()
    described = next(box for box in other.text_input if box.label == "What it looks like")
    described.set_value("small and grey").run()
    assert [(each.name, each.sentence) for each in project.state.classes] == [("cat", "small and grey"), ("dog", "")]
    assert "cat" in [box.value for box in other.run().text_input]


def test_a_file_for_a_class_that_another_window_removed_is_named(project: Project) -> None:
    kat = project.state.classes[0].id
    app = window(classes, project)
    app.session_state[f"add-{kat}"] = True
    app.run()
    app.file_uploader[0].upload("new.png", pictures.plain())
    project.remove_class(kat)
    app.run()
    assert not app.exception and any("new.png" in error.value for error in app.error)
    undo = next(button for button in app.button if button.label == "Undo")
    undo.click().run()
    assert project.state.names == ("kat", "dog")
