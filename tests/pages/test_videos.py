"""The videos page as Streamlit runs it, against a real backend with the built-in cut-out and a very small clip."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from studio import services
from studio.videos import probe
from studio.videos import scores as video_scores
from studio.videos.form import OWN
from tests.support.clips import Small
from tests.support.pages import ROOT, click, finished, words_of
from tests.support.waiting import wait_for


def open_page(app: AppTest, name: str, content: bytes) -> AppTest:
    app.run().switch_page("pages/videos.py").run()
    app.file_uploader[0].upload(name, content).run()
    assert not app.exception
    return app


def button(app: AppTest, label: str):
    return next((button for button in app.button if label in button.label), None)


def box(app: AppTest, label: str):
    return next(box for box in app.checkbox if label in box.label)


@pytest.mark.slow
def test_the_page_waits_for_a_file_and_says_how_large_it_may_be(app: AppTest) -> None:
    app.run().switch_page("pages/videos.py").run()
    assert not app.exception and app.title[0].value == "Cut people out of video"
    assert button(app, "Cut it out").disabled and button(app, "sample clip") is not None
    assert "1 GB" in app.file_uploader[0].help and "python -m backends run matting" in app.file_uploader[0].help
    model = next(radio for radio in app.radio if radio.label == "Model")
    assert model.value == "classical" and "Weak at:" in words_of(app)


def test_a_text_called_mp4_gets_a_sentence_and_cannot_be_run(app: AppTest) -> None:
    open_page(app, "film.mp4", b"this is only text " * 50)
    assert len(app.error) == 1 and "choose an MP4" in app.error[0].value
    assert button(app, "Cut it out").disabled and button(app, "Make the whole") is None


@pytest.mark.slow
def test_a_trial_then_the_whole_then_another_export_then_gone(app: AppTest, small: Small) -> None:
    """The whole way of a person: what was chosen arrives, what was made is told, nothing is asked for twice."""
    open_page(app, "my *film*.mp4", small.video.read_bytes())
    assert r"my \*film\*.mp4\: 160 × 120, 5 s, 4 frames a second, no sound" in words_of(app)
    assert "Will weigh about 173 kB." in words_of(app) and "3 s of video" in words_of(app)
    box(app, "Over a new background").check().run()
    next(radio for radio in app.radio if radio.label == "New background").set_value("The old one, blurred").run()
    click(app, "Try 3 seconds first")
    trial = finished(app)
    wanted = {"export": "prores4444,composite", "background": "blur", "temporal": "on", "start": 1.0, "end": 4.0}
    assert trial.options == wanted and trial.facts["asked"] == {"trial": {"start": 0.0, "end": 0.0}}
    assert trial.facts["frames"] == 12
    shown = words_of(app)
    assert "This was a trial of 3 s. The whole takes" in shown and "going by the trial" in shown
    assert ":green-badge[:material/check: kept]" in shown and "**Times**" in shown
    assert {item.kind for item in services.library().artifacts(trial.id)} >= {"export", "matte", "frames", "preview"}

    app.segmented_control[0].set_value("Numbers").run()
    metrics = {metric.label: metric for metric in app.metric}
    assert {"Uncertain pixels", "Flicker", "Frames per second"} <= set(metrics)
    assert float(metrics["Frames per second"].value) > 0

    click(app, "Make the whole video with these settings")
    whole = finished(app)
    assert "start" not in whole.options and whole.options["background"] == "blur" and whole.facts["frames"] == 20
    assert "asked" not in whole.facts and [item["name"] for item in whole.inputs] == ["my *film*.mp4"]

    box(app, "Black and white matte").check().run()
    next(item for item in app.button if item.label == "Make it").click().run()
    more = finished(app)
    assert more.options["export"] == "luma" and [item["name"] for item in more.inputs][1:] == ["matte"]
    assert {item.name for item in services.library().artifacts(more.id, "export")} == {"luma"}

    app.segmented_control[0].set_value("Compare with true mattes").run()
    assert "A video of gray mattes" in words_of(app)
    next(item for item in app.file_uploader if item.label == "References").upload(
        "true.mkv", small.alpha.read_bytes()
    ).run()
    assert "20 pictures, true mattes" in words_of(app)
    click(app, "Compare")
    wait_for(lambda: app.run().metric, 60)
    assert services.library().count(more.id, "matte-scores")
    scores = {metric.label: float(metric.value) for metric in app.metric}
    assert 0 < scores["MAD × 1000"] < 150 and scores["dtSSD"] > 0

    app.segmented_control[0].set_value("About this run").run()
    assert "my *film*.mp4" in [text.value for text in app.text]
    click(app, "Delete this run")
    click(app, "Delete for good")
    assert not app.exception and services.library().get(more.id) is None
    assert app.title[0].value == "Fourfold" and services.library().total("matting") == 2


@pytest.mark.slow
def test_corrections_of_the_workbench_become_a_run_of_their_own(
    app: AppTest, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, from the mattes of before; a cut-out of each person where several were numbered."""
    open_page(app, "film.mp4", small.video.read_bytes())
    box(app, "ProRes").uncheck().run()
    box(app, "Black and white matte").check().run()
    click(app, "Make the whole part")
    plain = finished(app)
    hints = [
        {"seconds": 1.0, "kind": "keep", "shape": "point", "points": [[0.45, 0.7]]},
        {"seconds": 1.0, "kind": "keep", "shape": "box", "points": [[0.7, 0.0], [1.0, 0.5]], "person": 2},
    ]
    state = {"run": plain.id, "frame": 4, "edge": -1.0, "softness": 0.0, "despill": 1.0, "background": "green"}
    seen: list[Any] = []

    def reported(data: Mapping[str, Any], key: str) -> dict[str, Any] | None:
        seen.append(data["hints"])
        return {**state, "hints": hints, "asked": "correct 1"} if data["run"] == plain.id else None

    monkeypatch.setattr("viz.components.matte_workbench.matte_workbench", reported)
    app.run()
    corrected = finished(app)
    assert corrected.id != plain.id and corrected.options["hints"] == hints and corrected.options["edge"] == -1
    assert [item["name"] for item in corrected.inputs] == ["film.mp4", "matte"] and "person" not in corrected.options
    assert seen[0] == [] and seen[-1] == hints
    frames = json.loads(services.library().local(
        corrected.id, services.library().artifacts(corrected.id, "frames")[0]).read_text())  # fmt: skip
    assert frames["columns"][-1] == "sure" and len(frames["rows"]) == 20
    assert services.library().total("matting") == 2  # the wish is heard once, though the state stays

    state |= {"run": corrected.id}
    monkeypatch.setattr(
        "viz.components.matte_workbench.matte_workbench",
        lambda data, key: {**state, "hints": hints, "asked": "each 2"} if data["run"] == corrected.id else None,
    )
    app.run()
    address = app.query_params["runs"]
    ids = (address if isinstance(address, str) else address[0]).split(",")
    wait_for(lambda: all(services.library().get(one).status == "done" for one in ids), 60)
    alone = [services.library().get(one) for one in ids]
    assert [run.options["person"] for run in alone] == [1, 2]
    assert [run.inputs[0]["name"] for run in alone] == ["film, person 1.mp4", "film, person 2.mp4"]
    areas = [run.metrics["area of the person"]["value"] for run in alone]
    assert areas[0] > 5 and areas[1] < areas[0]


