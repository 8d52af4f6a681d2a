"""A few-shot job from files to answers: on the terminal, by words and pictures, and with bad input."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backends.__main__ import main
from backends.core.engine import Metric, Notice, Progress
from backends.core.errors import BadInput, EngineFailed, UserError
from backends.fewshot import TASK
from backends.fewshot.base import FeatureEngine
from backends.fewshot.classifier import Classifier
from backends.fewshot.features import unit_vector
from backends.fewshot.prototypes import PrototypesEngine
from backends.fewshot.types import Classification
from evaluation.synthetic.pictures import SENTENCES, queries, shots, write_sample

KINDS = tuple(sorted(SENTENCES))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five examples of six drawn kinds, and questions whose names do not tell what they are."""
    folder = tmp_path_factory.mktemp("sample") / "pictures"
    write_sample(folder, 5)
    return folder


@pytest.fixture(scope="module")
def truth() -> dict[str, str]:
    return {picture.name: picture.kind for picture in queries()}


class Lookup(FeatureEngine):
    """Features are mean colours, and words are colours too: an engine for words that can be checked by hand."""

    name = "lookup"
    side = 8
    batch = 4
    dimensions = 3
    understands_words = True
    looked: list[int]

    def load(self, device: str) -> None:
        self.looked = []

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(picture).resize((8, 8)))

    def encode_images(self, prepared: np.ndarray) -> np.ndarray:
        self.looked.append(len(prepared))
        return np.stack([unit_vector(row) for row in prepared.reshape(len(prepared), -1, 3).mean(axis=1) + 1.0])

    def encode_text(self, sentences: list[str]) -> np.ndarray:
        colours = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}
        named = (next((rgb for name, rgb in colours.items() if name in text), (1, 1, 1)) for text in sentences)
        return np.stack([unit_vector(np.array(rgb, float)) for rgb in named])


def engine_of(kind: type[FeatureEngine]) -> Any:
    made = kind(TASK.cards[0])
    made.load("cpu")
    return made


def colour(rgb: tuple[int, int, int], kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), rgb).save(file, kind)
    return file.getvalue()


