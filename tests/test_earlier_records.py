"""Records that version 0.1.0 left on disk still open: runs, projects, classifiers, weights, events, command lines."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from backends.__main__ import main
from backends.core.task import tasks
from backends.fewshot.classifier import Classifier
from backends.fewshot.feature_cache import FeatureCache
from backends.serving.host import Host
from backends.weights.locations import STARTERS
from backends.weights.store import WeightStore
from studio import services
from studio.jobs.receiver import RunRecorder
from studio.library.library import Library
from studio.library.maintenance import repair
from studio.pictures.task import projects
from studio.tasks import registered
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[1]
EARLIER = Path(__file__).parent / "fixtures" / "earlier"
RECORDS = json.loads((EARLIER / "records.json").read_text("utf-8"))
RUNS: Mapping[str, str] = RECORDS["runs"]
PROJECTS: Mapping[str, Any] = RECORDS["projects"]
PAGES = {"separation": "songs", "matting": "videos", "folding": "proteins", "fewshot": "pictures"}
FINISHED = [label for label in RUNS if label != "cut-short"]
DONE = [label for label in FINISHED if label != "failed"]
ANALYSES = {
    "quality", "spectrograms", "score-totals", "score-along", "matte-scores", "comparison", "morph", "heads",
}  # fmt: skip
GIVEN = {"input", "reference", "columns"}
TIMINGS = ("frames per second", "a frame")


# What is on disk


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("earlier")
    with zipfile.ZipFile(EARLIER / "home.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def home(own_home: Path, unpacked: Path) -> Path:
    """The data folder of somebody who used version 0.1.0, as this user's own."""
    shutil.copytree(unpacked, own_home, dirs_exist_ok=True)
    return own_home


@pytest.fixture
def library(home: Path) -> Library:
    return Library()


def written(home: Path, label: str) -> dict[str, Any]:
    """The manifest of a run."""
    return json.loads((home / "runs" / RUNS[label] / "run.json").read_text("utf-8"))


def kinds(library: Library, run_id: str) -> dict[str, list[str]]:
    """The names of a run's files by their kinds."""
    there: dict[str, list[str]] = {}
    for stored in library.artifacts(run_id):
        there.setdefault(stored.kind, []).append(stored.name)
    return there


# Runs


@pytest.mark.parametrize("label", FINISHED)
def test_a_run_in_the_database_says_what_its_manifest_says_and_has_its_files(home: Path, library: Library, label: str):
    manifest, run = written(home, label), library.get(RUNS[label])
    assert manifest.pop("format") == 1 and run is not None
    files = manifest.pop("artifacts")
    assert run.created.isoformat() == manifest.pop("created")
    assert {name: getattr(run, name) for name in manifest} == manifest
    stored = library.artifacts(run.id)
    assert [{name: getattr(each, name) for name in files[0]} for each in stored] == files
    assert all(library.local(run.id, each).stat().st_size == each.bytes for each in stored)


def test_the_library_lists_the_runs_newest_first_with_what_they_are(library: Library) -> None:
    listed = library.list()
    assert [run.id for run in listed] == list(RUNS.values())[::-1] and library.total() == len(RUNS)
    assert [run.title for run in library.list("matting")] == ["halves", "me", "walk", "walk"]
    by_label = {label: library.get(run_id) for label, run_id in RUNS.items()}
    assert {label: run.weights for label, run in by_label.items()} == {
        "song": "dsp", "failed": "dsp", "trial": "classical", "matte-again": "classical", "picture": "classical",
        "own-weights": "yours/red net.onnx", "structure": "structure", "sequence": "esmfold-starter",
        "alignment": "coevolution", "sorted": "prototypes", "cut-short": "dsp",
    }  # fmt: skip
    assert by_label["failed"].status == "failed" and "could not be read as sound" in by_label["failed"].error
    song, trial = by_label["song"], by_label["trial"]
    assert song.facts["stems"] == ["vocals", "everything but vocals"] and song.facts["samplerate"] == 44_100
    assert song.options == {"stems": "vocals"} and song.metrics["residual"] == {"value": -120.0, "unit": "dB"}
    assert song.inputs[0]["name"] == "A short *song*.wav" and song.title == "A short *song*"
    assert trial.facts["asked"] == {"trial": {"start": 0.0, "end": 0.0}} and trial.facts["frames"] == 5
    assert [entry["what"] for entry in trial.facts["kept"]] == ["times", "times", "size", "colour"]
    assert by_label["own-weights"].card["tier"] == "yours"
    assert (
        by_label["sequence"].facts["sequence"] == "NLYIQWLKDGGPSS" and by_label["sequence"].facts["sanity"] == "broken"
    )
    assert by_label["alignment"].options == {"seed": 3} and by_label["alignment"].facts["method"] == "coevolution"
    assert by_label["sorted"].facts["asked"] == {"project": PROJECTS["prototypes"]["token"]}
    assert library.usage().total == sum(each.bytes for run in listed for each in library.artifacts(run.id))


