"""The starter that ships with the project, through the real engine: it knows a red square, and learns from a few."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backends.fewshot import TASK
from backends.fewshot.base import FeatureEngine
from backends.fewshot.cards import CARDS
from backends.fewshot.classifier import Classifier
from backends.fewshot.types import Support
from backends.serving.host import Host
from evaluation.synthetic.pictures import SENTENCES, queries, shots

COLOURS = {"red": (220, 30, 30), "green": (30, 160, 50), "blue": (30, 60, 220), "yellow": (240, 215, 40)}
KINDS = tuple(sorted(SENTENCES))
BOX = (50, 50, 150, 150)


@pytest.fixture(scope="module")
def engine() -> FeatureEngine:
    card = next(card for card in CARDS if card.tier == "starter")
    engine = TASK.engine_class(card.engine)(card, Host().paths(card))
    assert isinstance(engine, FeatureEngine)
    engine.load("cpu")
    return engine


def drawn(colour: str, shape: str, ground: tuple[int, int, int] = (245, 245, 245)) -> np.ndarray:
    picture = Image.new("RGB", (200, 200), ground)
    pen = ImageDraw.Draw(picture)
    (pen.rectangle if shape == "square" else pen.ellipse)(BOX, fill=COLOURS[colour])
    return np.asarray(picture)


def test_a_fresh_machine_understands_words_with_the_starter(engine: FeatureEngine):
    card, paths = Host().choose(TASK, engine="clip")
    assert card == engine.card and all(path.exists() for path in paths)
    assert engine.understands_words and not engine.truncated_texts(["a photo of a small cat on a red chair."])


def test_a_sentence_that_is_too_long_is_said_on_the_page_and_not_by_a_library(
    engine: FeatureEngine, monkeypatch: pytest.MonkeyPatch
):
    lines: list[str] = []
    monkeypatch.setattr(logging.Logger, "handle", lambda self, record: lines.append(record.getMessage()))
    long = "a photo of a small cat " * 60
    assert engine.truncated_texts([long]) == [long] and lines == []


@pytest.mark.parametrize("ground", [(245, 245, 245), (40, 40, 40)], ids=["light", "dark"])
def test_a_red_square_is_called_one(engine: FeatureEngine, ground: tuple[int, int, int]):
    square, circle = engine.embed([drawn("red", "square", ground), drawn("blue", "circle", ground)])
    words = engine.encode_text(["a red square", "a blue circle"])
    assert words is not None
    assert square @ words[0] > square @ words[1] and circle @ words[1] > circle @ words[0]


def test_colours_and_shapes_are_told_by_words_alone(engine: FeatureEngine):
    things = [(colour, shape) for colour in COLOURS for shape in ("square", "circle")]
    words = engine.encode_text([f"a {colour} {shape}" for colour, shape in things])
    scores = engine.embed([drawn(*thing) for thing in things]) @ words.T
    said = [things[best] for best in scores.argmax(axis=1)]
    assert sum(a[0] == b[0] for a, b in zip(said, things, strict=True)) >= 7, f"colours: {said}"
    assert sum(a == b for a, b in zip(said, things, strict=True)) >= 6, f"colours and shapes: {said}"


@pytest.mark.slow
def test_drawn_things_are_learned_from_five_examples(engine: FeatureEngine):
    taught = [picture for kind in KINDS for picture in shots(kind, 5)]
    asked = [picture for picture in queries() if picture.kind]
    labels = np.array([KINDS.index(picture.kind) for picture in taught])
    support = Support(engine.embed([picture.rgb for picture in taught]), labels, KINDS)
    answers = Classifier.fit(support).predict(engine.embed([picture.rgb for picture in asked]))
    right = np.mean([KINDS[best] == picture.kind for best, picture in zip(answers.best, asked, strict=True)])
    assert right >= 0.8