@pytest.mark.slow
def test_a_kept_run_fills_the_form_and_needs_no_upload(app: AppTest, small: Small) -> None:
    record = {"name": "old.mp4", "sha256": "0", "bytes": 1}
    options = {"export": "webm", "temporal": "off", "start": 1.0, "end": 2.0, "edge": -3.0}
    run = services.library().begin(
        task="matting", title="Old", engine="classical", weights="classical", options=options, inputs=[record]
    )
    services.library().keep(run.id, "input", "input", small.video)
    services.library().finish(run.id, "done")
    app.run().switch_page("pages/videos.py")
    app.query_params["from"] = run.id
    app.run()
    assert not app.exception and not app.file_uploader and r"old.mp4\: 160 × 120" in words_of(app)
    assert box(app, "WebM").value and not box(app, "ProRes").value and not app.toggle[0].value
    assert next(slider for slider in app.slider if "Shrink" in slider.label).value == -3
    assert "1 s of 5 s" in words_of(app)
    assert button(app, "Try 3 seconds") is None  # the part is too short for a trial
    box(app, "WebM").uncheck().run()
    assert button(app, "Make the whole part").disabled


@pytest.mark.slow
def test_a_picture_has_no_trial_and_gives_its_cut_out(app: AppTest, small: Small, tmp_path: Path) -> None:
    Image.fromarray(small.clip[0].rgb).save(tmp_path / "me.png")
    open_page(app, "me.png", (tmp_path / "me.png").read_bytes())
    assert "picture, 160 × 120 pixels" in words_of(app) and button(app, "Try 3 seconds") is None
    click(app, "Make it")
    run = finished(app)
    (cutout,) = services.library().artifacts(run.id, "export")
    with Image.open(services.library().local(run.id, cutout)) as made:
        alpha = np.asarray(made.convert("RGBA"))[..., 3] / 255
    assert np.abs(alpha - small.clip[0].alpha).mean() < 0.15
    assert "Cut-out with alpha (PNG)" in "".join(str(item) for item in app.get("link_button")) or not app.exception


