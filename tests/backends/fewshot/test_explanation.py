"""Jobs that are asked for reasons: the files they keep, towards which direction, and what is refused."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from backends.__main__ import main
from backends.attribution.registry import attribute
from backends.attribution.types import Attribution, Subject
from backends.core.engine import Artifact, Notice, Progress
from backends.core.errors import BadInput
from backends.fewshot.base import FeatureEngine
from backends.fewshot.cards import CARDS
from backends.fewshot.classifier import Classifier
from backends.fewshot.clip.engine import ClipEngine, prepare_image
from backends.fewshot.clip.explainable import image_network, text_network
from backends.fewshot.explanation import explain_image, explain_text
from backends.fewshot.explanation.job import STAGE, crop_to_picture, visible_box
from backends.fewshot.prototypes import PrototypesEngine
from backends.fewshot.types import Classification
from backends.shared.images import read
from evaluation.synthetic.pictures import write_sample
from tests.support.fewshot_networks import RESNET, clip_folder

PROTOTYPES = next(card for card in CARDS if card.id == "prototypes")
SENTENCE = "a photo of a red car"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "pictures"
    write_sample(folder, 2)
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ClipEngine:
    return loaded(clip_folder(tmp_path_factory.mktemp("clip") / "vit"))


def loaded(folder: Path) -> ClipEngine:
    card = next(card for card in CARDS if card.engine == "clip")
    made = ClipEngine(replace(card, id="mine", tier="yours", files=(), needs=()), (folder,))
    made.load("cpu")
    return made


@pytest.fixture(scope="module")
def prototypes() -> PrototypesEngine:
    made = PrototypesEngine(PROTOTYPES)
    made.load("cpu")
    return made


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Wider than high, light in its lower left."""
    rgb = np.random.default_rng(0).integers(0, 60, (60, 100, 3), dtype=np.uint8)
    rgb[30:, :50] += 150
    Image.fromarray(rgb).save(tmp_path / "one.png")
    return tmp_path / "one.png"


def by_attention(network: Any) -> Attribution:
    return attribute(Subject("direction", lambda variants: np.zeros(len(variants)), network=network), ["attention"])


def aimed(engine: FeatureEngine, folder: Path, seed: int = 0) -> tuple[Path, np.ndarray]:
    direction = np.random.default_rng(seed).normal(size=engine.dimensions).astype(np.float32)
    direction /= np.linalg.norm(direction)
    np.savez(folder / "target.npz", direction=direction)
    return folder / "target.npz", direction


def explained(
    engine: FeatureEngine, inputs: dict[str, Path], out: Path, **options: Any
) -> tuple[list[dict[str, np.ndarray]], list[Artifact], list[Any]]:
    """The files of kind “relevance”, the artifacts and the events before."""
    events = list(engine.run(inputs, {"explain": "on", **options}, out))
    assert isinstance(events[-1], Classification)
    artifacts = [artifact for artifact in events[-1].artifacts if artifact.kind == "relevance"]
    found = []
    for artifact in artifacts:
        with np.load(artifact.path, allow_pickle=False) as file:
            found.append({name: file[name] for name in file.files})
    return found, artifacts, events[:-1]


def test_a_clip_s_map_and_words_are_those_of_its_towers(clip: ClipEngine, picture: Path, tmp_path: Path) -> None:
    target, direction = aimed(clip, tmp_path)
    inputs = {"query": picture, "target": target}
    (found,), (artifact,), events = explained(clip, inputs, tmp_path / "out", only="features", sentence=SENTENCE)
    seen = clip.prepare(read(picture).rgb)
    expected = by_attention(image_network(clip.tower, clip.pixels(seen[None]), direction))
    assert np.allclose(found["map"], expected.values, atol=1e-7) and np.ptp(found["map"]) > 0
    assert found["method"] == "attention" and artifact.name == "relevance.npz" and artifact.meta["file"] == "one.png"
    assert float(found["score"]) == pytest.approx(float(clip.embed([read(picture).rgb])[0] @ direction), abs=1e-5)
    words = by_attention(text_network(clip.network, clip.tokenizer, SENTENCE, direction))
    assert found["words"].tolist() == SENTENCE.split() and np.allclose(found["word_values"], words.values)
    assert float(found["word_score"]) == pytest.approx(float(clip.encode_text([SENTENCE])[0] @ direction), abs=1e-5)
    assert found["box"].tolist() == pytest.approx([0.2, 0, 0.8, 1], abs=0.011), "the middle square of 100 × 60"
    told = [event for event in events if isinstance(event, Progress) and event.stage == STAGE]
    assert (told[-1].done, told[-1].total) == (1, 1)


