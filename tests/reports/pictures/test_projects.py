"""Two windows, two studios, reloads and removals: nothing that somebody did to a picture project is lost unsaid."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from backends.core.errors import BadInput, TooLarge
from studio.pictures import files, project_archive, removals
from studio.pictures.project import Project
from studio.pictures.project_folder import NoSuchProject
from studio.pictures.projects import Projects
from studio.pictures.schema import dump, parse
from tests.support import pictures

RED, BLUE, GREEN = (pictures.plain(colour) for colour in ((200, 20, 20), (20, 20, 200), (20, 180, 20)))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Projects(tmp_path / "projects").create()
    cat = made.add_class("kat", "small")
    files.import_files(made, [("a.png", lambda: RED), ("b.png", lambda: BLUE)], cat.id)
    made.add_class("dog")
    return made


def other_studio(project: Project) -> Project:
    """The same project as another studio on the same home has it open."""
    return Projects(project.folder.parent).open(project.token)


def test_two_studios_on_one_home_keep_each_others_classes(project: Project) -> None:
    theirs = other_studio(project)
    theirs.add_class("bird")
    project.add_class("fish")
    theirs.rename_class(theirs.state.classes[0].id, "cat")
    project.refresh()
    assert project.state.names == ("cat", "dog", "bird", "fish")
    assert other_studio(project).state.names == project.state.names


def test_a_rename_in_one_window_survives_a_sentence_in_another(project: Project) -> None:
    kat = project.state.classes[0].id
    project.rename_class(kat, "cat")
    project.set_sentence(kat, "grey")  # by a window that still shows the old name
    assert (project.state.classes[0].name, project.state.classes[0].sentence) == ("cat", "grey")


def test_removed_pictures_and_classes_come_back_as_they_were(project: Project) -> None:
    before = dump(project.state)
    kat = project.state.classes[0]
    project.remove(kat.shots[:1])
    assert removals.sentence(project.state.removals[-1]) == "1 example of “kat” was removed."
    project.undo(project.state.removals[-1].id)
    assert sorted(project.state.classes[0].shots) == sorted(before["classes"][0]["shots"])
    project.remove_class(kat.id)
    assert removals.sentence(project.state.removals[-1]) == "“kat” with 2 examples was removed."
    again = other_studio(project)  # also after a restart
    again.undo(again.state.removals[-1].id)
    assert again.state.names == ("kat", "dog") and len(again.state.classes[0].shots) == 2
    assert all(again.picture(sha).is_file() and again.thumb(sha).is_file() for sha in again.state.pictures)


def test_what_is_brought_back_gives_way_to_what_happened_meanwhile(project: Project) -> None:
    kat = project.state.classes[0]
    project.remove_class(kat.id)
    files.import_files(project, [("a.png", lambda: RED)], project.state.classes[0].id)  # now a dog
    project.add_class("Kat")
    project.undo(project.state.removals[-1].id)
    assert project.state.names == ("kat (2)", "dog", "Kat")
    assert [len(each.shots) for each in project.state.classes] == [1, 1, 0]


def test_a_removal_that_is_final_leaves_no_file_and_old_ones_go(project: Project) -> None:
    shot = project.state.classes[0].shots[0]
    project.remove([shot])
    first = project.state.removals[-1].id
    for number in range(10):
        project.remove_class(project.add_class(f"class {number}").id)
    assert not project.picture(shot).exists() and len(project.state.removals) == 10
    with pytest.raises(BadInput, match="cannot be brought back"):
        project.undo(first)


def test_a_saved_project_holds_nothing_that_was_removed(project: Project) -> None:
    project.remove(project.state.classes[0].shots[:1])
    with zipfile.ZipFile(project_archive.save(project)) as bundle:
        assert bundle.namelist() == ["project.json", "pictures/kat/b.png"]
        assert "removals" not in json.loads(bundle.read("project.json"))


def test_a_deleted_project_comes_back(project: Project) -> None:
    projects = Projects(project.folder.parent)
    projects.delete(project.token)
    assert not projects.recent() and [token for token, _ in projects.deleted()] == [project.token]
    with pytest.raises(NoSuchProject):
        project.add_class("too late")
    assert projects.restore(project.token).state.names == ("kat", "dog")
    projects.delete(project.token)
    projects.purge(project.token)
    assert not projects.deleted()


def test_files_for_a_class_that_was_removed_meanwhile_are_named(project: Project) -> None:
    dog = project.state.classes[1].id
    other_studio(project).remove_class(dog)
    report = files.import_files(project, [("new.png", lambda: GREEN)], dog)
    assert report.added == 0 and "“new.png” could not be added" in report.problems[0]


def test_an_import_that_a_reload_ends_keeps_what_came_in_and_says_so(project: Project) -> None:
    def reload(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    dog = project.state.classes[1].id
    listed = [(f"{n}.png", lambda n=n: pictures.plain((n, 99, n))) for n in range(5)]
    with pytest.raises(KeyboardInterrupt):
        files.import_files(project, listed, dog, reload)
    assert len(project.state.classes[1].shots) == 2 and "2 of 5 were added" in project.interruption
    assert len(list((project.folder / "pictures").iterdir())) == 4  # no file without an entry


def test_a_saved_project_that_was_unpacked_and_packed_again_opens(project: Project, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(project_archive.save(project)) as saved, zipfile.ZipFile(packed, "w") as bundle:
        bundle.writestr("__MACOSX/My pictures/._project.json", b"\0")
        for name in saved.namelist():
            bundle.writestr(f"My pictures/{name}", saved.read(name))
    packed.seek(0)
    opened, report = project_archive.open_file(Projects(tmp_path / "elsewhere"), packed)
    assert dump(opened.state) == dump(project.state) and not report.problems


def test_saved_pictures_open_by_their_names(project: Project, tmp_path: Path) -> None:
    project.rename_class(project.state.classes[0].id, "cats: my/own?")
    with zipfile.ZipFile(project_archive.save(project)) as bundle:
        bundle.extractall(tmp_path / "out")
    assert [Image.open(path).format for path in sorted((tmp_path / "out").rglob("*.png"))] == ["PNG", "PNG"]


@pytest.mark.parametrize(("version", "said"), [(99, "newer Fourfold"), (0, "damaged"), (None, "damaged")])
def test_the_version_of_a_project_is_called_what_it_is(project: Project, version: int | None, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse({**dump(project.state), "version": version})


def test_a_zip_of_class_folders_among_the_saved_projects_is_sent_to_its_place(tmp_path: Path) -> None:
    data = io.BytesIO(pictures.zipped({"cat/a.png": RED, "dog/b.png": BLUE}))
    with pytest.raises(BadInput, match="Folders at once"):
        project_archive.open_file(Projects(tmp_path), data)


def test_long_sentences_are_refused_and_not_cut(project: Project) -> None:
    with pytest.raises(TooLarge, match="longer than 300 letters"):
        project.set_sentence(project.state.classes[0].id, "x" * 301)
    assert project.state.classes[0].sentence == "small"
