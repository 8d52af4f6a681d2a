"""Weights of one's own on the pages: how they come there, and a picture cut out by a network nobody shipped."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from studio import services
from tests.support.matting_networks import HALVES, network
from tests.support.pages import click, ended, finished, words_of
from tests.support.servers import ModelServer


@pytest.fixture
def own_folder(model_server: ModelServer) -> Iterator[Path]:
    """The folder for one's own matting networks on the machine of the model server, with one network."""
    with model_server.with_weights("matting", lambda folder: network(folder / "red_net*.onnx", "NHWC")) as folder:
        yield folder


@pytest.fixture
def app(own_folder: Path, app: AppTest) -> AppTest:
    """The studio before a model server with a network of one's own."""
    return app


def choose(app: AppTest, card: str) -> AppTest:
    next(radio for radio in app.radio if radio.label == "Model").set_value(card).run()
    assert not app.exception
    return app


def upload(app: AppTest) -> AppTest:
    picture = io.BytesIO()
    Image.fromarray(HALVES[0]).save(picture, "PNG")
    app.run().switch_page("pages/videos.py").run()
    app.file_uploader[0].upload("halves.png", picture.getvalue()).run()
    return choose(app, "yours/red_net*.onnx")


@pytest.mark.slow
def test_a_picture_is_cut_out_by_a_network_of_ones_own(app: AppTest) -> None:
    upload(app)
    model = next(radio for radio in app.radio if radio.label == "Model")
    assert r"red\_net\*.onnx" in model.options, "its name is no Markdown"
    assert "Nobody has measured these weights here" in words_of(app)
    click(app, "Make it")
    run = finished(app)
    stored = next(item for item in services.library().artifacts(run.id) if item.kind == "alpha")
    alpha = np.asarray(Image.open(services.library().local(run.id, stored)))
    assert alpha[:, :24].max() < 30 and alpha[:, 40:].min() > 225
    assert (run.weights, run.card["tier"]) == ("yours/red_net*.onnx", "yours")


@pytest.mark.slow
def test_a_network_that_is_none_is_a_sentence_and_stays_one(app: AppTest, own_folder: Path) -> None:
    (own_folder / "red_net*.onnx").write_bytes(b"no network")
    click(upload(app), "Make it")
    ended(app)
    assert not app.exception and "is not a network in ONNX format" in words_of(app)


def test_the_page_says_where_they_go_and_what_does_not_fit(app: AppTest, own_folder: Path) -> None:
    (own_folder / "net.gguf").write_bytes(b"of another kind")
    services.backend().state(fresh=True)
    app.run().switch_page("pages/videos.py").run()
    shown = words_of(app)
    assert "the folder `yours/matting` of the weights on a GPU machine" in shown and ".onnx, .tflite, .ckpt" in shown
    assert "net.gguf is there, but is no kind of weights that is used here" in shown
