"""Jobs of a Flamingo from files to answers, with a tiny IDEFICS through the real loading path."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backends.__main__ import main
from backends.core.engine import Metric, Notice, Progress
from backends.core.errors import BadInput, EngineFailed, TooLarge, WeightsMissing
from backends.fewshot import TASK
from backends.fewshot.calibration import probabilities
from backends.fewshot.flamingo.cards import FLAMINGO_CARDS
from backends.fewshot.flamingo.engine import FlamingoEngine
from backends.fewshot.flamingo.interleave import Turn
from backends.fewshot.flamingo.prompt_runner import ASKING
from backends.fewshot.types import Classification
from backends.serving.host import Host
from tests.support.fewshot_networks import idefics_folder

COLOURS = {"black_cat": (20, 20, 30), "polar bear": (230, 230, 240), "car": (200, 30, 20)}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return idefics_folder(tmp_path_factory.mktemp("weights") / "idefics")


@pytest.fixture(scope="module")
def engine(weights: Path) -> FlamingoEngine:
    made = FlamingoEngine(FLAMINGO_CARDS[0], (weights,))
    made.load("cpu")
    return made


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`support/CLASS/N.png`, three of each and noisy, and `query/CLASS.png` of the same colours."""
    root = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / "support" / name).mkdir(parents=True)
        (root / "query").mkdir(exist_ok=True)
        for number in range(4):
            noisy = np.clip(colour + random.normal(0, 12, (30, 40, 3)), 0, 255).astype(np.uint8)
            path = root / "query" / f"{name}.png" if number == 3 else root / "support" / name / f"{number}.png"
            Image.fromarray(noisy).save(path)
    return root


def run(engine: FlamingoEngine, pictures: Path, out: Path, **options: Any) -> tuple[Classification, list[Any]]:
    inputs = {"query": pictures / "query", "support": pictures / "support"}
    inputs |= {name: options.pop(name) for name in ("query", "support", "classes") if name in options}
    events = list(engine.run({name: path for name, path in inputs.items() if path}, options, out))
    assert isinstance(events[-1], Classification)
    return events[-1], events[:-1]


def kept(result: Classification, kind: str) -> Path:
    return next(artifact.path for artifact in result.artifacts if artifact.kind == kind)


def table(result: Classification) -> list[dict[str, str]]:
    with kept(result, "predictions").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def prompt(result: Classification) -> dict[str, Any]:
    return json.loads(kept(result, "prompt").read_text(encoding="utf-8"))


def test_names_are_ranked_and_the_table_is_that_of_the_other_engines(
    engine: FlamingoEngine, pictures: Path, tmp_path: Path
) -> None:
    result, events = run(engine, pictures, tmp_path, shots=4)
    assert result.classes == tuple(sorted(COLOURS)) and result.shots == (3, 3, 3) and result.pictures == 3
    rows, told = table(result), prompt(result)
    assert [row["file"] for row in rows] == sorted(f"{name}.png" for name in COLOURS)
    for row, query in zip(rows, told["queries"], strict=True):
        shares = np.array([float(row[name]) for name in result.classes])
        expected = probabilities(np.array([query["orders"][0]["likelihoods"]]), 1.0)[0]
        assert np.allclose(shares, expected, atol=1e-6) and shares.sum() == pytest.approx(1, abs=1e-5)
        assert row["class"] == query["answer"] == result.classes[int(shares.argmax())]
        assert float(row["probability"]) == pytest.approx(shares.max()) and row["abstained"] == "no"
        assert float(row["agreement"]) == 1 and float(row["car (spread)"]) == 0
    asked = [event for event in events if isinstance(event, Progress) and event.stage == ASKING]
    assert asked[-1].done == asked[-1].total == 3 and engine.amount({}, asked[-1], result) == 3


def test_the_prompt_holds_the_most_similar_examples_the_nearest_last(
    engine: FlamingoEngine, pictures: Path, tmp_path: Path
) -> None:
    result, _ = run(engine, pictures, tmp_path, shots=3)
    for query in prompt(result)["queries"]:
        own = query["file"].removesuffix(".png")
        turns = query["turns"]
        assert [turn["picture"].split("/")[0] for turn in turns[:-1]] == [own] * 3, "of its own colour"
        assert [turn["answer"] for turn in turns] == [own.replace("_", " ")] * 3 + [""]
        assert turns[-1]["picture"] == query["file"] and len({turn["question"] for turn in turns}) == 1
        assert query["orders"][0]["shots"] == [turn["picture"] for turn in turns[:-1]]
    with np.load(kept(result, "features"), allow_pickle=False) as features:
        likeness = features["support_images"] @ features["images"].T
        nearest = features["support_names"][likeness.argmax(0)]
        assert features["classes"].tolist() == list(result.classes)
    assert [query["turns"][-2]["picture"] for query in prompt(result)["queries"]] == nearest.tolist()


