"""The pictures page as Streamlit runs it, against a real backend with the built-in model and very small pictures."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from backends.core.errors import UserError
from studio import services
from studio.library.library import Run
from studio.pictures import (
    export,
    image_tiles,
    live_answers,
    network_offer,
    program_panel,
    reliability_panel,
    sorted_addresses,
    sorted_run,
)
from studio.pictures import files as picture_files
from studio.pictures.inference_client import FAULT
from studio.pictures.project import Project
from studio.pictures.task import feature_loaders, projects
from studio.ui import formatting
from studio.web.responses import NotReady
from tests.support import pictures
from tests.support.pages import click, finished, grids, open_project, view, words_of
from tests.support.pictures import COLOURS, shade
from tests.support.waiting import wait_for


@pytest.fixture
def project(app: AppTest) -> Project:
    """Three classes with four examples each, and two questions."""
    made = projects().create()
    with made.change():
        made.state.card = "prototypes"
    for kind in COLOURS:
        files = [(f"{kind} {n}.png", lambda kind=kind, n=n: shade(kind, n)) for n in range(4)]
        picture_files.import_files(made, files, made.add_class(kind, f"something {kind}").id)
    picture_files.import_files(
        made, [(f"who {kind}.png", lambda kind=kind: shade(kind, 9)) for kind in ("blue", "red")], None
    )
    return made


def looked(app: AppTest, project: Project) -> AppTest:
    """The page once the model has looked at everything."""

    def done() -> bool:
        card = image_tiles.card_of(services.backend().info().tasks["fewshot"], project.state.card)
        loader = feature_loaders().get(project, card)
        assert not loader.state.sentence, loader.state.sentence
        return not any(loader.missing()) and not loader.state.running

    wait_for(done, 60)
    app.run()
    assert not app.exception
    return app


def fitted(app: AppTest, project: Project) -> AppTest:
    return looked(open_project(app, project), project)


def opened(app: AppTest) -> Project:
    """The project at the page's address."""
    token = app.query_params["project"]
    return projects().open(token if isinstance(token, str) else token[0])


def test_the_way_in_says_what_it_is_and_offers_the_sample_and_old_projects(app: AppTest, project: Project) -> None:
    app.run().switch_page("pages/pictures.py").run()
    assert not app.exception and app.title[0].value == "Teach with pictures"
    assert {"Start a project", "Try the sample pictures"} <= {button.label for button in app.button}
    assert "go to a GPU machine and nowhere else" in words_of(app) and "3 classes, 12 examples" in words_of(app)


@pytest.mark.slow
def test_a_new_project_leads_step_by_step_to_an_answer(app: AppTest) -> None:
    app.run().switch_page("pages/pictures.py").run()
    click(app, "Start a project")
    project = opened(app)
    app.radio(key=f"model-{project.token}").set_value("prototypes").run()
    assert "at least two classes" in words_of(app) and "drop it here" in words_of(app)
    for name in ("red", "blue"):
        next(box for box in app.text_input if box.label == "New class").set_value(name)
        click(app, "Add class")
    assert project.state.names == ("red", "blue")
    assert "Give at least two classes a picture each" in words_of(app)
    next(box for box in app.text_input if box.label == "New class").set_value("RED")
    click(app, "Add class")
    assert "There is a class called “RED” already" in words_of(app)
    for kind, each in zip(("red", "blue"), project.state.classes, strict=True):
        picture_files.import_files(project, [(f"{kind}.png", lambda kind=kind: shade(kind, 1))], each.id)
    picture_files.import_files(project, [("who.png", lambda: shade("blue", 7))], None)
    looked(app.run(), project)
    assert r"who.png\: blue, 7" in words_of(app)
    assert "only ones of their class and cannot be left out" in words_of(app)  # one example each: nothing is claimed


