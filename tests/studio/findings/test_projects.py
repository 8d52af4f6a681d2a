"""Picture projects outside their page: side by side by their last answers, and in a bundle to another machine."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from backends.core.errors import UserError
from studio import services
from studio.findings import shelves
from studio.findings.bundle import pack
from studio.findings.bundle_import import read_bundle
from studio.library.findings import Evidence
from studio.pictures import files, last_answers
from studio.pictures.project import Project
from studio.pictures.schema import ProjectState
from studio.pictures.task import projects
from tests.support.findings import fold, sorted_zip
from tests.support.pages import fresh_services, studio_app, words_of
from tests.support.pictures import shade
from tests.support.two_helices import structure


@pytest.fixture(autouse=True)
def own_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    with fresh_services(wait=False):
        yield


def project(name: str, model: str, *answered: str) -> Project:
    """A project with two questions and what was last answered to them."""
    made = projects().create(ProjectState(name=name))
    made.add_class("red")
    files.import_files(made, [("red.png", lambda: shade("red", 1)), ("blue.png", lambda: shade("blue", 1))], None)
    answers = {sha: [one, 0.75, one == ""] for sha, one in zip(sorted(made.state.questions), answered, strict=True)}
    written = {"model": model, "head": "Nearest", "examples": 4, "classes": ["red", "blue"], "answers": answers}
    (made.folder / last_answers.FILE).write_text(json.dumps(written), "utf-8")
    return made


def compared(*ids: str) -> AppTest:
    shelves.sync()
    app = studio_app().run().switch_page("pages/findings.py")
    app.query_params["compare"] = ",".join(ids)
    app.run()
    assert not app.exception
    return app


@pytest.mark.slow
def test_projects_are_compared_by_their_answers_to_the_same_pictures() -> None:
    one, other = project("one", "CLIP", "red", "blue"), project("other", "Lite0", "red", "")
    app = compared(one.token, other.token)
    assert "All agree on **1 of 2 pictures**" in words_of(app)
    how, table = (frame.value for frame in app.dataframe)
    assert how.values.tolist() == [["model", "CLIP", "Lite0"]]
    assert table[["A answer", "B answer"]].values.tolist() == [["blue", "none of these"]]
    (other.folder / last_answers.FILE).unlink()
    assert "open it once" in "".join(error.value for error in compared(one.token, other.token).error)


def test_a_project_goes_to_another_machine_under_its_own_name_and_never_doubles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = project("Pets", "CLIP", "red", "blue")
    finding = services.findings().create("T", evidence=[Evidence("fewshot", made.token, {"answers": []})])
    whole = pack([finding], [], True, tmp_path / "whole.fourfold")
    assert read_bundle(pack([finding], [], False, tmp_path / "small.fourfold")).projects == 0
    assert read_bundle(whole).projects == 0  # it is here
    services.stop()
    monkeypatch.setenv("FOURFOLD_HOME", str(tmp_path / "other"))
    assert read_bundle(whole).projects == 1 and read_bundle(whole).projects == 0
    there = projects().open(made.token)
    assert there.state.name == "Pets" and there.state.questions == made.state.questions
    assert all(there.thumb(sha).is_file() for sha in there.state.questions)
    projects().delete(made.token)
    assert read_bundle(whole).projects == 0  # it lies in the bin, from where it can be brought back


def test_a_bundle_with_a_false_project_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    made = project("Pets", "CLIP", "red", "blue")
    finding = services.findings().create("T", evidence=[Evidence("fewshot", made.token)])
    packed = pack([finding], [], True, tmp_path / "whole.fourfold")
    services.findings().delete(finding.id)
    projects().delete(made.token)
    projects().purge(made.token)
    with zipfile.ZipFile(packed) as bundle:
        contents = json.loads(bundle.read("bundle.json"))
    (name,) = contents["files"]
    false = b"PK no zip"
    contents["files"][name] = {"bytes": len(false), "sha256": hashlib.sha256(false).hexdigest()}
    with zipfile.ZipFile(packed, "w") as bundle:
        bundle.writestr("bundle.json", json.dumps(contents))
        bundle.writestr(name, false)
    with pytest.raises(UserError, match="not a saved picture project"):
        read_bundle(packed)
    assert projects().recent() == [] and services.findings().total() == 0


def test_folds_are_laid_on_each_other_with_their_likeness() -> None:
    first, second = fold(structure()), fold(structure())
    app = compared(first.id, second.id)
    (table,) = (frame.value for frame in app.dataframe if "tm" in frame.value)
    assert table["tm"].tolist() == [1.0] and table["rmsd"].tolist() == [0.0]
    assert "TM-score and lDDT" in words_of(app) and not app.error


def test_sorted_zips_are_compared_by_file_name() -> None:
    rows = [("a.png", "red", 0.9, ""), ("b.png", "blue", 0.6, "")]
    first, second = sorted_zip("one", rows), sorted_zip("other", [rows[0], ("b.png", "blue", 0.3, "yes")])
    app = compared(first.id, second.id)
    assert "All agree on **1 of 2 pictures**" in words_of(app)
    table = next(frame.value for frame in app.dataframe if "picture" in frame.value)
    assert table[["A answer", "B answer"]].values.tolist() == [["blue", "none of these"]]