def test_a_resnet_goes_by_grad_cam_through_the_same_path(picture: Path, tmp_path: Path) -> None:
    engine = loaded(clip_folder(tmp_path / "resnet", RESNET))
    target, direction = aimed(engine, tmp_path)
    (found,), _, _ = explained(engine, {"query": picture, "target": target}, tmp_path / "out", only="features")
    assert found["method"] == "gradcam" and found["map"].shape == (8, 8) and np.ptp(found["map"]) > 0
    tower, pixels = engine.tower, engine.pixels(engine.prepare(read(picture).rgb)[None])
    with torch.enable_grad():  # Grad-CAM by hand
        x = pixels
        for name in ("stem", "layer1", "layer2"):
            x = getattr(tower, name)(x)
        x = x.detach().requires_grad_(True)
        y = tower.attnpool(tower.layer4(tower.layer3(x)))
        (slope,) = torch.autograd.grad(torch.nn.functional.normalize(y, dim=-1)[0] @ torch.from_numpy(direction), x)
    assert np.allclose(found["map"], (slope.mean((2, 3), keepdim=True) * x).sum(1)[0].detach().numpy(), atol=1e-6)


def test_without_a_target_each_answer_is_explained_against_the_others(
    prototypes: PrototypesEngine, sample: Path, tmp_path: Path
) -> None:
    support, queries = sample / "shots", tmp_path / "queries"
    queries.mkdir()
    names = sorted(path.name for path in support.iterdir())[:3]
    for name in names:
        first = sorted((support / name).iterdir())[0]
        (queries / f"{name}.png").write_bytes(first.read_bytes())
    inputs = {"query": queries, "support": support}
    found, artifacts, _ = explained(prototypes, inputs, tmp_path / "out", head="nearest")
    assert [artifact.name for artifact in artifacts] == [f"relevance-{number:03d}.npz" for number in (1, 2, 3)]
    classifier = Classifier.load(tmp_path / "out" / "head.npz")
    for name, each in zip(names, found, strict=True):
        assert str(each["name"]) == f"{name}.png" and each["method"] == "occlusion" and each["map"].shape == (8, 8)
        row = prototypes.embed([read(queries / f"{name}.png").rgb])
        slope = classifier.head.gradient(row)[0]
        best = int(classifier.predict(row).best[0])
        direction = slope[best] - np.delete(slope, best, axis=0).mean(axis=0)
        expected = float(row[0] @ direction) / np.linalg.norm(direction)
        assert float(each["score"]) == pytest.approx(expected, abs=1e-4)
        assert each["map"].max() > 0


def test_a_picture_that_cannot_be_read_is_told_and_the_others_are_explained(
    prototypes: PrototypesEngine, picture: Path, tmp_path: Path
) -> None:
    target, direction = aimed(prototypes, tmp_path)
    queries = tmp_path / "queries"
    queries.mkdir()
    (queries / "a.png").write_bytes(picture.read_bytes()[:90])
    (queries / "b.png").write_bytes(picture.read_bytes())
    (found,), _, events = explained(prototypes, {"query": queries, "target": target}, tmp_path / "out", only="features")
    assert str(found["name"]) == "b.png"
    assert float(found["score"]) == pytest.approx(float(prototypes.embed([read(picture).rgb])[0] @ direction), abs=1e-4)
    assert any("“a.png” was left out" in event.sentence for event in events if isinstance(event, Notice))


def test_a_map_is_checked_by_covering_and_by_a_network_that_knows_nothing(
    clip: ClipEngine, prototypes: PrototypesEngine, picture: Path, tmp_path: Path
) -> None:
    for engine in (clip, prototypes):
        target, _ = aimed(engine, tmp_path)
        inputs = {"query": picture, "target": target}
        (found,), (artifact,), events = explained(
            engine, inputs, tmp_path / engine.name, only="features", explain="check"
        )
        assert found["deletion"][0] == pytest.approx(float(found["score"]), abs=1e-5)
        assert found["deletion_random"].shape == (5, len(found["deletion"]))
        beats = bool((found["deletion"].mean() < found["deletion_random"].mean(1)).all())
        alike = float(found["likeness"])
        assert np.isnan(alike) == (engine is prototypes)
        assert bool(found["passes"]) == artifact.meta["passes"] == (beats and not alike >= 0.8)
        assert artifact.meta["gain"] == pytest.approx(
            float((found["deletion_random"].mean(0) - found["deletion"]).mean()), abs=1e-5
        )
        said = [event.sentence for event in events if isinstance(event, Notice)]
        assert any(
            "one.png" in sentence and ("Covering" in sentence or "knows nothing" in sentence) for sentence in said
        )


@pytest.mark.parametrize(
    ("mode", "shape", "box"),
    [
        ("shortest", (60, 120), (0.25, 0, 0.75, 1)),
        ("shortest", (200, 100), (0, 0.25, 1, 0.75)),
        ("squash", (60, 120), (0, 0, 1, 1)),
        ("longest", (50, 100), (0, -0.5, 1, 1.5)),
    ],
)
def test_the_part_that_is_seen_is_found_by_preparing_a_ruler(
    mode: str, shape: tuple[int, int], box: tuple[float, ...]
) -> None:
    assert visible_box(lambda rgb: prepare_image(rgb, 32, mode, "bicubic"), (*shape, 3)) == pytest.approx(
        box, abs=0.021
    )


