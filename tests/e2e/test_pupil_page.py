"""The page with a camera that pupils take home: opened as a file without network, it answers as the model does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backends.fewshot.cards import CARDS
from backends.fewshot.classifier import Classifier
from backends.fewshot.clip.engine import ClipEngine
from backends.fewshot.efficientnet import EfficientNetEngine
from backends.fewshot.features import FeatureExtractor
from backends.fewshot.network_file import export_network, preparation_of
from backends.fewshot.preparation import prepare_image
from backends.fewshot.types import Support
from backends.serving.host import Host
from evaluation.synthetic.pictures import shots
from tests.support.browser import WEBGL_FLAGS
from tests.support.camera import leaf, with_camera
from tests.support.pictures import encoded
from viz.fewshot.pupil_page import ExamplePicture, PupilClassifier, pupil_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KINDS = ("ball", "leaf")
WAIT_MS = 90_000
READ = "() => ({ ...document.body.dataset, said: document.getElementById('verdict').textContent })"


@dataclass(frozen=True)
class Made:
    """A page as a file, with the model and the classifier that are in it."""

    engine: FeatureExtractor
    classifier: Classifier
    file: Path


@pytest.fixture(scope="module", params=["efficientnet-lite0", "clip-starter"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The page of each network that comes with Fourfold."""
    card = next(one for one in CARDS if one.id == request.param)
    engine = (EfficientNetEngine if request.param.startswith("eff") else ClipEngine)(card, Host().paths(card))
    engine.load("cpu")
    folder = tmp_path_factory.mktemp("pupil")
    *_, result = export_network(engine, folder, browser=True)
    assert [artifact.name for artifact in result.artifacts] == ["browser.onnx"]
    network = (folder / "browser.onnx").read_bytes()
    pictures = [shot.rgb for kind in KINDS for shot in shots(kind, 4, seed=3)]
    features = engine.embed(pictures)
    text = None if engine.encode_text(KINDS) is None else engine.encode_text(KINDS)
    support = Support(features, np.repeat([0, 1], 4), KINDS, text, engine.logit_scale)
    classifier = Classifier.fit(support, space=engine.space)
    test = ExamplePicture(encoded(Image.fromarray(engine.prepare(pictures[0]))), features[0])
    about = ("Balls & <leaves>", classifier.state(), ("#0072b2", "#d55e00"), network, preparation_of(network), test)
    file = folder / "page.html"
    file.write_bytes(pupil_page(PupilClassifier(*about, "# Card\n\nNot for <b>mushrooms</b>.")))
    return Made(engine, classifier, file)


@pytest.fixture(scope="module")
def browser(playwright_driver: Any, chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium whose camera shows a leaf for ever."""
    film = tmp_path_factory.mktemp("camera") / "camera.y4m"
    running = with_camera(playwright_driver, chromium_path, WEBGL_FLAGS, film, leaf())
    yield running
    running.close()


@pytest.fixture
def page(browser: Any, made: Made) -> Iterator[Any]:
    """The page, open and ready, where nothing outside of the file can be reached."""
    context = browser.new_context(offline=True)
    opened = context.new_page()
    opened.set_default_timeout(WAIT_MS)
    opened.problems = []
    opened.on("console", lambda line: opened.problems.append(line.text) if line.type == "error" else None)
    opened.on("pageerror", lambda error: opened.problems.append(str(error)))
    opened.on(
        "request", lambda request: opened.problems.append(request.url) if request.url.startswith("http") else None
    )
    opened.goto(made.file.as_uri())
    opened.locator("body[data-ready=yes]").wait_for(timeout=WAIT_MS)
    yield opened
    assert opened.problems == []
    context.close()


def test_a_picture_gets_the_answer_that_the_model_gives(page: Any, made: Made, tmp_path: Path) -> None:
    assert float(page.evaluate("document.body.dataset.alike")) > 0.9999
    assert "it sees as Fourfold does" in page.inner_text("#note")
    for number, kind in enumerate(KINDS, 1):
        wide = np.pad(shots(kind, 1, seed=9)[0].rgb, ((3, 2), (40, 11), (0, 0)), mode="edge")
        (tmp_path / f"{kind}.png").write_bytes(encoded(Image.fromarray(wide)))
        page.set_input_files("#file", tmp_path / f"{kind}.png")
        page.locator(f'body[data-answered="{number}"]').wait_for(timeout=WAIT_MS)
        found, expected = page.evaluate(READ), made.classifier.predict(made.engine.embed([wide]))
        assert found["best"] == kind == KINDS[int(expected.best[0])]
        assert json.loads(found["shares"]) == pytest.approx(expected.probabilities[0].tolist(), abs=5e-3)
        assert (found["none"] == "true") == bool(expected.abstained[0])
        assert found["said"] == ("none of these" if expected.abstained[0] else kind)


def test_what_is_held_before_the_camera_is_named_while_it_runs(page: Any) -> None:
    from playwright.sync_api import expect

    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("body")).to_have_attribute("data-answered", re.compile(r"[3-9]|\d\d+"), timeout=WAIT_MS)
    assert page.evaluate(READ)["best"] == "leaf"
    page.get_by_role("button", name="Stop the camera").click()
    assert page.locator("#video").is_hidden()


def test_a_file_that_is_no_picture_is_a_sentence_and_names_are_shown_as_they_are(page: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with page.expect_console_message(lambda line: line.type == "warning"):
        page.set_input_files("#file", tmp_path / "notes.txt")
    page.get_by_text("“notes.txt” is no picture that this browser can read.").wait_for()
    assert page.inner_text("h1") == "Balls & <leaves>"
    page.get_by_text("What it can and cannot do").click()
    assert "Not for <b>mushrooms</b>." in page.inner_text("details")


def test_the_square_is_the_one_that_the_network_was_taught_with(page: Any) -> None:
    ways = product([(31, 90), (300, 211), (48, 48)], ["shortest", "squash", "longest"], ["bicubic", "bilinear"])
    for (width, height), mode, interpolation in ways:
        rgb = np.random.default_rng(4).integers(0, 256, (height, width, 3), np.uint8)
        rgba = np.dstack([rgb, np.full((height, width), 255, np.uint8)])
        how = {"side": 64, "mode": mode, "interpolation": interpolation, "fill": 9}
        seen = page.evaluate(
            "([data, width, height, how]) => Array.from(square({ data, width, height }, how))",
            [rgba.ravel().tolist(), width, height, how],
        )
        expected = prepare_image(rgb, 64, mode, interpolation, 9)
        apart = np.abs(np.array(seen).reshape(64, 64, 3) - expected.astype(int))
        assert apart.max() <= 2 and apart.mean() < 0.25, how  # Pillow computes in whole numbers