@pytest.mark.slow
def test_a_new_project_knows_words_from_the_start_so_that_names_are_enough(app: AppTest) -> None:
    project = projects().create()
    for name in ("red circle", "blue square"):
        project.add_class(name, "")
    for place, (sides, colour) in {"who.png": (4, "#1f4fd8"), "what.png": (60, "#d42020")}.items():
        drawn = Image.new("RGB", (64, 64), "white")
        ImageDraw.Draw(drawn).regular_polygon((32, 32, 22), sides, fill=colour)
        picture_files.import_files(project, [(place, lambda drawn=drawn: pictures.encoded(drawn))], None)
    looked(open_project(app, project), project)
    assert "Comes with Fourfold: sees by EfficientNet-Lite0, and knows" in words_of(app)
    assert r"who.png\: blue square" in words_of(app) and r"what.png\: red circle" in words_of(app)


@pytest.mark.slow
def test_the_answers_come_with_bars_an_honest_score_and_what_is_not_understood(app: AppTest, project: Project) -> None:
    fitted(app, project)
    shown = words_of(app)
    assert "**12 of 12** examples are recognised by a classifier that never saw them" in shown
    assert ":green-badge[good]" in shown
    [score] = [each for each in app.markdown if "examples are recognised" in each.value]
    assert "between 74 and 100 %" in score.help and "interval" not in shown  # Clopper and Pearson's, of 12 of 12
    assert "does not understand words: the sentences are kept" in shown
    answers = grids(app)["Questions and answers"]["tiles"]
    assert [tile["title"] for tile in answers] == ["who blue.png", "who red.png"]
    assert [tile["bars"][0]["label"] for tile in answers] == ["blue", "red"]
    assert all(abs(sum(bar["share"] for bar in tile["bars"]) - 1) < 1e-6 for tile in answers)
    assert all(tile["source"].startswith(f"/projects/{project.token}/thumbs/") for tile in answers)


@pytest.mark.slow
def test_an_example_more_is_looked_at_and_counts_and_an_unasked_one_is_not_sent_again(
    app: AppTest, project: Project
) -> None:
    fitted(app, project)
    red = project.state.classes[0]
    picture_files.import_files(project, [("more.png", lambda: shade("red", 7))], red.id)
    looked(app.run(), project)
    assert "**13 of 13**" in words_of(app) and "5 examples" in words_of(app)
    batches = list((project.folder / "features").glob("*/*.npz"))
    counts = sorted(len(np.load(path)["sha256"]) for path in batches)
    assert counts == [1, 14]  # each picture once


@pytest.mark.slow
def test_why_shows_the_nearest_examples_and_the_map_of_the_answer(app: AppTest, project: Project) -> None:
    fitted(app, project)
    near = grids(app)["The nearest examples"]["tiles"]
    assert [tile["badge"] for tile in near[:4]] == ["blue"] * 4
    assert near[0]["note"] == "counts much" and "% alike" in near[0]["hover"]
    # The answer stands beside its reason, above the other questions.
    assert [tile["title"] for tile in grids(app)["The answer"]["tiles"]] == ["who blue.png"]
    assert [tile["badge"] for tile in grids(app)["It looks like"]["tiles"]] == ["blue"] * 3
    shown = words_of(app)
    assert "**Why:** 4 of the 5 examples that look most like it are “blue”." in shown
    assert "interval" not in shown and "% alike" not in shown
    assert "Only pictures have a vote" in words_of(app)
    rival = next(box for box in app.selectbox if box.label == "and not")
    rival.set_value(project.state.names.index("green")).run()
    assert not app.exception and "Between the two the pictures speak for blue" in words_of(app)


@pytest.mark.slow
def test_mixups_open_the_pictures_and_a_label_can_be_put_right(app: AppTest, project: Project) -> None:
    blue, red = project.state.classes[2], project.state.classes[0]
    wrong = blue.shots[0]
    project.move([wrong], red.id)
    view(fitted(app, project), "Mix-ups")
    assert "the most frequent mix-up: 1 of red taken for blue" in words_of(app)
    assert "1 example of “red” taken for “blue”" in words_of(app)
    tiles = grids(app)["Pictures of this cell"]["tiles"]
    assert [tile["id"] for tile in tiles] == [wrong]


