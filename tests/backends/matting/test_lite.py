"""Networks in LiteRT's format: anyone's own, and the selfie networks with a solved edge, where their weights are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import EngineFailed, WeightsBroken, WeightsMissing
from backends.matting import CARDS
from backends.matting.engines.lite_edge import LiteEdgeEngine
from backends.matting.engines.lite_engine import LiteEngine
from backends.matting.engines.lite_network import LiteNetwork, _from_tensor, _to_tensor
from evaluation.metrics.matting.mattes import mad
from evaluation.synthetic.clip import make_clip
from tests.support.lite_networks import TWO_CLASSES, lite_network
from tests.support.matting import CARD, MakeVideo, finish, pictures_of, truth
from tests.support.matting_networks import HALVES
from tests.support.packaged import packaged_files

SELFIE_EDGE = next(card for card in CARDS if card.id == "selfie-edge")


def loaded(path: Path, **recipe: object) -> LiteEngine:
    if recipe:
        path.with_suffix(".json").write_text(json.dumps(recipe))
    engine = LiteEngine(CARD, (path,))
    engine.load("cpu")
    return engine


@pytest.mark.parametrize(("size", "batch"), [((32, 32), 1), ((-1, -1), 1), ((-1, -1), -1), ((48, 16), 1)])
def test_a_network_of_ones_own_cuts_out_what_it_answers(tmp_path: Path, size: tuple[int, int], batch: int) -> None:
    alphas = loaded(lite_network(tmp_path / "red.tflite", size=size, batch=batch)).mattes(HALVES)
    assert alphas.shape == (2, 64, 64) and alphas.dtype == np.float32
    assert alphas[0, :, 36:].min() > 0.99 and alphas[1, :, :28].max() < 0.01


@pytest.mark.parametrize(
    ("recipe", "inside", "outside"),
    [
        ({"channels": "BGR"}, 0.0, 1.0),
        ({"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}, 1.0, 0.0),
        ({"activation": "sigmoid", "output": "alpha"}, 1 / (1 + np.exp(-1)), 0.5),
    ],
)
def test_the_recipe_is_that_of_networks_in_onnx(
    tmp_path: Path, recipe: dict[str, object], inside: float, outside: float
) -> None:
    alphas = loaded(lite_network(tmp_path / "red.tflite"), **recipe).mattes(HALVES)
    assert alphas[0, 20, 50] == pytest.approx(inside, abs=0.01)
    assert alphas[0, 20, 10] == pytest.approx(outside, abs=0.01)


def test_one_of_several_classes_can_be_the_person(tmp_path: Path) -> None:
    path = lite_network(tmp_path / "two.tflite", TWO_CLASSES)
    alphas = loaded(path, activation="softmax", person=1).mattes(HALVES)
    assert alphas[0, 20, 50] == pytest.approx(1 / (1 + np.exp(-2)), abs=0.01)
    assert alphas[0, 20, 10] == pytest.approx(0.5, abs=0.01)
    with pytest.raises(EngineFailed, match="2 classes"):
        loaded(path, person=2).mattes(HALVES)


def test_integers_stand_for_numbers_on_their_scale() -> None:
    tensor = {"dtype": np.int8, "quantization": (0.5, -3)}
    stored = _to_tensor(np.float32([-1, 0, 2, 1000]), tensor)
    assert stored.tolist() == [-5, -3, 1, 127]
    assert _from_tensor(stored, tensor).tolist() == [-1, 0, 2, 65]


@pytest.mark.parametrize("damage", ["words", "cut off", "empty"])
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, damage: str) -> None:
    whole = lite_network(tmp_path / "red.tflite").read_bytes()
    content = {"words": b"no network", "cut off": whole[:300], "empty": b""}[damage]
    (tmp_path / "damaged.tflite").write_bytes(content)
    with pytest.raises(WeightsBroken, match="LiteRT"):
        LiteEngine(CARD, (tmp_path / "damaged.tflite",)).load("cpu")
    with pytest.raises(WeightsMissing):
        LiteEngine(CARD, (tmp_path / "absent.tflite",)).load("cpu")
    with pytest.raises(WeightsMissing):
        LiteEngine(CARD).load("cpu")


def test_a_recipe_that_names_no_output_of_the_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsBroken, match="does not have"):
        loaded(lite_network(tmp_path / "red.tflite"), output="nowhere")


# The engine with a solved edge, by a network that answers with what is red


@pytest.fixture
def red_edge(tmp_path: Path) -> LiteEdgeEngine:
    square = lite_network(tmp_path / "square.tflite", size=(48, 48))
    wide = lite_network(tmp_path / "wide.tflite", ([0, 0, 0],), size=(36, 64))
    engine = LiteEdgeEngine(CARD, (wide, square))
    engine.load("cpu")
    return engine


def test_wide_pictures_go_to_the_network_for_them(red_edge: LiteEdgeEngine) -> None:
    red = np.zeros((1, 90, 160, 3), np.uint8)
    red[..., 0] = 255
    assert red_edge.answer(red[0]).max() == 0, "the wide one answers 0 to everything here"
    assert red_edge.answer(red[0, :, :90]).min() == 1


def test_the_edge_is_finer_than_what_the_network_sees(tmp_path: Path) -> None:
    path = lite_network(tmp_path / "red.tflite", size=(18, 32))
    frame = np.full((180, 320, 3), (20, 90, 140), np.uint8)
    frame[70:170, 93:224] = (255, 40, 30)
    true = (frame[..., 0] == 255).astype(np.float32)
    engines = LiteEngine(CARD, (path,)), LiteEdgeEngine(CARD, (path,))
    for engine in engines:
        engine.load("cpu")
    plain, edge = (mad(engine.mattes(frame[None])[0], true) for engine in engines)
    assert edge < 0.002 and plain > 0.01


def test_a_video_goes_through_from_file_to_file(red_edge: LiteEdgeEngine, tmp_path: Path, video: MakeVideo) -> None:
    path = video(frames=4)
    red_edge._networks = red_edge._networks[:1]
    result, _ = finish(red_edge.run({"media": path}, {"export": "luma"}, tmp_path / "out"))
    assert result.frames == 4 and (tmp_path / "out" / "alpha.mkv").is_file()
    last = pictures_of(tmp_path / "out" / "alpha.mkv", "gray")[3]
    assert last[truth(3)].mean() > 230


def test_without_weights_the_sentence_says_what_to_do() -> None:
    with pytest.raises(WeightsMissing, match="download"):
        LiteEdgeEngine(replace(CARD, engine="lite_edge")).load("cpu")


# With the published weights


@pytest.mark.slow
def test_the_published_networks_cut_the_person_out_of_the_sample_clip() -> None:
    engine = LiteEdgeEngine(SELFIE_EDGE, packaged_files(SELFIE_EDGE))
    engine.load("cpu")
    clip, mattes = make_clip(0.2, 400, 225, 10), engine.begin()
    for index in range(2):
        alpha = mattes(clip[index].rgb[None])[0]
        assert mad(alpha, clip[index].alpha) < 0.02
    assert [network.input_shape[1:3] for network in engine._networks] == [(256, 256), (144, 256)]
    assert LiteNetwork(packaged_files(SELFIE_EDGE)[1]).input_shape[1:3] == (144, 256)
