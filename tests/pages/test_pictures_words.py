"""The pictures page with models that understand words: a tiny CLIP and a tiny Flamingo, read as one's own weights are.

Their weights are random, so nothing is said of what they answer, only that what is asked arrives and is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from studio import services
from studio.pictures import files
from studio.pictures.fitted import FittedProject
from studio.pictures.project import Project
from studio.pictures.task import feature_loaders, projects
from tests.support.fewshot_networks import clip_folder, idefics_folder
from tests.support.pages import click, grids, open_project, view, words_of
from tests.support.pictures import shade
from tests.support.servers import ModelServer
from tests.support.waiting import wait_for

CLIP, FLAMINGO = "yours/tiny-clip", "yours/tiny-flamingo"


@pytest.fixture(scope="module", autouse=True)
def own_networks(model_server: ModelServer) -> Iterator[None]:
    """The weights folder of the real backend holds both networks."""
    clip, flamingo = (
        (lambda folder: clip_folder(folder / "tiny-clip")),
        lambda folder: idefics_folder(folder / "tiny-flamingo"),
    )
    with model_server.with_weights("fewshot", clip, flamingo):
        yield


@pytest.fixture
def project(app: AppTest) -> Project:
    """A class of two examples, one of words alone, and two questions; looked at by the tiny CLIP."""
    made = projects().create()
    with made.change() as state:
        state.card = CLIP
    red = made.add_class("red", "a red car")
    made.add_class("#1: white/bear", "a white polar bear")
    files.import_files(made, [(f"red {n}.png", lambda n=n: shade("red", n)) for n in range(2)], red.id)
    files.import_files(made, [(f"who {kind}.png", lambda kind=kind: shade(kind, 9)) for kind in ("blue", "red")], None)
    return made


def fitted(app: AppTest, project: Project) -> FittedProject:
    """What the page worked with, once the model has looked at everything."""
    open_project(app, project)
    card = next(one for one in services.backend().info().tasks["fewshot"].cards if one.id == CLIP)
    loader = feature_loaders().get(project, card)

    def done() -> bool:
        assert not loader.state.sentence, loader.state.sentence
        return not any(loader.missing()) and not loader.state.running

    wait_for(done, 60)
    app.run()
    assert not app.exception
    return loader.fitted[1]  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_sentence_alone_is_a_class_and_words_vote_beside_pictures(app: AppTest, project: Project) -> None:
    made = fitted(app, project)
    assert made.names == ("red", "#1: white/bear") and made.support.has_text.all()
    assert made.support.counts.tolist() == [2, 0] and made.classifier.head.id == "proker"
    assert "does not understand words" not in words_of(app) and "Votes: words speak loudest for" in words_of(app)
    bars = [bar["label"] for bar in grids(app)["Questions and answers"]["tiles"][0]["bars"]]
    assert sorted(bars) == ["#1: white/bear", "red"]
    before = made.support.text_features.copy()
    project.set_sentence(project.state.classes[0].id, "a cat in this photo")
    after = fitted(app, project).support.text_features
    assert np.abs(after[0] - before[0]).max() > 1e-3 and np.allclose(after[1], before[1])


@pytest.mark.slow
def test_words_can_be_switched_off_and_put_to_the_model_otherwise(app: AppTest, project: Project) -> None:
    first = fitted(app, project).support.text_features
    chooser = next(box for box in app.selectbox if "put to the model" in box.label)
    chooser.set_value("ensemble").run()
    assert project.state.templates == "ensemble"
    assert np.abs(fitted(app, project).support.text_features - first).max() > 1e-3
    next(one for one in app.toggle if one.label == "Names and sentences count").set_value(False).run()
    assert not app.exception and "Give at least two classes" in words_of(app)  # the second has words alone


@pytest.mark.slow
def test_the_map_of_an_answer_comes_with_the_words_that_counted(app: AppTest, project: Project) -> None:
    fitted(app, project)
    click(app, "Show where it looks")
    wait_for(lambda: "speaks loudest for the answer" in words_of(app.run()), 60)
    assert "gradient times attention" in words_of(app) and "Which words counted" in words_of(app)
    chart = next(one for one in app.get("plotly_chart") if "Relevance" in one.proto.spec)
    assert {"car", "bear"} & set(json.loads(chart.proto.spec)["layout"]["xaxis"]["ticktext"])


def chat(app: AppTest) -> list[Any]:
    return [block.value for message in app.chat_message for block in message.markdown]


@pytest.mark.slow
def test_a_flamingo_reads_the_examples_and_answers_beside_the_classifier(app: AppTest, project: Project) -> None:
    fitted(app, project)
    view(app, "As a conversation")
    next(one for one in app.slider if one.label == "In how many orders").set_value(2).run()
    click(app, "Ask the Flamingo")
    wait_for(lambda: "The Flamingo**" in words_of(app.run()), 60)
    assert not app.exception and "of 2 orders of the examples give this answer" in words_of(app)
    assert chat(app)[:2] == ["What is in this picture?", "red"]
    assert chat(app)[-1] in (r"**red**", r"**\#1\: white/bear**")  # as it was written, not as it was sent
    next(c for c in app.segmented_control if c.label == "Ask").set_value("question").run()
    assert "Write what you want to know" in words_of(app)
    next(box for box in app.text_input if box.label == "Your question").set_value("What is in this photo?").run()
    click(app, "Ask the Flamingo")
    wait_for(lambda: "**The classifier**" in words_of(app.run()), 60)
    assert chat(app)[0] == "What is in this photo?" and not app.exception