@pytest.mark.slow
def test_the_map_names_the_closest_classes_and_holds_every_picture(app: AppTest, project: Project) -> None:
    view(fitted(app, project), "Map")
    assert "Map of 14 pictures" in words_of(app) and "closest classes" in words_of(app)
    chart = json.loads(app.get("plotly_chart")[-1].proto.spec)
    ids = {one for trace in chart["data"] for one in trace["customdata"]}
    assert ids == set(project.state.pictures) and len(chart["layout"]["images"]) == 14


@pytest.mark.slow
def test_what_was_removed_earlier_comes_back_from_the_bin(app: AppTest, project: Project) -> None:
    red, green = project.state.classes[:2]
    for sha in (red.shots[0], green.shots[0], green.shots[1]):
        project.remove([sha])
    first, second, last = project.state.removals
    lost = next(iter(first.pictures))
    open_project(app, project)
    offered = [button.key for button in app.button if (button.key or "").startswith("undo-")]
    assert offered == [f"undo-{last.id}", f"undo-{second.id}", f"undo-{first.id}"]  # the last one, then the bin
    next(button for button in app.button if button.key == f"undo-{first.id}").click().run()
    assert not app.exception and lost in project.state.classes[0].shots
    assert [one.id for one in project.state.removals] == [second.id, last.id]


@pytest.mark.slow
def test_downloads_lie_behind_the_same_button_as_on_other_pages(app: AppTest, project: Project) -> None:
    fitted(app, project)
    app.session_state[f"downloads-{project.token}"] = True  # the menu is open
    app.run()
    assert not app.exception
    kept = [element.proto for element in app.get("link_button")]
    assert any(one.label.startswith("The whole project") and project.token in one.url for one in kept)
    offered = [element.proto.label for element in app.get("download_button")]
    assert offered == ["The classifier (ZIP)", "The card (Markdown)", "The answers (CSV)"]


@pytest.mark.slow
def test_what_is_taken_away_runs_without_fourfold(app: AppTest, project: Project, tmp_path: Any) -> None:
    import subprocess
    import sys

    view(fitted(app, project), "Take it away")
    assert "What it tells apart" in words_of(app) and "12 of 12" in words_of(app)
    card = next(c for c in services.backend().info().tasks["fewshot"].cards if c.id == "prototypes")
    loader = feature_loaders().get(project, card)
    made = loader.fitted[1]  # type: ignore[attr-defined]
    with zipfile.ZipFile(io.BytesIO(export.package(made, "# card"))) as bundle:
        assert sorted(bundle.namelist()) == ["README.md", "classify.py", "head.npz"]
        bundle.extractall(tmp_path)
    np.savez(tmp_path / "features.npz", images=loader.store.matrix(made.questions), names=["a", "b"])
    done = subprocess.run(
        [sys.executable, "classify.py", "head.npz", "features.npz"], cwd=tmp_path, capture_output=True, check=True
    )
    told = pd.read_csv(io.BytesIO(done.stdout))
    ours = pd.read_csv(io.StringIO(export.answers_table(project, made)))
    assert list(told.columns) == list(ours.columns) == ["file", "class", "probability", "abstained", *COLOURS]
    assert list(told["class"]) == list(ours["class"]) == ["blue", "red"]
    assert np.allclose(told["probability"], ours["probability"], atol=1e-5)


@pytest.mark.slow
def test_a_program_is_made_with_the_network_in_it_and_answers_picture_files(
    app: AppTest, project: Project, tmp_path: Any
) -> None:
    import subprocess
    import sys

    view(fitted(app, project), "Take it away")
    assert "this one has none" in words_of(app)  # of what looks by colour and texture
    with project.change() as state:
        state.card = "efficientnet-lite0"
    view(fitted(app, project), "Take it away")
    click(app, "A program that takes pictures (ZIP)")
    network = network_offer.fetch_network("efficientnet-lite0", project.token)
    wait_for(lambda: "Writing the network" not in words_of(app.run()), 60)
    assert not app.exception and not app.error
    card = next(c for c in services.backend().info().tasks["fewshot"].cards if c.id == "efficientnet-lite0")
    made = feature_loaders().get(project, card).fitted[1]  # type: ignore[attr-defined]
    with zipfile.ZipFile(io.BytesIO(program_panel.program(made, network, "# card"))) as bundle:
        bundle.extractall(tmp_path)
    (tmp_path / "who.png").write_bytes(shade("red", 9))
    done = subprocess.run([sys.executable, "picture.py", "who.png"], cwd=tmp_path, capture_output=True, check=True)
    told = pd.read_csv(io.BytesIO(done.stdout))
    ours = pd.read_csv(io.StringIO(export.answers_table(project, made)))
    row = ours[ours["file"] == "who red.png"].iloc[0]
    assert told["class"][0] == row["class"] == "red"
    assert abs(told["probability"][0] - row["probability"]) < 1e-3