def test_the_engine_weighs_what_the_reader_weighs(engine: FlamingoEngine, pictures: Path, tmp_path: Path) -> None:
    """From the files named in the prompt, by hand."""
    result, _ = run(engine, pictures, tmp_path, shots="all", pick="drawn", orders=2, seed=3)
    reader, told = engine.model, prompt(result)
    query = told["queries"][1]
    for order in query["orders"]:
        shots = [np.asarray(Image.open(pictures / "support" / name)) for name in order["shots"]]
        names = [name.split("/")[0].replace("_", " ") for name in order["shots"]]
        turns = [Turn(file, told["question"], name) for file, name in zip(order["shots"], names, strict=True)]
        pieces = reader.tokenizer.split(
            [*turns, Turn("q", told["question"])], [name.replace("_", " ") for name in result.classes]
        )
        held = reader.prefill(pieces.shots, [reader.encode_image(shot).latents for shot in shots])
        seen = reader.encode_image(np.asarray(Image.open(pictures / "query" / query["file"])))
        assert np.allclose(reader.score_candidates(held, pieces, seen), order["likelihoods"], atol=1e-5)


def test_orders_are_averaged_and_their_spread_is_told(engine: FlamingoEngine, pictures: Path, tmp_path: Path) -> None:
    result, events = run(engine, pictures, tmp_path, shots=5, orders=4, seed=1)
    agreed = []
    for row, query in zip(table(result), prompt(result)["queries"], strict=True):
        weights = np.array([order["likelihoods"] for order in query["orders"]])
        assert weights.shape == (4, 3) and len({tuple(order["shots"]) for order in query["orders"]}) == 4
        shares = probabilities(weights, 1.0)
        for index, name in enumerate(result.classes):
            assert float(row[name]) == pytest.approx(shares[:, index].mean(), abs=1e-6)
            assert float(row[f"{name} (spread)"]) == pytest.approx(shares[:, index].std(), abs=1e-6)
            assert shares[:, index].std() > 0
        agreed.append(float((shares.argmax(1) == shares.mean(0).argmax()).mean()))
        assert float(row["agreement"]) == pytest.approx(agreed[-1])
    told = {event.name: event.value for event in events if isinstance(event, Metric)}
    assert told["orders that agree"] == pytest.approx(100 * np.mean(agreed))


def test_measuring_leaves_each_example_out(engine: FlamingoEngine, pictures: Path, tmp_path: Path) -> None:
    result, events = run(engine, pictures, tmp_path, shots=2, measure="on")
    assert result.calibrated and result.accuracy is not None and result.temperature != 1.0
    right = 0
    for name in result.classes:  # each example as a question of its own, with the others as examples
        for number in range(3):
            alone, others = tmp_path / f"{name}{number}" / "query", tmp_path / f"{name}{number}" / "support"
            for folder in sorted((pictures / "support").iterdir()):
                (others / folder.name).mkdir(parents=True)
                for file in folder.iterdir():
                    if (folder.name, file.name) != (name, f"{number}.png"):
                        (others / folder.name / file.name).write_bytes(file.read_bytes())
            alone.mkdir()
            (alone / "one.png").write_bytes((pictures / "support" / name / f"{number}.png").read_bytes())
            each, _ = run(engine, pictures, tmp_path / "out", query=alone, support=others, shots=2)
            right += table(each)[0]["class"] == name
    assert result.accuracy == pytest.approx(right / 9)
    shares = [float(table(result)[0][name]) for name in result.classes]
    weights = np.array([prompt(result)["queries"][0]["orders"][0]["likelihoods"]])
    assert np.allclose(shares, probabilities(weights, result.temperature)[0], atol=1e-6)
    assert any(isinstance(event, Metric) and event.name == "leave-one-out accuracy" for event in events)