@pytest.mark.slow
def test_a_background_of_ones_own_lies_behind_and_is_kept_for_the_next_time(
    app: AppTest, small: Small, tmp_path: Path
) -> None:
    for name, picture in (("me.png", small.clip[0].rgb), ("wall.png", np.full((90, 120, 3), (10, 200, 90), np.uint8))):
        Image.fromarray(picture).save(tmp_path / name)
    open_page(app, "me.png", (tmp_path / "me.png").read_bytes())
    box(app, "Over a new background").check().run()
    next(radio for radio in app.radio if radio.label == "New background").set_value(OWN).run()
    assert button(app, "Make it").disabled and "lie behind" in button(app, "Make it").help
    behind = next(item for item in app.file_uploader if item.label == "Background")
    behind.upload("wall.png", b"no picture at all " * 40).run()
    assert "The background cannot be used" in app.error[0].value and button(app, "Make it").disabled
    behind = next(item for item in app.file_uploader if item.label == "Background")
    behind.upload("wall.png", (tmp_path / "wall.png").read_bytes()).run()
    assert not app.error
    click(app, "Make it")
    run, library = finished(app), services.library()
    assert run.options["export"] == "png,composite" and [item["name"] for item in run.inputs][1:] == ["background"]
    composite = next(item for item in library.artifacts(run.id, "export") if item.name == "composite")
    pixels = np.asarray(Image.open(library.local(run.id, composite)).convert("RGB")).astype(int)
    outside = np.asarray(Image.open(library.only(run.id, "alpha"))) == 0
    assert outside.mean() > 0.2 and np.abs(pixels[outside] - (10, 200, 90)).max() <= 2

    click(app, "Change the settings")
    assert not app.exception and "The background of before is used" in words_of(app)
    assert not button(app, "Make it").disabled and "Goes without the model" in words_of(app)


def test_the_server_takes_what_the_page_offers_to_take() -> None:
    settings = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    assert settings["server"]["maxUploadSize"] >= max(probe.UPLOAD_MB, video_scores.REFERENCE_MB)


@pytest.mark.slow
def test_runs_of_both_tasks_are_on_the_first_page_and_lead_to_their_own(app: AppTest) -> None:
    for task, title in (("separation", "A tune"), ("matting", "A film"), ("tomorrow", "A thing")):
        run = services.library().begin(task=task, title=title, engine="x", weights="w")
        services.library().finish(run.id, "failed", error="It rained.")
    app.run()
    assert not app.exception and "A thing" in words_of(app)
    film = next(run for run in services.library().list() if run.title == "A film")
    app.switch_page("pages/songs.py")
    app.query_params["run"] = film.id
    app.run()
    assert not app.exception and app.title[0].value == "A film" and "It rained." in words_of(app)


@pytest.mark.slow
def test_an_address_of_a_video_that_is_gone(app: AppTest) -> None:
    app.run().switch_page("pages/videos.py")
    app.query_params["run"] = "no-such-run-of-anybody"
    app.run()
    assert not app.exception and "no such run" in words_of(app)