@pytest.mark.slow
def test_a_picture_of_the_camera_is_answered_as_a_question_is(app: AppTest, project: Project) -> None:
    fitted(app, project)
    found = live_answers.answer(project, shade("red", 9))
    card = next(c for c in services.backend().info().tasks["fewshot"].cards if c.id == "prototypes")
    made = feature_loaders().get(project, card).fitted[1]  # type: ignore[attr-defined]
    row = [project.state.title(sha) for sha in made.questions].index("who red.png")
    assert found["best"] == "red" and found["none"] == bool(made.prediction.abstained[row])
    ids = [each.id for each in project.state.classes]
    assert [found["shares"][one] for one in ids] == pytest.approx(made.prediction.probabilities[row].tolist(), abs=1e-6)
    with pytest.raises(NotReady, match="Make at least two classes"):
        live_answers.answer(projects().create(), shade("red", 9))
    with pytest.raises(UserError, match="no picture that can be read"):
        live_answers.answer(project, b"no picture")


def sort(app: AppTest, project: Project, files: dict[str, bytes]) -> Run:
    """Sort a zip with the project; the page shows the finished run."""
    view(fitted(app, project), "Take it away")
    box = next(box for box in app.file_uploader if box.label == "Zip of pictures")
    box.upload("holiday.zip", pictures.zipped(files)).run()
    click(app, "Sort them")
    return finished(app)


@pytest.mark.slow
def test_many_pictures_are_sorted_as_a_run_with_a_table(app: AppTest, project: Project) -> None:
    run = sort(app, project, {f"{kind} {n}.png": shade(kind, 20 + n) for kind in COLOURS for n in range(3)})
    tiles = grids(app)["Sorted pictures"]["tiles"]
    assert len(tiles) == 9 and all(tile["source"].startswith("data:image/webp") for tile in tiles)
    assert all(tile["badge"].startswith((tile["title"].split()[0], "none of these")) for tile in tiles)
    view(app, "Test set")
    assert "No picture lies in a folder that is called like a class" in words_of(app)
    view(app, "Table")
    assert "**9 pictures**" in words_of(app)
    table = app.dataframe[0].value
    assert all(row["file"].startswith(row["class"]) for _, row in table.iterrows())
    assert run.facts["asked"] == {"project": project.token}
    view(app, "About this run")
    click(app, "Open the project")
    assert not app.exception and "**12 of 12**" in words_of(app)