@pytest.mark.parametrize(("ask", "question"), [("caption", ""), ("question", "What is in this photo?")])
def test_pictures_are_described_and_asked_about(
    engine: FlamingoEngine,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ask: str,
    question: str,
) -> None:
    monkeypatch.setattr("backends.fewshot.flamingo.model.MAX_ANSWER_TOKENS", 6)
    classes = tmp_path / "classes.txt"
    classes.write_text("black_cat: a black cat\npolar bear: a white polar bear\ncar")
    result, _ = run(engine, pictures, tmp_path, ask=ask, question=question, classes=classes, shots=2)
    told = json.loads(kept(result, "answers").read_text(encoding="utf-8"))
    assert told["ask"] == ask and (not question or told["question"] == question)
    assert [answer["file"] for answer in told["answers"]] == sorted(f"{name}.png" for name in COLOURS)
    query = prompt(result)["queries"][1]
    assert query["answer"] == told["answers"][1]["answer"] != ""
    assert query["file"] == "car.png" and query["turns"][0]["answer"] == "car"
    assert prompt(result)["queries"][0]["turns"][0]["answer"] == ("a black cat" if ask == "caption" else "black cat")
    again, _ = run(engine, pictures, tmp_path / "again", ask=ask, question=question, classes=classes, shots=2)
    assert json.loads(kept(again, "answers").read_text(encoding="utf-8")) == told, "greedy, so it repeats"
    assert not any(artifact.kind == "predictions" for artifact in result.artifacts)


@pytest.mark.slow
def test_words_alone_are_enough(engine: FlamingoEngine, pictures: Path, tmp_path: Path) -> None:
    classes = tmp_path / "classes.txt"
    classes.write_text("cat\ncathedral")
    result, _ = run(engine, pictures, tmp_path, classes=classes, support=None)
    assert result.shots == (0, 0) and prompt(result)["queries"][0]["turns"][:-1] == []
    described, _ = run(engine, pictures, tmp_path, ask="caption", support=None)
    assert described.classes == () and kept(described, "answers").is_file()


def test_a_class_called_like_a_column_has_its_own(engine: FlamingoEngine, pictures: Path, tmp_path: Path) -> None:
    classes = tmp_path / "classes.txt"
    classes.write_text("agreement\nfile")
    result, _ = run(engine, pictures, tmp_path, classes=classes, support=None)
    row = table(result)[0]
    assert float(row["agreement (class)"]) + float(row["file (class)"]) == pytest.approx(1, abs=1e-5)
    assert float(row["agreement"]) == 1 and row["file"].endswith(".png")


def test_features_alone_can_be_asked_for(engine: FlamingoEngine, pictures: Path, tmp_path: Path) -> None:
    result, _ = run(engine, pictures, tmp_path, only="features")
    assert [artifact.kind for artifact in result.artifacts] == ["features"] and result.dimensions == 16
    with np.load(kept(result, "features"), allow_pickle=False) as features:
        assert np.allclose(np.linalg.norm(features["images"], axis=1), 1, atol=1e-6) and len(features["labels"]) == 9


