"""The page that adapts a model: what it offers, what it says of a training, and where the models are elsewhere."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx
from streamlit.testing.v1 import AppTest

from backends.core.adapting import LOCK, STOP, Score, Standing, folder_of_training, write_standing
from backends.core.info import CardInfo, Info, TaskInfo
from backends.weights.locations import default_root
from studio import services
from studio.adapt import material as files
from studio.adapt import page as adapt_page
from studio.adapt import trainings
from studio.jobs.backend import BackendState, EmbeddedBackend
from studio.pictures.schema import Picture, ProjectState
from tests.support.pages import click, fresh_services, studio_app, words_of

SCORE = Score(
    name="error of the matte (MAD)",
    unit="",
    digits=3,
    before=(0.1, 0.08, 0.12),
    after=(0.05, 0.04, 0.06),
    gain=(0.05, 0.02, 0.08),
)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The page of a studio whose model server is on this computer and has the MODNet starter."""
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    card = CardInfo(id="modnet-starter", task="matting", engine="modnet", title="MODNet starter", here=True)
    info = Info(tasks={"matting": TaskInfo(cards=(card,))})
    with fresh_services(wait=False):
        monkeypatch.setattr(services.backend(), "place", EmbeddedBackend.place)
        monkeypatch.setattr(services.backend(), "info", lambda: info)
        app = studio_app()
        app.run().switch_page("pages/adapt.py")
        app.query_params["task"] = "matting"
        app.run()
        yield app


def training(state: str, name: str = "mine", **more) -> Path:
    folder = folder_of_training(default_root(), "matting", name)
    folder.mkdir(parents=True)
    write_standing(folder, Standing(task="matting", name=name, state=state, **more))
    return folder


def test_it_says_what_is_taken_and_what_decides(page: AppTest) -> None:
    assert not page.exception
    words = words_of(page)
    assert "shown to be better" in words and "put them into a folder called mattes" in words
    assert page.selectbox[0].options == ["MODNet starter"]
    assert next(button for button in page.button if button.label == "Teach it").disabled


def test_files_become_a_training(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple] = []
    monkeypatch.setattr(trainings, "start", lambda *what: asked.append(what))
    page.text_input[0].input("mine").run()
    page.file_uploader[0].upload("clips/one.mp4", b"video").run()
    click(page, "Teach it")
    assert not page.exception and asked == [("matting", "mine", "modnet-starter", 40)]
    assert (trainings.material_folder("matting", "mine") / "one.mp4").read_bytes() == b"video"


def test_files_become_a_training_also_where_the_page_is_drawn_anew_meanwhile(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple] = []
    write = files.write

    def slowly(*what):
        """Somebody changes another field of the form while files are copied."""
        context = get_script_run_ctx()
        assert context is not None and context.script_requests is not None
        context.script_requests.request_rerun(RerunData())
        return write(*what)

    monkeypatch.setattr(files, "write", slowly)
    monkeypatch.setattr(trainings, "start", lambda *what: asked.append(what))
    page.text_input[0].input("mine").run()
    page.file_uploader[0].upload("clips/one.mp4", b"video").run()
    click(page, "Teach it")
    assert not page.exception and asked == [("matting", "mine", "modnet-starter", 40)]


def test_the_button_waits_for_files_but_for_no_name(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainings, "start", lambda *what: pytest.fail("it has no name"))
    page.file_uploader[0].upload("clips/one.mp4", b"video").run()
    click(page, "Teach it")
    assert not page.exception and "It has no name yet" in words_of(page)
    assert trainings.known() == []


def test_files_of_another_kind_are_a_sentence(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainings, "start", lambda *what: pytest.fail("nothing to learn from"))
    page.text_input[0].input("mine").run()
    page.file_uploader[0].upload("clips/notes.txt", b"words").run()
    click(page, "Teach it")
    assert not page.exception and "None of these files can be used" in words_of(page)
    assert trainings.known() == []


def test_a_training_is_watched_and_stopped(page: AppTest) -> None:
    folder = training("running", stage="Learning", done=10, total=40, left=90.0)
    with FileLock(folder / LOCK):
        page.run()
        assert not page.exception and "One at a time: “mine” is learning now" in words_of(page)
        click(page, "Stop")
        assert not page.exception and (folder / STOP).exists()
        assert next(button for button in page.button if button.label == "Stopping…").disabled