@pytest.mark.slow
def test_sorted_pictures_are_measured_put_right_taught_and_fetched_as_folders(app: AppTest, project: Project) -> None:
    files = {f"{kind}/{n}.png": shade(kind, 20 + n) for kind in COLOURS for n in range(2)}
    files |= {"red/lost.png": shade("blue", 30), "red/known.png": shade("red", 0), "misc/who.png": shade("green", 31)}
    run = sort(app, project, files)
    view(app, "Test set")
    said = words_of(app)
    assert "**6 of 7** test pictures are recognised." in said and "interval" not in said
    assert any("between 42 and 100 %" in (each.help or "") for each in app.markdown)
    assert "Least often “red”: 2 of 3." in said and "1 of the labelled pictures is an example" in said
    rows = app.dataframe[0].value.set_index("class")
    assert rows.loc["red", "taken for"] in ("blue (1)", "none of these (1)") and rows.loc["green", "right"] == 2

    found = sorted_run.table(run)
    assert found is not None
    answers = {one.name: one.answer for one in sorted_run.sorted_pictures(run, found)}
    sorted_run.correct(run, ["red/lost.png"], "green", answers)
    sorted_run.correct(run, ["green/0.png"], "green", answers)  # it was right: no correction
    assert sorted_run.corrections(run) == {"red/lost.png": "green"}
    view(app, "Pictures, sorted")
    tiles = {tile["id"]: tile for tile in grids(app)["Sorted pictures"]["tiles"]}
    assert tiles["red/lost.png"]["badge"] == "green" and tiles["red/lost.png"]["tone"] == "good"
    box = next(box for box in app.selectbox if box.label == "Show")
    box.set_value("Put right by hand").run()
    assert [tile["id"] for tile in grids(app)["Sorted pictures"]["tiles"]] == ["red/lost.png"]

    routes = sorted_addresses.routes(services.library(), "/base")
    with TestClient(Starlette(routes=routes)) as client:
        answer = client.get(sorted_addresses.folders_url(run.id, "/base"))
        assert client.get("/base/sorted/0123456789abcdef/folders.zip").status_code == 404
    assert "holiday" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        assert bundle.read("green/lost.png") == files["red/lost.png"]  # without the folder of its false label
        assert {"red/0.png", "blue/1.png", "green/misc/who.png"} <= set(bundle.namelist()) and len(
            bundle.namelist()
        ) == 9

    click(app, "Teach with the 1 put right")
    assert not app.exception and "1 example added to “My pictures”" in " ".join(one.value for one in app.success)
    project.refresh()
    green = next(each for each in project.state.classes if each.name == "green")
    assert [project.state.title(sha) for sha in green.shots][-1] == "red/lost.png"


def add(app: AppTest, project: Project, place: int, *files: tuple[str, bytes]) -> AppTest:
    """Give files to a class the way a person does."""
    key = f"add-{project.state.classes[place].id}"
    app.session_state[key] = True
    app.run()
    box = next(box for box in app.file_uploader if box.label == "Pictures, or a zip of them")
    for name, data in files:
        box.upload(name, data)
    app.run()
    assert not app.exception
    return app


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("cut.png", pictures.plain()[:70], "damaged"),
        ("words.jpg", b"only words " * 9, "no picture"),
        ("wide.png", pictures.huge(), "too many pixels"),
        ("bomb.zip", pictures.zipped({"a.png": b"\x89PNG\r\n\x1a\n" + b"\0" * (201 << 20)}), "200 MB"),
        ("empty.zip", pictures.zipped({}), "no picture"),
    ],
    ids=["cut off", "text", "200 megapixels", "bomb", "empty zip"],
)
def test_bad_files_are_sentences_on_the_page(app: AppTest, project: Project, name: str, data: bytes, said: str) -> None:
    open_project(app, project)
    add(app, project, 0, (name, data))
    assert "0 pictures added" in words_of(app)
    assert len(app.error) == 1 and said in app.error[0].value and len(project.state.classes[0].shots) == 4
    click(app, "Understood")
    assert not app.error


@pytest.mark.slow
def test_odd_pictures_and_names_are_taken_as_they_are(app: AppTest, project: Project) -> None:
    open_project(app, project)
    project.rename_class(project.state.classes[0].id, "🍎 *red* <b>")
    odd = [("cmyk.jpg", pictures.cmyk()), ("deep.png", pictures.deep()), ("turned.jpg", pictures.sideways())]
    add(app, project, 0, *odd, ("dance.gif", pictures.moving()), ("again.png", shade("red", 0)))
    assert "4 pictures added" in words_of(app) and r"“dance.gif” moves\: its first picture is taken" in words_of(app)
    assert "was not added twice" in words_of(app)
    looked(app, project)
    assert len(project.state.classes[0].shots) == 8
    assert "Examples of 🍎 *red* <b>" in grids(app)


def test_an_address_that_is_gone_and_a_run_that_is_gone(app: AppTest) -> None:
    app.run().switch_page("pages/pictures.py")
    app.query_params["project"] = "no-such-project-anywhere"
    app.run()
    assert not app.exception and "There is no such project here" in words_of(app)
    app.query_params.clear()
    app.query_params["run"] = "nothing"
    app.run()
    assert not app.exception and "no such run" in words_of(app)


