"""The Flamingo that ships with the project, through the real engine: it names what it was shown twice, and answers."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backends.core.engine import Metric
from backends.fewshot import TASK
from backends.fewshot.flamingo.cards import FLAMINGO_STARTER
from backends.fewshot.flamingo.engine import FlamingoEngine
from backends.fewshot.flamingo.interleave import ASK_NAME, Turn
from backends.fewshot.flamingo.model import IdeficsModel, ImageFeatures
from backends.fewshot.types import Classification
from backends.serving.host import Host
from backends.weights.store import WeightStore
from evaluation.datasets.drawn_shapes import episode
from evaluation.systems.flamingo import best_name

COLOURS = {"red": (220, 30, 30), "green": (30, 160, 50), "blue": (30, 60, 220), "yellow": (240, 215, 40)}
EPISODES = 24


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> FlamingoEngine:
    """What a machine with no other weights chooses when a Flamingo is asked for."""
    card, paths = Host(WeightStore(tmp_path_factory.mktemp("weights"))).choose(TASK, engine="flamingo")
    assert card == FLAMINGO_STARTER
    engine = FlamingoEngine(card, paths)
    engine.load("cpu")
    return engine


def drawn(colour: str, shape: str, side: int = 200) -> Image.Image:
    picture = Image.new("RGB", (side, side), (245, 245, 245))
    box = (side // 4, side // 4, 3 * side // 4, 3 * side // 4)
    pen = ImageDraw.Draw(picture)
    (pen.rectangle if shape == "square" else pen.ellipse)(box, fill=COLOURS[colour])
    return picture


def seen(reader: IdeficsModel, picture: Image.Image) -> ImageFeatures:
    return reader.encode_image(np.asarray(picture))


def named(
    reader: IdeficsModel, shown: Sequence[tuple[ImageFeatures, str]], asked: ImageFeatures, names: Sequence[str]
) -> str:
    pieces = reader.tokenizer.split([*(Turn("", ASK_NAME, name) for _, name in shown), Turn("", ASK_NAME)], names)
    held = reader.prefill(pieces.shots, [each.latents for each, _ in shown])
    return names[int(reader.score_candidates(held, pieces, asked).argmax())]


def written(reader: IdeficsModel, asked: ImageFeatures, question: str) -> str:
    pieces = reader.tokenizer.split([Turn("", question)])
    return list(reader.generate(reader.prefill(pieces.shots, []), pieces, asked, 12))[-1]


def test_it_is_small_and_the_card_says_how_small(engine: FlamingoEngine) -> None:
    network = engine.model.network
    assert sum(value.numel() for value in network.parameters()) == engine.card.parameters
    assert network.model.embed_tokens.weight is network.lm_head.weight
    own = [file for file in engine.card.files if file.path == "flamingo-starter"]
    assert sum(file.bytes for file in own) < 2.5e6 and engine.model.longest >= 1000


def test_the_tower_by_which_it_knows_likeness_ships_once(engine: FlamingoEngine) -> None:
    (borrowed,) = (file for file in engine.card.files if file.path != "flamingo-starter")
    assert borrowed in next(card for card in TASK.cards if card.id == "clip-starter").files
    blank = seen(engine.model, Image.new("RGB", (80, 80), (200, 60, 60)))
    assert blank.feature.shape == (engine.model.dimensions,) == (96 + 512,)


def test_a_red_square_is_called_red_and_a_square(engine: FlamingoEngine) -> None:
    for colour in COLOURS:
        asked = seen(engine.model, drawn(colour, "square"))
        assert written(engine.model, asked, "What colour is it?") == colour
        assert named(engine.model, [], asked, list(COLOURS)) == colour


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["shape", "pair"])
def test_a_class_never_seen_is_named_from_two_examples(engine: FlamingoEngine, kind: str) -> None:
    """With made-up names, and the examples as the engine puts them: nothing else can tell which is which."""
    rng, right = random.Random(f"test {kind}"), []
    for _ in range(EPISODES):
        one = episode(kind, 2, 2, rng)
        *shown, asked = [engine.model.encode_image(picture) for picture in one.pictures]
        taught = [(each, one.names[label]) for each, label in zip(shown, one.labels[:-1], strict=True)]
        right.append(best_name(engine.model, taught, asked, one.names) == one.labels[-1])
    assert np.mean(right) >= 0.7, f"guessing gives one half; {sum(right)} of {EPISODES}"


def test_the_example_and_not_the_name_decides(engine: FlamingoEngine) -> None:
    """Names given the other way about give the other answer."""
    looked = [seen(engine.model, drawn(colour, "circle")) for colour in ("red", "blue")]
    asked = seen(engine.model, drawn("red", "square", 120))
    for names in (["dax", "wug"], ["wug", "dax"]):
        taught = list(zip(looked, names, strict=True)) * 2
        assert names[best_name(engine.model, taught, asked, names)] == names[0]


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """`support/CLASS/N.png` of two classes with invented names, and two queries."""
    for name, colour in (("blicket", "green"), ("fep", "yellow")):
        (tmp_path / "support" / name).mkdir(parents=True)
        (tmp_path / "query").mkdir(exist_ok=True)
        for number in range(2):
            drawn(colour, "circle", 100 + 30 * number).save(tmp_path / "support" / name / f"{number}.png")
        drawn(colour, "square").save(tmp_path / "query" / f"{name}.png")
    return {"support": tmp_path / "support", "query": tmp_path / "query"}


def run(engine: FlamingoEngine, inputs: dict[str, Path], out: Path, **options: Any) -> tuple[Classification, list[Any]]:
    *events, result = engine.run(inputs, options, out)
    assert isinstance(result, Classification)
    return result, events


def kept(result: Classification, kind: str) -> Path:
    return next(artifact.path for artifact in result.artifacts if artifact.kind == kind)


def test_files_go_in_and_names_come_out(engine: FlamingoEngine, folders: dict[str, Path], tmp_path: Path) -> None:
    result, events = run(engine, folders, tmp_path / "out", measure="on")
    with kept(result, "predictions").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["file"]: row["class"] for row in csv.DictReader(file)}
    assert rows == {"blicket.png": "blicket", "fep.png": "fep"}
    assert any(isinstance(event, Metric) and event.name == "leave-one-out accuracy" for event in events)
    del folders["support"]
    result, _ = run(engine, folders, tmp_path / "asked", ask="question", question="What colour is it?")
    told = json.loads(kept(result, "answers").read_text(encoding="utf-8"))
    assert [answer["answer"] for answer in told["answers"]] == ["green", "yellow"]
