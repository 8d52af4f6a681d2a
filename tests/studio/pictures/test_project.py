"""Picture projects: what is kept, what is refused in words, what survives a restart, and hostile project files."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backends.core.errors import BadInput, TooLarge, UserError
from studio.pictures import files as picture_files
from studio.pictures import project as picture_project
from studio.pictures import project_archive
from studio.pictures.project import Project
from studio.pictures.project_folder import NoSuchProject
from studio.pictures.projects import Projects
from studio.pictures.schema import dump, parse
from tests.support import pictures


@pytest.fixture
def projects(tmp_path: Path) -> Projects:
    return Projects(tmp_path / "projects")


@pytest.fixture
def project(projects: Projects) -> Project:
    made = projects.create()
    made.add_class("cat", "a small cat")
    made.add_class("dog")
    return made


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def give(project: Project, name: str, *data: bytes) -> picture_files.ImportReport:
    """Pictures as examples of the class of that name."""
    files = [(f"{name} {n}.png", lambda one=one: one) for n, one in enumerate(data)]
    return picture_files.import_files(project, files, project.class_called(name).id)


RED, BLUE, GREEN = (pictures.plain(colour) for colour in ((200, 20, 20), (20, 20, 200), (20, 180, 20)))


def test_a_project_survives_a_restart_with_everything_in_it(projects: Projects, project: Project) -> None:
    give(project, "cat", RED, BLUE)
    picture_files.import_files(project, [("who.png", lambda: GREEN)], None)
    cat = project.state.classes[0]
    again = Projects(projects.root).open(project.token)
    assert dump(again.state) == dump(project.state)
    assert again.state.classes[0] == cat and cat.shots == [sha(RED), sha(BLUE)] and cat.sentence == "a small cat"
    assert again.picture(sha(RED)).read_bytes() == RED  # as it came, byte by byte
    thumb = np.asarray(Image.open(again.thumb(sha(BLUE))).convert("RGB")).mean(axis=(0, 1))
    assert np.abs(thumb - (20, 20, 200)).max() < 12
    assert [(token, told["name"], told["pictures"]) for token, told in projects.recent()] == [
        (project.token, "My pictures", 2)
    ]


@pytest.mark.parametrize("name", ["cat", " CAT ", "ｃａｔ", "Cat\n"])
def test_a_name_used_twice_is_refused_however_it_is_written(project: Project, name: str) -> None:
    with pytest.raises(BadInput, match="There is a class called"):
        project.add_class(name)
    assert project.state.names == ("cat", "dog")
    with pytest.raises(BadInput, match="already"):
        project.rename_class(project.state.classes[1].id, name)
    project.rename_class(project.state.classes[0].id, "Cat")  # its own name in capitals is fine


def test_names_may_be_emoji_and_of_any_script_but_not_empty(project: Project) -> None:
    family = "👨‍👩‍👧"
    assert project.add_class(family).name == family
    assert project.add_class("ネコ").name == "ネコ"
    assert project.add_class("a\u202eb").name == "a b"  # nothing that turns text round
    for empty in ("", "   ", "\u200b\n"):
        with pytest.raises(BadInput, match="Type a name"):
            project.add_class(empty)


def test_a_picture_is_an_example_once_and_is_named_when_it_comes_again(project: Project) -> None:
    give(project, "cat", RED)
    report = give(project, "cat", RED, BLUE)
    assert report.added == 1 and report.notices == ["“cat 0.png” is here already and was not added twice."]
    report = give(project, "dog", BLUE)
    assert report.added == 0 and report.notices == ["“dog 0.png” is an example of “cat” already."]


def test_moving_and_removing_forgets_no_other_picture_and_leaves_no_file(project: Project) -> None:
    give(project, "cat", RED, BLUE)
    picture_files.import_files(project, [("who.png", lambda: RED), ("new.png", lambda: GREEN)], None)
    cat, dog = project.state.classes
    project.move([sha(BLUE), sha(GREEN)], dog.id)
    assert (cat.shots, dog.shots, project.state.questions) == ([sha(RED)], [sha(BLUE), sha(GREEN)], [sha(RED)])
    project.remove([sha(RED)])
    assert project.picture(sha(RED)).exists()  # it is still a question
    project.remove([sha(RED)], questions=True)
    assert set(project.state.pictures) == {sha(BLUE), sha(GREEN)}
    project.remove_class(dog.id)
    assert project.picture(sha(RED)).exists()  # what was removed can be brought back
    for removal in list(project.state.removals):
        project.forget(removal.id)
    assert not project.picture(sha(RED)).exists() and not project.thumb(sha(RED)).exists()
    assert not list((project.folder / "pictures").iterdir())
    with pytest.raises(BadInput, match="not there any more"):
        project.move([sha(BLUE)], dog.id)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"only text " * 30, "no picture"),
        (pictures.plain()[:60], "damaged"),
        (pictures.huge(), "too many pixels"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
    ],
    ids=["empty", "text", "cut off", "200 megapixels", "HEIC"],
)
def test_what_cannot_be_read_is_named_with_the_reason_and_the_others_come_in(
    project: Project, data: bytes, said: str
) -> None:
    report = give(project, "cat", RED, data, BLUE)
    assert report.added == 2 and len(report.problems) == 1
    assert report.problems[0].startswith("“cat 1.png”: ") and said in report.problems[0]
    assert project.state.classes[0].shots == [sha(RED), sha(BLUE)]


def test_odd_pictures_come_in_as_a_person_would_see_them(project: Project) -> None:
    odd = {"cmyk": pictures.cmyk(), "deep": pictures.deep(), "gif": pictures.moving(), "turned": pictures.sideways()}
    report = give(project, "cat", *odd.values())
    assert report.added == 4 and not report.problems
    assert report.notices == [
        "“cat 0.png” shows nothing but one even colour.",
        "“cat 2.png” moves: its first picture is taken.",
        "“cat 2.png” shows nothing but one even colour.",
    ]
    seen = {name: np.asarray(Image.open(project.thumb(sha(data))).convert("RGB")) for name, data in odd.items()}
    red, green, _ = seen["cmyk"].mean(axis=(0, 1))
    assert red > 180 and green < 90  # not inverted
    assert seen["deep"][:, 4].mean() < 30 and seen["deep"][:, -4].mean() > 220  # not cut off at 255
    assert seen["gif"].mean(axis=(0, 1))[0] > 230
    assert seen["turned"].shape[0] > seen["turned"].shape[1] and seen["turned"][5].mean(axis=0)[0] > 230


def test_a_zip_of_folders_makes_its_classes_and_says_what_it_left_out(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    files = {"Cat/1.png": RED, "bird/1.png": GREEN, "notes.txt": b"hello", "loose.png": BLUE, "__MACOSX/x": b""}
    path.write_bytes(pictures.zipped(files))
    report = picture_files.import_folders(project, path)
    assert project.state.names == ("cat", "dog", "bird") and report.added == 2
    assert any("1 picture in no folder" in notice for notice in report.notices)
    assert any("notes.txt" in notice for notice in report.notices)
    path.write_bytes(pictures.zipped({"a.png": RED}))
    with pytest.raises(BadInput, match="no folders"):
        picture_files.import_folders(project, path)


def test_a_saved_project_opens_as_the_same_one_elsewhere(project: Project, tmp_path: Path) -> None:
    give(project, "cat", RED)
    picture_files.import_files(project, [("who.png", lambda: GREEN)], None)
    with project.change() as state:
        state.name, state.head = "Zoo 🐘", "gda"
    saved = project_archive.save(project)
    opened, report = project_archive.open_file(Projects(tmp_path / "other"), io.BytesIO(saved.read_bytes()))
    saved.unlink()
    assert dump(opened.state) == dump(project.state) and report.added == 2 and not report.problems
    assert opened.picture(sha(GREEN)).read_bytes() == GREEN and opened.token != project.token


def description(**changes: object) -> bytes:
    told = {
        "format": "fourfold-pictures", "version": 1, "name": "x", "card": "", "head": "", "templates": "photo",
        "words": True, "reject": True, "classes": [], "questions": [], "pictures": {}, "fine": [], "created": 0,
    }  # fmt: skip
    return json.dumps({**told, **changes}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"no zip at all",
        pictures.zipped({"hello.txt": b"x"}),
        pictures.zipped({"project.json": b"{"}),
        pictures.zipped({"project.json": b"[" * 100_000}),
        pictures.zipped({"project.json": description(format="other")}),
        pictures.zipped({"project.json": description(version=9)}),
        pictures.zipped({"project.json": description(pictures={"../../etc/passwd": {"name": "a", "bytes": 1}})}),
        pictures.zipped({"project.json": description(classes=[{"name": "a"}])}),
        pictures.zipped({"project.json": description(classes=7)}),
        pictures.zipped({"project.json": description(created="when?")}),
    ],
)
def test_a_hostile_project_file_is_a_sentence_and_leaves_nothing(projects: Projects, data: bytes) -> None:
    with pytest.raises(UserError) as caught:
        project_archive.open_file(projects, io.BytesIO(data))
    assert caught.value.sentence.endswith(".") and "Traceback" not in caught.value.sentence
    assert not projects.recent()


def test_a_project_file_is_believed_only_as_far_as_its_bytes(projects: Projects) -> None:
    """Pictures that are not what they say, are missing or are no pictures stay out; the rest opens."""
    told = {sha(RED): {"name": "../a\n.png", "bytes": 1}, "0" * 64: {"name": "gone.png", "bytes": 1}}
    shots = [sha(RED), "0" * 64, sha(RED)]
    classes = [{"id": "x", "name": "a", "sentence": "", "shots": shots}, {"name": "b", "sentence": "", "shots": shots}]
    data = pictures.zipped(
        {"project.json": description(pictures=told, classes=classes), "../evil.png": BLUE, "pictures/whatever": RED}
    )
    opened, report = project_archive.open_file(projects, io.BytesIO(data))
    assert [each.shots for each in opened.state.classes] == [[sha(RED)], []]
    assert report.problems == ["1 of its pictures are not in the file and were left out."]
    assert "\n" not in opened.state.title(sha(RED)) and not (projects.root.parent / "evil.png").exists()
    assert opened.state.pictures[sha(RED)].bytes == len(RED)


def test_addresses_that_are_no_tokens_open_nothing(projects: Projects, project: Project) -> None:
    for token in ("", "..", "../" + project.token, "x" * 22, project.token + "/"):
        with pytest.raises(NoSuchProject):
            projects.open(token)
    with pytest.raises(BadInput):
        project.picture("../project.json")
    projects.delete(project.token)
    assert not project.folder.exists()


def test_a_full_project_takes_no_more(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    give(project, "cat", RED)
    monkeypatch.setattr(picture_project, "MAX_PICTURES", 1)
    report = give(project, "dog", BLUE)
    assert report.added == 0 and "at most 1 pictures" in report.problems[0]
    monkeypatch.setattr(picture_project, "MAX_CLASSES", 2)
    with pytest.raises(TooLarge):
        project.add_class("one more")


def test_ids_of_classes_stay_the_same_so_that_open_pages_know_them(project: Project) -> None:
    told = dump(project.state)
    assert [each.id for each in parse(told).classes] == [each.id for each in project.state.classes]
    told["classes"][1]["id"] = told["classes"][0]["id"]
    ids = [each.id for each in parse(told).classes]
    assert len(set(ids)) == 2