@pytest.mark.slow
def test_near_copies_are_one_picture_of_the_grid_until_all_are_wanted(app: AppTest, project: Project) -> None:
    first = np.asarray(Image.open(io.BytesIO(shade("red", 0))).convert("RGB")).astype(int)
    first[0, :2] = 120
    copies = []
    for place in range(2):  # each another file, by one pixel
        other = first.copy()
        other[0, place] += 1
        copies.append(pictures.encoded(Image.fromarray(other.astype(np.uint8))))
    files = [(f"burst {place}.png", lambda data=data: data) for place, data in enumerate(copies)]
    picture_files.import_files(project, files, project.state.classes[0].id)
    fitted(app, project)
    tiles = grids(app)["Examples of red"]["tiles"]
    assert [tile["title"] for tile in tiles] == [f"red {n}.png" for n in range(4)]
    assert [tile["badge"] for tile in tiles] == ["3 alike", "", "", ""]
    next(one for one in app.toggle if one.label == "Show 2 near copies").set_value(True).run()
    tiles = grids(app)["Examples of red"]["tiles"]
    assert [tile["title"] for tile in tiles][-2:] == ["burst 0.png", "burst 1.png"] and len(tiles) == 6


def test_many_classes_are_found_by_name_and_sorted_as_readers_do(app: AppTest) -> None:
    made = projects().create()
    for number in (10, 2, 1, 3, 4, 5, 12, 11):
        made.add_class(f"Kind {number}")
    open_project(app, made)
    next(one for one in app.text_input if one.label == "Find a class").set_value("kind 1").run()
    assert [one.value for one in app.text_input if one.label == "Name"] == ["Kind 10", "Kind 1", "Kind 12", "Kind 11"]
    next(one for one in app.text_input if one.label == "Find a class").set_value("zebra").run()
    assert "No class is called like that." in words_of(app)
    click(app, "Sort")
    assert [name.split()[1] for name in made.state.names] == ["1", "2", "3", "4", "5", "10", "11", "12"]


def test_a_new_project_has_a_name_of_its_own_and_the_list_shows_pictures(app: AppTest, project: Project) -> None:
    app.run().switch_page("pages/pictures.py").run()
    shown = "".join(str(one.proto.body) for one in app.get("html"))
    assert all(f"/projects/{project.token}/thumbs/{each.shots[0]}" in shown for each in project.state.classes)
    click(app, "Start a project")
    assert opened(app).state.name == "My pictures 2" and project.state.name == "My pictures"


def test_a_thousand_pictures_are_shown_a_page_at_a_time(app: AppTest, project: Project) -> None:
    from studio.pictures.schema import Picture

    with project.change() as state:
        for number in range(1000):
            sha = f"{number:064x}"
            state.pictures[sha] = Picture(f"{number}.png", 100)
            state.classes[0].shots.append(sha)
    open_project(app, project)
    told = grids(app)["Examples of red"]
    assert len(told["tiles"]) == 12 and "1 to 12 of 1,004" in words_of(app)
    assert len(json.dumps(told)) < 20_000


@pytest.mark.slow
def test_advice_names_what_is_mistaken_and_a_flag_is_mended_with_one_click(app: AppTest, project: Project) -> None:
    red, green, blue = project.state.classes
    wrong = blue.shots[0]
    project.move([wrong], red.id)
    twin = pictures.encoded(Image.open(io.BytesIO(shade("green", 0))), "BMP")  # the same pixels in another file
    picture_files.import_files(project, [("twin.bmp", lambda: twin)], green.id)
    view(fitted(app, project), "How far to trust it")
    shown = words_of(app)
    assert "is mistaken for “blue”" in shown and re.search("It is (about as sure|surer|too modest)", shown)
    assert "On average" not in shown and any("On average" in (each.help or "") for each in app.caption)
    assert "“blue 0.png” is filed under “red” but looks like “blue”" in shown
    assert "“green 0.png” and “twin.bmp” are nearly the same picture" in shown
    click(app, "It is fine")  # the first flag is the mislabelled one
    assert "is filed under" not in words_of(app) and wrong in red.shots
    with project.change() as state:
        state.dismissed_flags.clear()
    app.run()
    click(app, "Move to “blue”")
    assert wrong in blue.shots and wrong not in red.shots
    click(app, "Keep one")
    assert len(green.shots) == 4 and "nearly the same picture" not in words_of(app)