def test_a_class_that_is_a_sign_to_the_model_is_refused(engine: FlamingoEngine, pictures: Path, tmp_path: Path) -> None:
    classes = tmp_path / "classes.txt"
    for name in ("<image>", "a</s>b", "<end_of_utterance>"):
        classes.write_text(f"cat\n{name}")
        with pytest.raises(BadInput, match="a sign to this model and no word"):
            run(engine, pictures, tmp_path, classes=classes, support=None)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"shots": "many"}, BadInput, "“shots” takes a whole number"),
        ({"shots": 65}, BadInput, "from 0 to 64"),
        ({"orders": 9}, BadInput, "from 1 to 8"),
        ({"ask": "poem"}, BadInput, "“ask” is one of names, caption, question"),
        ({"ask": "question"}, BadInput, "There is no question"),
        ({"ask": "question", "question": "why " * 200}, BadInput, "longer than 500"),
        ({"pick": "best"}, BadInput, "“pick” is one of"),
        ({"explain": "on"}, BadInput, "cannot say where it looks"),
        ({"support": None}, BadInput, "at least two classes"),
        (
            {"shots": "all", "ask": "question", "question": "what is in this picture of a photo " * 7},
            TooLarge,
            "reads 400",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(
    engine: FlamingoEngine, pictures: Path, tmp_path: Path, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        run(engine, pictures, tmp_path, **options)


def test_pictures_that_cannot_be_read_are_left_out_and_told(
    engine: FlamingoEngine, pictures: Path, tmp_path: Path
) -> None:
    queries = tmp_path / "query"
    queries.mkdir()
    (queries / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"no picture" * 9)
    with pytest.raises(BadInput, match=r"no picture left to ask about: “broken.png”"):
        run(engine, pictures, tmp_path, query=queries)
    (queries / "sound.png").write_bytes((pictures / "query" / "car.png").read_bytes())
    result, events = run(engine, pictures, tmp_path, query=queries)
    assert [row["file"] for row in table(result)] == ["sound.png"]
    assert any(isinstance(event, Notice) and "“broken.png” was left out" in event.sentence for event in events)


def test_numbers_that_break_down_are_an_error_and_no_answer(
    engine: FlamingoEngine, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.model, "score_candidates", lambda *args: np.full(3, np.nan))
    with pytest.raises(EngineFailed, match="broke down"):
        run(engine, pictures, tmp_path)
    inner = engine.model.encode_image
    monkeypatch.setattr(engine.model, "encode_image", lambda rgb: replace(inner(rgb), feature=np.full(16, np.inf)))
    with pytest.raises(EngineFailed, match="broke down"):
        run(engine, pictures, tmp_path)


def forward_passes(engine: FlamingoEngine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every pass through the language model or the vision tower from now on."""
    passes: list[str] = []
    for name, part in (("text", engine.model.network), ("vision", engine.model.network.model.vision_model)):
        inner = part.forward

        def counted(*args: Any, inner: Any = inner, name: str = name, **kwargs: Any) -> Any:
            passes.append(name)
            return inner(*args, **kwargs)

        monkeypatch.setattr(part, "forward", counted)
    return passes


def test_examples_that_stay_are_read_once(
    engine: FlamingoEngine, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = forward_passes(engine, monkeypatch)
    run(engine, pictures, tmp_path, shots=4, pick="drawn", orders=2)
    assert passes.count("vision") == 9 + 3, "each picture is looked at once"
    assert passes.count("text") == 2 + 3 * 2, "the examples once in each order, and each question in one pass"


@pytest.mark.parametrize("options", [{"orders": 3, "shots": 5}, {"ask": "caption"}, {"measure": "on"}])
def test_closing_stops_within_one_pass_wherever_it_is(
    engine: FlamingoEngine, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    passes = forward_passes(engine, monkeypatch)
    most = seen = 0
    events: Iterator[Any] = engine.run(
        {"query": pictures / "query", "support": pictures / "support"}, options, tmp_path
    )
    for _ in events:
        most, seen = max(most, len(passes) - seen), len(passes)
    assert most == 1 and len(passes) > 20
    passes.clear()
    events = engine.run({"query": pictures / "query"}, {"ask": "caption"}, tmp_path)
    with closing(events):  # type: ignore[type-var]
        next(event for event in events if isinstance(event, Progress) and event.stage == ASKING and event.done)
    assert passes.count("text") == 2, "the prompt and one token"


def test_the_cards_tell_how_to_get_the_folder_and_under_which_licence(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"HuggingFaceM4/idefics-9b-instruct \(17.9 GB"):
        Host().choose(TASK, "", "idefics-9b-instruct")
    for card in FLAMINGO_CARDS:
        assert card in TASK.cards and "research" in card.licence and "LLaMA" in card.licence_note
        assert "24 GB" in card.needs[0].how and card.needs[0].name == f"HuggingFaceM4/{card.id}"


def test_the_parameters_on_the_cards_are_those_of_the_published_shape() -> None:
    import torch
    from transformers import IdeficsConfig, IdeficsForVisionText2Text

    for card, marks in zip(FLAMINGO_CARDS, (3, 2), strict=True):
        vision = {"embed_dim": 1280, "patch_size": 14, "num_hidden_layers": 32, "intermediate_size": 5120}
        config = IdeficsConfig(
            additional_vocab_size=marks,
            cross_layer_interval=4,
            qk_layer_norms=True,
            use_resampler=True,
            vision_config=vision,
            perceiver_config={"use_resampler": True, "qk_layer_norms_perceiver": True},
        )
        with torch.device("meta"):
            network = IdeficsForVisionText2Text(config)
        assert sum(value.numel() for value in network.parameters()) == card.parameters


def test_on_the_terminal_with_a_folder_of_one_s_own(
    weights: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "fewshot", str(pictures / "query"), "--support", str(pictures / "support")]
    told = [*command, "--weights", str(weights), "--shots", "2", "--orders", "2", "--out", str(tmp_path), "--json"]
    assert main(told) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["engine"] == "flamingo" and {item["kind"] for item in line["artifacts"]} == {
        "predictions",
        "prompt",
        "features",
    }
    assert (tmp_path / "predictions.csv").is_file()