def test_what_lies_in_a_frame_around_the_picture_is_cut_off() -> None:
    values = np.arange(16.0).reshape(4, 4)
    kept, box = crop_to_picture(values, (0, -0.5, 1, 1.5))
    assert kept.tolist() == values[1:3].tolist() and box == (0, 0, 1, 1)
    kept, box = crop_to_picture(values, (0.25, 0, 0.75, 1))
    assert kept is not values and kept.tolist() == values.tolist() and box == (0.25, 0, 0.75, 1)


def test_words_are_weighed_by_leaving_them_out_where_attention_cannot_be_seen(
    clip: ClipEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    direction = np.random.default_rng(0).normal(size=24).astype(np.float32)
    assert explain_text(clip, SENTENCE, direction).method == "attention"
    monkeypatch.setattr(clip, "text_network", lambda sentence, direction: None)
    found = explain_text(clip, SENTENCE, direction)
    rows = clip.encode_text([SENTENCE, "a photo of a car"]) @ direction
    assert found.method == "omission" and found.values[4] == pytest.approx(float(rows[0] - rows[1]), abs=1e-5)


def test_a_tower_of_another_make_is_explained_by_covering(
    clip: ClipEngine, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip, "image_network", lambda prepared, direction: None)
    rgb = read(picture).rgb
    found = explain_image(clip, clip.prepare(rgb), np.eye(24, dtype=np.float32)[0])
    assert found.method == "occlusion" and np.ptp(found.values) > 0
    assert found.score == pytest.approx(float(clip.embed([rgb])[0, 0]), abs=1e-5)


def bytes_of(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (b"no archive", "holds no direction"),
        (bytes_of(other=np.zeros(24)), "holds no direction"),
        (bytes_of(direction=np.array([{"a": 1}], dtype=object)), "holds no direction"),
        (bytes_of(direction=np.array(["a"] * 24)), "holds no direction"),
        (bytes_of(direction=np.zeros(7, np.float32)), "a row of 24 finite numbers"),
        (bytes_of(direction=np.zeros((1, 24), np.float32)), "a row of 24 finite numbers"),
        (bytes_of(direction=np.full(24, np.nan)), "a row of 24 finite numbers"),
        (None, "nothing to explain"),
    ],
)
def test_a_target_that_is_no_direction_is_refused_before_a_picture_is_looked_at(
    clip: ClipEngine, picture: Path, tmp_path: Path, target: bytes | None, said: str
) -> None:
    inputs = {"query": picture}
    if target is not None:
        inputs["target"] = tmp_path / "target.npz"
        inputs["target"].write_bytes(target)
    with pytest.raises(BadInput, match=said):
        next(iter(clip.run(inputs, {"explain": "on", "only": "features"}, tmp_path)))


def test_options_of_reasons_are_read_in_words(clip: ClipEngine, picture: Path, tmp_path: Path) -> None:
    for options, said in (({"explain": "maybe"}, "“explain” is one of"), ({"sentence": "a " * 900}, "1,000 letters")):
        with pytest.raises(BadInput, match=said):
            list(clip.run({"query": picture}, options, tmp_path))


def test_an_engine_without_words_says_so(prototypes: PrototypesEngine, picture: Path, tmp_path: Path) -> None:
    target, _ = aimed(prototypes, tmp_path)
    inputs = {"query": picture, "target": target}
    (found,), _, events = explained(prototypes, inputs, tmp_path / "out", only="features", sentence="a red car")
    assert "words" not in found
    assert any(isinstance(event, Notice) and "understands no words" in event.sentence for event in events)
    with pytest.raises(BadInput, match="understands no words"):
        explain_text(prototypes, "a car", np.zeros(prototypes.dimensions))


def test_closing_stops_after_the_picture_at_hand(clip: ClipEngine, tmp_path: Path, monkeypatch: Any) -> None:
    with zipfile.ZipFile(tmp_path / "three.zip", "w") as archive:
        for number in range(3):
            file = io.BytesIO()
            Image.fromarray(np.full((40, 40, 3), 80 * number, np.uint8)).save(file, "PNG")
            archive.writestr(f"{number}.png", file.getvalue())
    target, _ = aimed(clip, tmp_path)
    explained_ones: list[int] = []
    inner = clip.image_network
    monkeypatch.setattr(clip, "image_network", lambda *args: (explained_ones.append(1), inner(*args))[1])
    inputs = {"query": tmp_path / "three.zip", "target": target}
    with closing(clip.run(inputs, {"explain": "on", "only": "features"}, tmp_path)) as events:  # type: ignore[type-var]
        next(event for event in events if isinstance(event, Progress) and event.stage == STAGE and event.done == 1)
    assert len(explained_ones) == 1


def test_on_the_terminal(sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = sorted((sample / "shots").rglob("*.*"))[0]
    told = ["run", "fewshot", str(query), "--support", str(sample / "shots"), "--engine", "prototypes"]
    assert main([*told, "--explain", "on", "--out", str(tmp_path), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)["artifacts"]
    assert "relevance" in {item["kind"] for item in made} and (tmp_path / "relevance.npz").is_file()