@pytest.mark.slow
def test_the_learning_curve_comes_by_itself(app: AppTest, project: Project) -> None:
    view(fitted(app, project), "How far to trust it")
    wait_for(lambda: "With 1 of each class" in words_of(app.run()), 60)


@pytest.mark.slow
def test_what_cannot_be_worked_out_is_said_once_and_can_be_tried_again(
    app: AppTest, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = reliability_panel.learning_curve
    monkeypatch.setattr(reliability_panel, "learning_curve", lambda *_: 1 / 0)
    view(fitted(app, project), "How far to trust it")
    wait_for(lambda: any(button.label == "Try again" for button in app.run().button), 20)
    assert formatting.escape(FAULT) in words_of(app) and "What to do next" in words_of(app)
    monkeypatch.setattr(reliability_panel, "learning_curve", whole)
    click(app, "Try again")
    wait_for(lambda: "Teaching and testing" not in words_of(app.run()), 30)
    assert formatting.escape(FAULT) not in words_of(app)


@pytest.mark.slow
def test_where_it_looks_is_asked_of_the_server_and_drawn(app: AppTest, project: Project) -> None:
    fitted(app, project)
    click(app, "Show where it looks")
    wait_for(lambda: "speaks loudest for the answer" in words_of(app.run()), 60)
    assert "Method: how far the score falls when a part is covered" in words_of(app) and not app.exception


@pytest.mark.slow
def test_without_its_weights_a_flamingo_is_an_explained_state_with_the_prompt_it_would_read(
    app: AppTest, project: Project
) -> None:
    view(fitted(app, project), "As a conversation")
    app.radio(key=f"flamingo-{project.token}").set_value("idefics-9b").run()
    assert "The weights are not on this machine" in words_of(app) and "What it would be shown" in words_of(app)
    said = [block for message in app.chat_message for block in message.markdown]
    assert [text.value for text in said].count("What is in this picture?") == 9  # eight examples and the question
    assert said[-3].value == "blue" and said[-1].value == "*its answer comes here*"  # the most alike one comes last


@pytest.mark.slow
def test_a_fresh_machine_has_a_flamingo_that_answers_at_once_and_tells_its_limits(
    app: AppTest, project: Project
) -> None:
    view(fitted(app, project), "As a conversation")
    assert "The weights are not on this machine" not in words_of(app) and "drawn shapes" in words_of(app)
    click(app, "Ask the Flamingo")
    wait_for(lambda: "The Flamingo**" in words_of(app.run()), 60)
    assert not app.exception and "**The classifier**" in words_of(app)
    assert app.chat_message[-1].markdown[-1].value.strip("*") in COLOURS


@pytest.mark.slow
def test_none_of_these_can_be_switched_off_and_heads_have_plain_names(app: AppTest, project: Project) -> None:
    odd = pictures.encoded(Image.effect_noise((64, 64), 120))
    picture_files.import_files(project, [("odd.png", lambda: odd)], None)
    fitted(app, project)
    tile = grids(app)["Questions and answers"]["tiles"][0]
    assert (tile["title"], tile["verdict"], tile["tone"]) == ("odd.png", "none of these", "warn")
    assert "is less like its examples than they are like each other" in words_of(app)
    next(one for one in app.toggle if "none of these" in one.label).set_value(False).run()
    assert grids(app)["Questions and answers"]["tiles"][0]["verdict"] in COLOURS and not project.state.reject
    head = next(box for box in app.selectbox if box.label == "What decides")
    assert "What suits the examples" in head.options and "Words alone" not in head.options
    head.set_value("nearest").run()
    assert not app.exception and project.state.head == "nearest" and "12 of 12" in words_of(app)
