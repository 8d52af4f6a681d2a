"""The addresses that take pictures in: what becomes of a file, and what is refused in which words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from studio.pictures import intake_addresses
from studio.pictures.project import Project
from studio.pictures.projects import Projects
from studio.web.responses import NotReady
from tests.support import pictures

RED, BLUE = pictures.plain((200, 30, 30)), pictures.plain((30, 30, 200), kind="JPEG")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Projects(tmp_path / "projects").create()
    made.add_class("cat")
    return made


@pytest.fixture
def seen() -> list[bytes]:
    """What was asked about."""
    return []


@pytest.fixture
def client(project: Project, seen: list[bytes]) -> Iterator[TestClient]:
    projects = Projects(project.folder.parent)

    def answer(asked: Project, picture: bytes) -> dict[str, object]:
        seen.append(picture)
        if not asked.state.shots:
            raise NotReady("Give at least two classes a picture each.")
        return {"best": "cat", "none": False, "shares": {asked.state.classes[0].id: 1.0}, "others": ""}

    with TestClient(Starlette(routes=intake_addresses.routes(lambda: projects, answer, "/base"))) as made:
        yield made


def cat_url(project: Project) -> str:
    return f"{intake_addresses.examples_url(project, '/base')}/{project.state.classes[0].id}"


def test_a_file_becomes_an_example_once(client: TestClient, project: Project) -> None:
    first = client.post(cat_url(project), params={"name": "walk/tom.png"}, content=RED)
    assert first.status_code == 200 and first.json() == {"added": 1, "sentences": []}
    again = client.post(cat_url(project), params={"name": "walk/tom.png"}, content=RED).json()
    assert again == {"added": 0, "sentences": ["“walk/tom.png” is here already and was not added twice."]}
    project.refresh()
    assert [project.state.title(sha) for sha in project.state.classes[0].shots] == ["walk/tom.png"]
    assert project.picture(project.state.classes[0].shots[0]).read_bytes() == RED


def test_a_file_goes_into_the_class_of_its_folder(client: TestClient, project: Project) -> None:
    url = intake_addresses.folders_url(project, "/base")
    assert client.post(url, params={"name": "zoo/dog/rex.png"}, content=RED).json()["added"] == 1
    assert client.post(url, params={"name": "zoo\\Cat\\tom.jpg"}, content=BLUE).json()["added"] == 1
    lost = client.post(url, params={"name": "loose.png"}, content=RED)
    assert (
        lost.status_code == 400 and lost.text == "It lies in no folder, so its class is not known: add it to a class."
    )
    project.refresh()
    assert {each.name: len(each.shots) for each in project.state.classes} == {"cat": 1, "dog": 1}


def test_a_question_is_asked(client: TestClient, project: Project) -> None:
    assert client.post(intake_addresses.questions_url(project, "/base"), params={"name": "who.png"}, content=RED).json()
    project.refresh()
    assert [project.state.title(sha) for sha in project.state.questions] == ["who.png"] and not project.state.shots


def test_a_picture_of_the_camera_is_answered_and_not_kept(
    client: TestClient, project: Project, seen: list[bytes]
) -> None:
    url = intake_addresses.answer_url(project, "/base")
    early = client.post(url, content=RED)
    assert early.status_code == 409 and early.text == "Give at least two classes a picture each."
    client.post(cat_url(project), params={"name": "tom.png"}, content=RED)
    assert client.post(url, content=BLUE).json()["best"] == "cat"
    project.refresh()
    assert seen == [RED, BLUE] and len(project.state.pictures) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "This file is empty"), (b"no picture at all", "This is no picture that can be read here")],
)
def test_what_is_no_picture_is_named_and_changes_nothing(
    client: TestClient, project: Project, content: bytes, said: str
) -> None:
    found = client.post(cat_url(project), params={"name": "../notes.txt"}, content=content).json()
    assert found["added"] == 0 and said in found["sentences"][0] and "notes.txt" in found["sentences"][0]
    project.refresh()
    assert not project.state.pictures


def test_what_is_too_large_is_not_read_to_its_end(
    client: TestClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_addresses, "MAX_FILE_BYTES", 1_000_000)
    parts = iter([b"x" * 600_000] * 3)
    answer = client.post(cat_url(project), params={"name": "huge.png"}, content=parts)
    assert answer.status_code == 507 and answer.text == "This file has more than 1 MB: make it smaller."


def test_a_class_or_project_that_is_gone_is_a_sentence(client: TestClient, project: Project) -> None:
    gone = client.post(f"{intake_addresses.examples_url(project, '/base')}/0000aaaa", content=RED)
    assert gone.status_code == 400 and "removed in another window" in gone.text
    other = client.post(f"/base/projects/{'x' * 32}/examples/0000aaaa", content=RED)
    assert other.status_code == 404 and "There is no such project here" in other.text
    assert client.get(cat_url(project)).status_code == 405
