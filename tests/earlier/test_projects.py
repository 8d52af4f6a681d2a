"""Picture projects, classifiers and cached features of version 0.1.0 open and answer as they did."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backends.fewshot.classifier import Classifier
from backends.fewshot.feature_cache import FeatureCache
from studio.library.library import Library
from studio.pictures.task import projects
from tests.support.earlier import EARLIER, PROJECTS, RUNS, open_page, text_of
from tests.support.waiting import wait_for

COPIES = "nearly the same as"
"""Its pictures are near copies of each other, which counted as different ones in version 0.1.0: the answers are the
same, how sure they are is not."""
RENEWED = "looked at anew"
STILL = "The answers come once"
REPLACED = {"clip-starter"}
"""Models whose weights are other ones today: their features are worked out again, and that is said."""


@pytest.mark.slow
@pytest.mark.parametrize("weights", list(PROJECTS))
def test_a_project_opens_with_the_answers_it_gave_and_asks_no_server_again(
    home: Path, server: str, weights: str
) -> None:
    token = PROJECTS[weights]["token"]
    features = sorted((home / "projects" / token / "features").rglob("*.npz"))
    times = [path.stat().st_mtime_ns for path in features]
    app = open_page("pictures", project=token)
    if weights in REPLACED:
        wait_for(lambda: not (app.run().exception or STILL in text_of(app)), 120)
    assert app.title[0].value == f"Colours by {weights}"
    assert (RENEWED if weights in REPLACED else COPIES) in text_of(app)
    check_state(token, weights)
    tiles = json.loads(next(one for one in app.get("bidi_component") if "Questions" in one.proto.json).proto.json)[
        "tiles"
    ]
    expected = list(csv.DictReader(io.StringIO(PROJECTS[weights]["answers"])))
    assert [tile["title"] for tile in tiles] == [row["file"] for row in expected]
    for tile, row in zip(tiles, expected, strict=True):
        shares = {bar["label"]: bar["share"] for bar in tile["bars"]}
        assert set(shares) == {"red", "green", "blue"} and sum(shares.values()) == pytest.approx(1)
        assert tile["bars"][0]["label"] == row["class"] and tile["source"].startswith(f"/projects/{token}/thumbs/")
    kept = sorted((home / "projects" / token / "features").rglob("*.npz"))
    if weights in REPLACED:
        assert kept and not set(kept) & set(features)
    else:
        assert kept == features and features and [path.stat().st_mtime_ns for path in features] == times


def check_state(token: str, weights: str) -> None:
    project = projects().open(token)
    state = project.state
    assert (state.card, state.name, state.words, state.reject) == (weights, f"Colours by {weights}", True, True)
    assert [(each.name, each.sentence) for each in state.classes] == [
        (kind, f"something {kind}") for kind in ("red", "green", "blue")
    ]
    titles = [[state.title(sha) for sha in each.shots] for each in state.classes]
    assert titles == [[f"{kind} {number}.png" for number in range(3)] for kind in ("red", "green", "blue")]
    assert [state.title(sha) for sha in state.questions] == ["who blue.png", "who red.png"]
    assert all(project.picture(sha).stat().st_size == known.bytes for sha, known in state.pictures.items())


def test_a_flag_that_was_dismissed_stays_dismissed(home: Path) -> None:
    project = projects().open(PROJECTS["prototypes"]["token"])
    written_down = json.loads((project.folder / "project.json").read_text("utf-8"))
    (mark,) = written_down["fine"]
    assert mark.startswith("twins:")
    project.dismiss_flag(mark)  # again: it is known, so nothing is added
    assert json.loads((project.folder / "project.json").read_text("utf-8")) == written_down


@pytest.mark.slow
def test_a_saved_project_opens_from_its_zip(server: str) -> None:
    app = open_page("pictures")
    assert "Colours by prototypes" in [link.proto.label for link in app.get("page_link")]
    box = next(one for one in app.file_uploader if one.label == "Open a saved project")
    box.upload("Colours.zip", (EARLIER / "project.zip").read_bytes()).run()
    assert not app.exception and not app.error
    token = app.query_params["project"]
    token = token if isinstance(token, str) else token[0]
    assert token not in {each["token"] for each in PROJECTS.values()}
    check_state(token, "prototypes")


def test_a_saved_classifier_gives_the_answers_it_gave(tmp_path: Path) -> None:
    with zipfile.ZipFile(EARLIER / "classifier.zip") as archive:
        assert sorted(archive.namelist()) == ["README.md", "classify.py", "head.npz"]
        archive.extractall(tmp_path)
    expected = list(csv.DictReader(io.StringIO(PROJECTS["prototypes"]["answers"])))
    features = np.load(EARLIER / "features.npz")
    classifier = Classifier.load(tmp_path / "head.npz")
    answers = classifier.predict(features["images"])
    names = list(classifier.support.classes)
    assert [names[best] for best in answers.best] == [row["class"] for row in expected] == ["blue", "red"]
    assert np.allclose(answers.probabilities, [[float(row[name]) for name in names] for row in expected], atol=1e-5)
    assert not answers.abstained.any()
    again = tmp_path / "again.npz"
    classifier.save(again)
    command = [sys.executable, "classify.py", "head.npz", str(EARLIER / "features.npz")]
    script = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, text=True)
    table = list(csv.DictReader(io.StringIO(script.stdout)))
    assert [row["file"] for row in table] == list(features["names"]) == [row["file"] for row in expected]
    assert [row["class"] for row in table] == [row["class"] for row in expected]
    with np.load(tmp_path / "head.npz") as before, np.load(again) as after:
        assert set(before.files) <= set(after.files) and all(np.array_equal(before[n], after[n]) for n in before.files)


def test_the_classifier_of_a_sorted_zip_gives_its_table(library: Library) -> None:
    run_id = RUNS["sorted"]
    table = pd.read_csv(library.only(run_id, "predictions"), keep_default_na=False)
    with np.load(library.only(run_id, "features")) as features:
        answers = Classifier.load(library.only(run_id, "head")).predict(features["images"])
    assert np.allclose(answers.probabilities, table[["blue", "green", "red"]], atol=1e-5)


def test_features_in_the_cache_are_known_by_their_space_and_key(home: Path) -> None:
    cache = FeatureCache()
    assert cache.path == home / "features" / "features.sqlite"
    with sqlite3.connect(cache.path) as database:
        rows = database.execute("select space, key, row from features").fetchall()
    spaces = {space for space, _, _ in rows}
    assert len(rows) > 20 and len(spaces) >= 2
    for space in spaces:
        expected = {key: np.frombuffer(row, "<f4") for name, key, row in rows if name == space}
        got = cache.rows(space, expected)
        assert got.keys() == expected.keys() and all(np.array_equal(got[key], expected[key]) for key in expected)