def laid_out(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_terminal_teaches_and_answers(
    capsys: pytest.CaptureFixture[str], sample: Path, truth: dict[str, str], tmp_path: Path
) -> None:
    words = ["run", "fewshot", str(sample / "questions"), "--support", str(sample / "shots"), "--engine", "prototypes"]
    code = main([*words, "--head", "nearest", "--out", str(tmp_path), "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    (line,) = printed.out.splitlines()
    told = json.loads(line)
    assert (told["task"], told["engine"], told["weights"]) == ("fewshot", "prototypes", "prototypes")
    assert told["metrics"]["pictures a second"] > 0 and 50 < told["metrics"]["leave-one-out accuracy"] <= 100
    rows = rows_of(tmp_path / "predictions.csv")
    assert list(rows[0]) == ["file", "class", "probability", "abstained", *KINDS]
    assert {row["file"] for row in rows} == set(truth)
    known = [row for row in rows if truth[row["file"]]]
    assert np.mean([row["class"] == truth[row["file"]] for row in known]) > 0.6
    for row in rows:
        shares = {kind: float(row[kind]) for kind in KINDS}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-4) and shares[row["class"]] == max(shares.values())
        assert float(row["probability"]) == shares[row["class"]] and row["abstained"] in ("yes", "no")


def test_what_is_left_behind_answers_again_without_the_model(sample: Path, tmp_path: Path) -> None:
    engine = engine_of(PrototypesEngine)
    inputs = {"query": sample / "questions", "support": sample / "shots.zip"}
    *events, result = engine.run(inputs, {"reject": "off"}, tmp_path)
    assert isinstance(result, Classification) and result.classes == KINDS and result.shots == (5,) * 6
    assert (result.head, result.abstained, result.dimensions) == ("gda", 0, engine.dimensions)
    metrics = {event.name: event.value for event in events if isinstance(event, Metric)}
    assert metrics["leave-one-out accuracy"] == 100 * result.accuracy
    with np.load(tmp_path / "features.npz", allow_pickle=False) as kept:
        assert kept["images"].shape == (len(kept["names"]), engine.dimensions) and "words" not in kept
        assert np.allclose(np.linalg.norm(kept["images"], axis=1), 1, atol=1e-5)
        assert [KINDS[label] for label in kept["labels"]] == [name.split("/")[0] for name in kept["support_names"]]
        prediction = Classifier.load(tmp_path / "head.npz").predict(kept["images"])
        names = [str(name) for name in kept["names"]]
    table = {row["file"]: row for row in rows_of(tmp_path / "predictions.csv")}
    for name, best, shares in zip(names, prediction.best, prediction.probabilities, strict=True):
        assert table[name]["class"] == KINDS[best]
        assert float(table[name]["probability"]) == pytest.approx(shares[best], abs=1e-5)


@pytest.mark.slow
def test_only_features_asks_for_no_classes(sample: Path, tmp_path: Path) -> None:
    engine = engine_of(PrototypesEngine)
    *_, result = engine.run({"query": sample / "shots.zip"}, {"only": "features"}, tmp_path)
    assert [artifact.kind for artifact in result.artifacts] == ["features"] and result.pictures == 30
    with np.load(tmp_path / "features.npz", allow_pickle=False) as kept:
        assert kept["images"].shape == (30, engine.dimensions) and not len(kept["classes"])
        rows = dict(zip(kept["names"].tolist(), kept["images"], strict=True))
    direct = engine.embed([picture.rgb for picture in shots("ring", 5)])
    assert np.allclose(np.stack([rows[f"ring/{p.name}"] for p in shots("ring", 5)]), direct, atol=1e-6)


def test_a_picture_that_was_seen_is_not_looked_at_again(tmp_path: Path) -> None:
    engine = engine_of(Lookup)
    files = {f"{shade}.png": colour((shade, 0, 0)) for shade in range(10, 110, 10)}
    first = list(engine.run({"query": laid_out(tmp_path / "a", files)}, {"only": "features"}, tmp_path / "1"))
    assert engine.looked == [4, 4, 2] and first[-1].looked == 10
    done = [event.done for event in first if isinstance(event, Progress) and event.unit == "pictures"]
    assert done == sorted(done) and done[-1] == 10
    more = {**files, "copy of 10.png": files["10.png"], "new.png": colour((0, 200, 0))}
    *_, result = engine.run({"query": laid_out(tmp_path / "b", more)}, {"only": "features"}, tmp_path / "2")
    assert engine.looked == [4, 4, 2, 1] and (result.looked, result.pictures) == (1, 12)
    with np.load(tmp_path / "2" / "features.npz") as kept:
        rows = dict(zip(kept["names"].tolist(), kept["images"], strict=True))
    assert rows["new.png"].argmax() == 1 and np.array_equal(rows["copy of 10.png"], rows["10.png"])


def test_words_alone_and_words_beside_pictures_teach(tmp_path: Path) -> None:
    engine = engine_of(Lookup)
    query = {"1.png": colour((250, 9, 0)), "2.png": colour((0, 250, 9)), "3.png": colour((9, 0, 250))}
    inputs = {"query": laid_out(tmp_path / "q", query), "classes": tmp_path / "classes.txt"}
    inputs["classes"].write_text("red\nmeadow: all green\n🌊: a blue sea\n")
    *_, result = engine.run(inputs, {}, tmp_path / "1")
    assert (result.classes, result.shots, result.head) == (("red", "meadow", "🌊"), (0, 0, 0), "zero_shot")
    assert [row["class"] for row in rows_of(tmp_path / "1" / "predictions.csv")] == ["red", "meadow", "🌊"]
    support = {"RED/1.png": colour((200, 0, 0)), "RED/2.png": colour((220, 20, 0)), "sky/1.png": colour((90, 90, 250))}
    inputs["support"] = laid_out(tmp_path / "s", support)
    inputs["classes"].write_text("red\nmeadow: all green\nsky: blue\n")
    *_, result = engine.run(inputs, {"reject": "off"}, tmp_path / "2")
    assert (result.classes, result.shots) == (("red", "meadow", "sky"), (2, 0, 1))
    assert [row["class"] for row in rows_of(tmp_path / "2" / "predictions.csv")] == ["red", "meadow", "sky"]


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    engine = engine_of(Lookup)
    moving = io.BytesIO()
    Image.new("RGB", (16, 16), (0, 200, 0)).save(
        moving, "GIF", save_all=True, append_images=[Image.new("RGB", (16, 16), (200, 0, 0))]
    )
    query = {"good.png": colour((9, 9, 9)), "cut.png": colour((1, 2, 3))[:60], "moving.gif": moving.getvalue()}
    query["notes.txt"] = b"hello"
    events = list(engine.run({"query": laid_out(tmp_path / "q", query)}, {"only": "features"}, tmp_path))
    told = " ".join(event.sentence for event in events if isinstance(event, Notice))
    assert "“cut.png” was left out: This picture is damaged" in told and "One picture moves" in told
    assert "“notes.txt”" in told and events[-1].pictures == 2
    with pytest.raises(BadInput, match="None can be read; the first says"):
        broken = laid_out(tmp_path / "broken", {"a.png": query["cut.png"], "b.png": query["cut.png"]})
        list(engine.run({"query": broken}, {"only": "features"}, tmp_path))


def test_features_that_are_no_numbers_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lookup, "encode_images", lambda self, prepared: np.full((len(prepared), 3), np.nan, np.float32))
    with pytest.raises(EngineFailed, match="broke down"):
        query = laid_out(tmp_path / "q", {"1.png": colour((1, 2, 3))})
        list(engine_of(Lookup).run({"query": query}, {"only": "features"}, tmp_path))


def test_closing_a_job_stops_it_within_a_batch(tmp_path: Path) -> None:
    engine = engine_of(Lookup)
    files = {f"{shade}.png": colour((shade, 5, 5)) for shade in range(100)}
    events = engine.run({"query": laid_out(tmp_path / "q", files)}, {"only": "features"}, tmp_path)
    for event in events:
        if isinstance(event, Progress) and event.done >= 4:
            break
    events.close()  # type: ignore[attr-defined]
    assert engine.looked == [4]


SUPPORT = {"red/1.png": colour((200, 0, 0)), "blue/1.png": colour((0, 0, 200))}


@pytest.mark.parametrize(
    ("engine", "support", "classes", "options", "said"),
    [
        (PrototypesEngine, {}, "", {}, "There are no examples"),
        (PrototypesEngine, {"red/1.png": colour((9, 9, 9))}, "", {}, "at least two classes"),
        (PrototypesEngine, {"1.png": colour((9, 9, 9))}, "", {}, "have to lie in folders"),
        (PrototypesEngine, {"notes.txt": b"hello"}, "", {}, "no picture in here"),
        (PrototypesEngine, SUPPORT, "red\nblue\ngreen: a meadow", {}, "understands no words, and “green” has no pic"),
        (PrototypesEngine, {}, "red\nblue", {}, "understands no words"),
        (PrototypesEngine, SUPPORT, "", {"head": "magic"}, "no head called “magic”"),
        (PrototypesEngine, SUPPORT, "", {"head": "zero-shot"}, "has no words"),
        (PrototypesEngine, SUPPORT, "red: a\nRed: b", {}, "“Red” is there twice"),
        (PrototypesEngine, SUPPORT, "", {"only": "everything"}, "The option “only”"),
        (PrototypesEngine, SUPPORT, "", {"templates": "poem"}, "The option “templates”"),
        (PrototypesEngine, SUPPORT, "", {"reject": "maybe"}, "The option “reject”"),
        (PrototypesEngine, SUPPORT, "", {"seed": "1.5"}, "The option “seed”"),
        (Lookup, {}, "red", {}, "at least two classes"),
        (Lookup, {**SUPPORT, "red/1.png": colour((9, 9, 9))[:50]}, "", {"head": "nearest"}, "“red” has no picture"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(
    tmp_path: Path, engine: type[FeatureEngine], support: dict[str, bytes], classes: str, options: dict, said: str
) -> None:
    inputs = {"query": laid_out(tmp_path / "q", {"1.png": colour((1, 2, 3))})}
    if support:
        inputs["support"] = laid_out(tmp_path / "s", support)
    if classes:
        inputs["classes"] = tmp_path / "classes.txt"
        inputs["classes"].write_text(classes)
    with pytest.raises(UserError, match=said) as caught:
        list(engine_of(engine).run(inputs, options, tmp_path / "out"))
    assert str(caught.value).endswith(".")


def test_a_class_called_like_a_column_keeps_its_own(tmp_path: Path) -> None:
    support = {"file/1.png": colour((200, 0, 0)), "class/1.png": colour((0, 0, 200))}
    inputs = {"query": laid_out(tmp_path / "q", {"1.png": colour((250, 0, 0))})}
    inputs["support"] = laid_out(tmp_path / "s", support)
    list(engine_of(PrototypesEngine).run(inputs, {}, tmp_path))
    (row,) = rows_of(tmp_path / "predictions.csv")
    assert (row["file"], row["class"]) == ("1.png", "file") and float(row["file (class)"]) > float(row["class (class)"])


def test_words_are_read_some_at_a_time_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, read = engine_of(Lookup), []
    inner = engine.encode_text
    monkeypatch.setattr(engine, "encode_text", lambda some: read.append(len(some)) or inner(some))
    inputs = {"query": laid_out(tmp_path / "q", {"1.png": colour((250, 9, 0))}), "classes": tmp_path / "classes.txt"}
    inputs["classes"].write_text("".join(f"{number}: red {number}\n" for number in range(99)) + "sky: blue\n")
    events = list(engine.run(inputs, {"only": "features"}, tmp_path / "1"))
    stages = [event.stage for event in events if isinstance(event, Progress)]
    assert read == [64, 36] and stages.index("Reading the words") < stages.index("Looking at the pictures")
    list(engine.run(inputs, {"only": "features"}, tmp_path / "2"))
    assert read == [64, 36]
    list(engine.run(inputs, {"only": "features", "templates": "ensemble"}, tmp_path / "3"))
    assert len(read) > 2  # other sentences
    with np.load(tmp_path / "2" / "features.npz") as kept:
        assert kept["words"].shape == (100, 3) and kept["words"][-1].argmax() == 2