def test_the_files_of_the_runs_have_their_kinds_and_names(library: Library) -> None:
    def of(label: str) -> dict[str, list[str]]:
        return kinds(library, RUNS[label])

    lanes = ["everything but vocals", "mix", "vocals"]
    song = of("song")
    assert song["stem"] == ["everything but vocals", "vocals"] and song["mix"] == ["mix"]
    assert song["segment"] == song["tile"] == lanes and song["reference"] == ["vocals"]
    previews = [f"{frame:06d}.webp" for frame in range(5)]
    assert of("trial") == {
        "input": ["background", "input"], "export": ["composite", "webm"], "matte": ["matte"], "frames": ["frames"],
        "proxy": ["proxy"], "preview": previews,
    }  # fmt: skip
    assert of("matte-again")["input"] == ["input", "matte"] and of("matte-again")["export"] == ["luma"]
    assert of("matte-again")["alpha"] == ["alpha"] and of("matte-again")["reference"] == ["mattes"]
    assert of("picture")["export"] == of("own-weights")["export"] == ["cutout"]
    fold = {"structure": ["model.cif", "model.pdb"], "confidence": ["confidence.json"], "sanity": ["sanity.json"]}
    assert fold.items() <= of("structure").items() and of("structure")["input"] == ["input", "pae"]
    kept = {"contacts": ["contacts.npz"], "distogram": ["distogram.npz"], "attention": ["attention.npz"]}
    assert (fold | kept | {"recycle": ["00"], "heads": ["heads"]}).items() <= of("sequence").items()
    assert of("alignment")["recycle"] == [f"{turn:02d}" for turn in range(1, 8)]
    assert of("sorted")["input"] == ["input", "support"] and of("sorted")["predictions"] == ["predictions.csv"]


def test_runs_come_back_from_their_manifests_alone(home: Path, library: Library) -> None:
    before = {label: (library.get(RUNS[label]), library.artifacts(RUNS[label])) for label in FINISHED}
    fresh = Library(f"sqlite:///{home / 'another.sqlite'}")
    report = repair(fresh)
    assert set(report.adopted) == {RUNS[label] for label in FINISHED} and report.unknown == () and report.missing == 0
    for label, (run, stored) in before.items():
        assert (fresh.get(RUNS[label]), fresh.artifacts(RUNS[label])) == (run, stored)


def test_a_run_that_a_killed_studio_left_is_said_to_be_interrupted_and_nothing_else_changes(library: Library) -> None:
    report = repair(library)
    assert report.interrupted == (RUNS["cut-short"],) and (report.leftovers, report.missing) == (0, 0)
    assert library.get(RUNS["cut-short"]).status == "interrupted"
    assert [library.get(RUNS[label]).status for label in DONE] == ["done"] * len(DONE)


# Pages