@pytest.fixture
def ends_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training runs where the page looks first, and no more where it looks again."""
    looks = iter([True])
    monkeypatch.setattr(trainings, "_is_locked", lambda folder: next(looks, False))


def test_one_that_ends_while_the_page_is_drawn_keeps_nobody_waiting(page: AppTest, ends_meanwhile: None) -> None:
    training("running", stage="Learning", done=10, total=40)
    page.run()
    labels = {button.label for button in page.button}
    assert not page.exception and "Forget" in labels and "Stop" not in labels
    assert "is learning now" not in words_of(page), "nothing draws the form again where nothing runs"


def test_what_was_installed_can_be_begun_from_at_once(
    page: AppTest, ends_meanwhile: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    training("installed", sentence="Better.")
    about = services.backend().info()
    own = CardInfo(id="yours/mine", task="matting", engine="modnet", title="mine", here=True)
    grown = Info(tasks={"matting": TaskInfo(cards=(*about.tasks["matting"].cards, own))})

    def state(fresh: bool = False) -> BackendState:
        if fresh:  # otherwise it is what was heard up to two seconds ago
            monkeypatch.setattr(services.backend(), "info", lambda: grown)
        return BackendState("ready", "Ready.")

    monkeypatch.setattr(services.backend(), "state", state)
    page.run()
    assert not page.exception and page.selectbox[0].options == ["MODNet starter", "mine"]


def test_models_that_are_told_while_the_page_is_drawn_are_offered(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    about, told = services.backend().info(), threading.Event()
    bases = adapt_page._bases

    def look(*what) -> list[CardInfo]:
        found = bases(*what)
        told.set()
        return found

    monkeypatch.setattr(adapt_page, "_bases", look)
    monkeypatch.setattr(services.backend(), "info", lambda: about if told.is_set() else Info())
    monkeypatch.setattr(
        services.backend(), "state", lambda fresh=False: BackendState("ready" if told.is_set() else "starting", "…")
    )
    page.run()
    assert not page.exception and page.selectbox[0].options == ["MODNet starter"]
    assert "No model that can be adapted" not in words_of(page)


def test_what_became_of_them_is_told_with_numbers(page: AppTest) -> None:
    training("installed", sentence="On 4 clips kept apart: better.", scores=(SCORE,), notices=("One was left out.",))
    training("refused", name="other", sentence="It is not installed, because it got worse: error.")
    training("failed", name="third", sentence="There are 2 clips here.")
    page.run()
    assert not page.exception
    told = [box.value.replace("\\", "") for box in page.success]
    assert told == ["On 4 clips kept apart: better. It is on the list of models."]
    words = words_of(page).replace("\\", "")
    assert "got worse: error" in words and "There are 2 clips here" in words and "One was left out" in words
    (row,) = page.table[0].value.to_dict("records")
    assert {head: cell.replace("\N{NO-BREAK SPACE}", " ") for head, cell in row.items()} == {
        "Measured": "error of the matte (MAD)",
        "Before": "0.100 (0.080 to 0.120)",
        "After": "0.050 (0.040 to 0.060)",
        "Better by": "0.050 (0.020 to 0.080)",
    }
    assert "(0.080\N{NO-BREAK SPACE}to" in row["Before"], "a narrow column breaks it at one place only"


def test_one_that_was_killed_goes_on_and_one_is_forgotten(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = training("running", stage="Learning", done=3, total=9)
    (folder / trainings.MATERIAL).mkdir()
    (folder / trainings.ABOUT).write_text("modnet-starter 9")
    gone_on: list[str] = []
    monkeypatch.setattr(trainings, "go_on", lambda one: gone_on.append(one.key))
    page.run()
    assert "Nothing is lost" in words_of(page)
    click(page, "Go on")
    assert gone_on == ["matting/mine"]
    click(page, "Forget")
    assert not page.exception and not folder.exists()


def test_a_project_of_pictures_is_material_too(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    project = services.get("projects").create(ProjectState(name="birds"))
    owl = project.add_class("owl")
    sha = hashlib.sha256(b"picture").hexdigest()
    project.picture(sha).write_bytes(b"picture")
    project.add_examples(owl.id, {sha: Picture("one.JPG", 7)})
    info = Info(
        tasks={"fewshot": TaskInfo(cards=(CardInfo(id="clip-starter", engine="clip", title="Starter", here=True),))}
    )
    monkeypatch.setattr(services.backend(), "info", lambda: info)
    asked: list[tuple] = []
    monkeypatch.setattr(trainings, "start", lambda *what: asked.append(what))
    next(control for control in page.segmented_control).set_value("fewshot")
    page.query_params["project"] = project.token
    page.run()
    assert not page.exception and "the 1 picture of your project" in words_of(page) and not page.file_uploader
    page.text_input[0].input("birds").run()
    click(page, "Teach it")
    assert asked == [("fewshot", "birds", "clip-starter", 100)]
    assert (trainings.material_folder("fewshot", "birds") / "owl" / f"{sha[:16]}.JPG").read_bytes() == b"picture"


def test_where_visitors_log_in_nobody_teaches_a_model_for_all_or_sees_the_trainings_of_others(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    training("refused", sentence="It got worse.")
    monkeypatch.setattr("studio.visitors.current", lambda: "ann")
    page.run()
    assert not page.exception and "A model is everybody's here" in words_of(page)
    assert not page.file_uploader and "It got worse" not in words_of(page) and "Trainings" not in words_of(page)


def test_models_on_another_machine_are_adapted_there(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.backend(), "place", "a GPU machine")
    page.run()
    assert not page.exception and "a training runs there" in words_of(page)
    assert page.code[0].value == "python -m training adapt matting FOLDER --name NAME"
    assert not page.file_uploader