@pytest.fixture
def pages(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The studio on those records, without any model server."""
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    services.stop()
    yield
    services.stop()


@pytest.fixture
def server(home: Path, server_address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The studio on those records, with a model server of today."""
    monkeypatch.setenv("FOURFOLD_BACKEND", server_address)
    services.stop()
    services.backend().wait_ready(90)
    yield server_address
    services.stop()


def opened(page: str, **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run().switch_page(f"pages/{page}.py")
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def text_of(app: AppTest) -> str:
    shown = [*app.title, *app.subheader, *app.markdown, *app.caption, *app.text, *app.error, *app.warning, *app.info]
    return "\n".join(str(element.value) for element in shown)


def every_view(app: AppTest) -> dict[str, str]:
    """The text of the page with each of its views, after it has worked out what it had not."""
    control = next(one for one in app.segmented_control if one.label == "Look closer")
    shown = {}
    for name in control.options:
        next(one for one in app.segmented_control if one.label == "Look closer").set_value(name).run()
        assert not app.exception and "fault of ours" not in text_of(app), name
        measured = [f"{metric.label}: {metric.value}" for metric in app.metric]
        links = [element.proto.url for element in app.get("link_button")]
        shown[name] = "\n".join([text_of(app), *measured, *links])
    return shown


def test_home_lists_them(pages: None) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    assert not app.exception
    labels = [link.proto.label for link in app.get("page_link")]
    assert [label for label in labels if label in {"walk", "me", "halves"}] == ["halves", "me", "walk", "walk"]
    assert {"Half a Trp-cage", "holiday", r"A short \*song\*", "Cut short"} <= set(labels)
    assert "Did not work" in text_of(app) and "Interrupted" in text_of(app)


SHOWN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "song": {
        "Quality": ("Do the stems add up", "−120.0 dB"),
        "Compare with true stems": ("SI-SDR vocals: 13.9 dB",),
        "About this run": ("A short *song*.wav", "stems: vocals"),
    },
    "trial": {
        "Files": ("WebM with alpha (VP9): All 5 frames", "This was a trial of 1 s"),
        "Numbers": ("Frames per second: 2.4", "Uncertain pixels: 8.5 %"),
        "About this run": ("0:00.5 to 0:01.8", "a file of yours"),
    },
    "matte-again": {
        "Compare with true mattes": ("MAD × 1000: 81.01", "dtSSD"),
        "About this run": ("walk.mp4", "edge: -1", "despill: 0.5"),
    },
    "picture": {"Numbers": ("Area of the person: 40.8 %",), "About this run": ("me.png",)},
    "own-weights": {"About this run": ("yours/red net.onnx", "your own file")},
    "structure": {
        "Confidence": ("pLDDT along the chain", "Predicted aligned error"),
        "Compare": ("crystal", "TM-score: 0.566", "RMSD: 0.53 Å"),
        "Your numbers": ("exposure",),
        "About this run": ("β-hairpin.pdb",),
    },
    "sequence": {
        "Files": ("not a possible protein", "overrules the confidence"),
        "Compare": ("experiment", "TM-score: 0.579", "GDT-TS: 1.000"),
        "Inside the model": ("the contacts of experiment",),
        "About this run": ("contacts, distogram, attention",),
    },
    "alignment": {"Confidence": ("Recycle by recycle",), "About this run": ("family.a3m", "seed: 3")},
    "sorted": {"Answers": ("**6 pictures**: ",), "About this run": ("holiday.zip", "decides by: gda")},
}
"""Some of what the page of a run shows, by its views."""


@pytest.mark.parametrize("label", DONE)
def test_the_page_of_a_run_shows_what_is_stored_and_works_nothing_out_anew(pages: None, label: str) -> None:
    library = services.library()
    run = library.get(RUNS[label])
    before = {each.file for each in library.artifacts(run.id)}
    views = every_view(opened(PAGES[run.task], run=run.id))
    for view, texts in SHOWN[label].items():
        assert [text for text in texts if text not in views[view]] == [], views[view]
    if "Files" in views:
        download = library.artifacts(run.id, KIND_OFFERED[run.task])[0]
        assert f"/runs/{run.id}/files/{download.file}?download=1" in views["Files"]
    assert before <= {each.file for each in library.artifacts(run.id)}, "an answer was worked out again"


KIND_OFFERED = {"matting": "export", "folding": "structure", "fewshot": "predictions"}


def test_the_table_of_a_sorted_zip_is_shown_as_it_was_written(pages: None) -> None:
    app = opened("pictures", run=RUNS["sorted"])
    stored = services.library().only(RUNS["sorted"], "predictions")
    assert app.dataframe[0].value.equals(pd.read_csv(stored, keep_default_na=False))
    assert [row["class"] for _, row in app.dataframe[0].value.iterrows()] == [
        "blue",
        "blue",
        "green",
        "green",
        "red",
        "red",
    ]


def test_the_pages_of_runs_that_did_not_finish_say_so(pages: None) -> None:
    for label, text in (("failed", "could not be read as sound"), ("cut-short", "closed or stopped")):
        app = opened("songs", run=RUNS[label])
        assert text in text_of(app) and any(button.label == "Run it again" for button in app.button)


# Options of earlier runs in today's forms, and running them again


def button(app: AppTest, label: str) -> Any:
    return next(one for one in app.button if one.label == label)


def value(elements: Any, label: str) -> Any:
    return next(one for one in elements if label in one.label).value


def test_an_earlier_cut_out_fills_the_form_and_a_trial_the_part_it_was_to_try(server: str) -> None:
    app = opened("videos", **{"from": RUNS["matte-again"]})
    assert not app.file_uploader and r"walk.mp4\: 80 × 64" in text_of(app)
    assert value(app.checkbox, "Black and white matte") and not value(app.checkbox, "WebM")
    assert not value(app.toggle, "Smooth flicker")
    assert value(app.slider, "Shrink or grow") == -1 and value(app.slider, "Remove spilled colour") == 0.5
    assert [(time.second, time.microsecond) for time in value(app.slider, "Part to work on")] == [
        (0, 500_000),
        (1, 800_000),
    ]
    app = opened("videos", **{"from": RUNS["trial"]})
    assert value(app.checkbox, "WebM") and value(app.checkbox, "Over a new background")
    assert value(app.radio, "New background") == "A picture or video of yours" and value(app.toggle, "Smooth flicker")
    assert [time.second for time in value(app.slider, "Part to work on")] == [0, 2]


def test_an_earlier_fold_fills_the_form(server: str) -> None:
    app = opened("proteins", **{"from": RUNS["sequence"]})
    assert "Half a Trp-cage.fasta" in text_of(app)
    value_of = {label: value(app.checkbox, label) for label in ("Keep attention", "Keep the distogram")}
    assert value_of == {"Keep attention": True, "Keep the distogram": True}
    app = opened("proteins", **{"from": RUNS["alignment"]})
    app.radio[0].set_value("coevolution").run()
    assert not app.exception and "161 sequences" in text_of(app) and value(app.number_input, "Seed") == 3


@pytest.mark.parametrize("label", ["song", "matte-again", "structure", "sorted"])
def test_an_earlier_run_can_be_run_again_and_gives_the_same(server: str, label: str) -> None:
    library, jobs = services.library(), services.jobs()
    before = library.get(RUNS[label])
    again = jobs.again(before.id)
    wait_for(lambda: jobs.get(again).ended, 120)
    run = library.get(again)
    assert run.status == "done", run.error
    assert (run.task, run.title, run.weights, run.options) == (
        before.task,
        before.title,
        before.weights,
        before.options,
    )
    assert [each["sha256"] for each in run.inputs] == [each["sha256"] for each in before.inputs]
    assert before.facts.keys() <= run.facts.keys() and before.metrics.keys() <= run.metrics.keys()
    for name, number in before.metrics.items():
        if not name.endswith(TIMINGS):
            assert run.metrics[name] == {
                "value": pytest.approx(number["value"], rel=1e-3, abs=1e-3),
                "unit": number["unit"],
            }
    made = {kind: names for kind, names in kinds(library, before.id).items() if kind not in ANALYSES | GIVEN}
    assert {kind: names for kind, names in kinds(library, again).items() if kind not in GIVEN} == made


# Picture projects


RIGHT = {"prototypes": "**9 of 9** examples", "clip-starter": "**8 of 9** examples"}


@pytest.mark.parametrize("weights", list(PROJECTS))
def test_a_project_opens_with_the_answers_it_gave_and_asks_no_server_again(
    home: Path, server: str, weights: str
) -> None:
    token = PROJECTS[weights]["token"]
    features = sorted((home / "projects" / token / "features").rglob("*.npz"))
    times = [path.stat().st_mtime_ns for path in features]
    app = opened("pictures", project=token)
    assert app.title[0].value == f"Colours by {weights}" and RIGHT[weights] in text_of(app)
    check_state(token, weights)
    tiles = json.loads(next(one for one in app.get("bidi_component") if "Questions" in one.proto.json).proto.json)[
        "tiles"
    ]
    expected = list(csv.DictReader(io.StringIO(PROJECTS[weights]["answers"])))
    assert [tile["title"] for tile in tiles] == [row["file"] for row in expected]
    for tile, row in zip(tiles, expected, strict=True):
        shares = {bar["label"]: bar["share"] for bar in tile["bars"]}
        assert shares == {name: pytest.approx(float(row[name]), abs=1e-5) for name in ("red", "green", "blue")}
        assert tile["bars"][0]["label"] == row["class"] and tile["source"].startswith(f"/projects/{token}/thumbs/")
    assert sorted((home / "projects" / token / "features").rglob("*.npz")) == features and features
    assert [path.stat().st_mtime_ns for path in features] == times


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
    project.accept(mark)  # again: it is known, so nothing is added
    assert json.loads((project.folder / "project.json").read_text("utf-8")) == written_down


def test_a_saved_project_opens_from_its_zip(server: str) -> None:
    app = opened("pictures")
    assert "Colours by prototypes" in [link.proto.label for link in app.get("page_link")]
    box = next(one for one in app.file_uploader if one.label == "Open a saved project")
    box.upload("Colours.zip", (EARLIER / "project.zip").read_bytes()).run()
    assert not app.exception and not app.error
    token = app.query_params["project"]
    token = token if isinstance(token, str) else token[0]
    assert token not in {each["token"] for each in PROJECTS.values()}
    check_state(token, "prototypes")


# Classifiers and features


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


# Weights


def test_measured_speeds_and_weights_of_ones_own_are_found(home: Path) -> None:
    speeds = json.loads((home / "weights" / "speeds.json").read_text("utf-8"))["speeds"]["cpu"]
    info = Host(WeightStore(), "cpu").info()
    cards = {card["id"]: card for task in info["tasks"].values() for card in task["cards"]}
    assert {"dsp", "prototypes", "esmfold-starter"} <= speeds.keys()
    for name, seconds in speeds.items():
        assert cards[name]["speed_measured_here"] and cards[name]["speed"] == pytest.approx(seconds), name
    own = {name: card["engine"] for name, card in cards.items() if card["tier"] == "yours"}
    assert own == {"yours/red net.onnx": "onnx", "yours/band.th": "demucs", "yours/mine": "esmfold"}
    assert list(info["tasks"]["separation"]["own"]["strange"]) == ["notes.doc"]


def test_the_files_of_every_card_lie_where_they_lay(tmp_path: Path) -> None:
    store, cards = WeightStore(tmp_path), {card.id: card for task in tasks().values() for card in task.cards}
    assert RECORDS["weights"].keys() <= cards.keys()
    for name, places in RECORDS["weights"].items():
        root = STARTERS if cards[name].tier == "starter" else tmp_path
        assert [store.path(cards[name], file) for file in cards[name].files] == [root / place for place in places]


# What the model server says


class Files(BaseHTTPRequestHandler):
    """Serves `content` by address, as a model server serves the files of its jobs."""

    content: Mapping[str, bytes]

    def do_GET(self) -> None:
        data = self.content[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_DELETE(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal of the tests."""


@pytest.fixture
def file_server() -> Iterator[tuple[str, type[Files]]]:
    handler = type("TheseFiles", (Files,), {"content": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("label", DONE)
def test_recorded_events_become_the_run_that_they_were(
    library: Library, file_server: tuple[str, type[Files]], label: str
) -> None:
    address, handler = file_server
    events = [json.loads(line) for line in (EARLIER / "events" / f"{label}.jsonl").read_text("utf-8").splitlines()]
    before = library.get(RUNS[label])
    stored = {(each.kind, each.name, each.index): each for each in library.artifacts(before.id)}
    sent = [artifact for event in events for artifact in artifacts_of(event)]
    places = [(artifact["kind"], artifact["name"], artifact["meta"].get("index", 0)) for artifact in sent]
    handler.content = {
        artifact["url"]: library.local(before.id, stored[place]).read_bytes()
        for artifact, place in zip(sent, places, strict=True)
    }
    run = library.begin(task=before.task, title="again", engine=before.engine, weights=before.weights)
    changes: list[dict[str, Any]] = []
    receiver = RunRecorder(
        library,
        run.id,
        address,
        lambda **change: changes.append(change),
        threading.Event(),
        derive=registered()[run.task].derive,
    )
    for event in events:
        receiver.record(event)
    receiver.close()
    assert receiver.finished and changes[0]["state"] == "running"
    run = library.get(run.id)
    assert (run.metrics, run.notices) == (before.metrics, before.notices)
    assert run.facts == {name: fact for name, fact in before.facts.items() if name != "asked"}
    got = {(each.kind, each.name, each.index): (each.bytes, each.meta) for each in library.artifacts(run.id)}
    made = {place: (each.bytes, each.meta) for place, each in stored.items() if place[0] not in ANALYSES | GIVEN}
    assert got == made and set(places) <= set(got)


def artifacts_of(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    if event["type"] == "partial":
        return [event["artifact"]]
    return event["artifacts"] if event["type"] == "result" else []


def test_the_recorded_stream_of_a_failed_run_names_its_model_and_no_result() -> None:
    (line,) = (EARLIER / "events" / "failed.jsonl").read_text("utf-8").splitlines()
    event = json.loads(line)
    assert (event["type"], event["card"], event["device"]) == ("started", "dsp", "cpu") and event["job"]


def test_info_still_says_all_that_it_said(server: str) -> None:
    recorded, now = json.loads((EARLIER / "info.json").read_text("utf-8")), services.backend().info()
    assert recorded.keys() <= now.keys()
    # librosa and gradio were listed too, though no result depends on them.
    assert recorded["versions"].keys() - {"librosa", "gradio"} <= now["versions"].keys()
    assert recorded["device"].keys() <= now["device"].keys()
    for name, task in recorded["tasks"].items():
        today = now["tasks"][name]
        assert task.keys() <= today.keys() and task["options"].keys() <= set(today["options"]), name
        assert {key: today[key] for key in ("endpoint", "inputs", "optional")} == {
            key: task[key] for key in ("endpoint", "inputs", "optional")
        }
        cards = {card["id"]: card for card in today["cards"]}
        for card in task["cards"]:
            if card["tier"] == "yours":
                continue
            assert card.keys() <= cards[card["id"]].keys(), card["id"]
            same = ("task", "engine", "tier", "outputs", "download_bytes")
            assert {key: cards[card["id"]][key] for key in same} == {key: card[key] for key in same}


# The command line


@pytest.mark.parametrize("job", RECORDS["command line"], ids=lambda job: job["arguments"][0])
def test_a_recorded_command_line_gives_the_line_it_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], job: Mapping[str, Any]
) -> None:
    with zipfile.ZipFile(EARLIER / "inputs.zip") as archive:
        archive.extractall(tmp_path)
    monkeypatch.chdir(tmp_path)
    expected = dict(job["answer"])
    assert main(["run", *job["arguments"], "--out", f"out-{expected['task']}", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert expected.keys() <= answer.keys()
    for name in ("task", "engine", "weights", "artifacts"):
        assert answer[name] == expected[name]
    assert all((tmp_path / artifact["path"]).is_file() for artifact in answer["artifacts"])
    assert expected["metrics"].keys() <= answer["metrics"].keys()
    for name, number in expected["metrics"].items():
        if not name.endswith(TIMINGS):
            assert answer["metrics"][name] == pytest.approx(number, rel=1e-3, abs=1e-3), name
