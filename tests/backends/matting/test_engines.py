"""The engines: every one finds the person of the sample clip, each by its own means."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.core.errors import EngineFailed, WeightsBroken, WeightsMissing
from backends.matting import CARDS, ENGINES, TASK
from backends.matting.engines.classical import BackgroundPlate, ClassicalEngine, PersonTracker, remove_specks
from backends.matting.engines.modnet import MODNet
from backends.matting.engines.modnet_engine import ModnetEngine
from backends.matting.engines.onnx_engine import OnnxEngine
from backends.matting.engines.person_detection import detect_people, trimap_prior
from evaluation.metrics.matting.masks import region_j
from evaluation.metrics.matting.mattes import mad
from evaluation.synthetic.clip import make_clip
from tests.support.matting import CARD
from tests.support.matting_networks import HALVES, network


def test_the_package_is_named_without_loading_any_library() -> None:
    import subprocess
    import sys

    code = "import sys, backends.matting; print([m for m in ('torch', 'cv2', 'av', 'onnxruntime') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_card_has_an_engine_and_every_engine_a_card() -> None:
    assert {card.engine for card in CARDS} == set(ENGINES)
    assert all(TASK.engine_class(name).name == name for name in ENGINES)
    for card in CARDS:
        assert card.summary.endswith(".") and card.weak_at.endswith(".")
        assert bool(card.files) == (card.tier in ("full", "starter"))


# The classical engine


@pytest.mark.slow
def test_the_classical_engine_cuts_the_person_out_of_a_moving_scene() -> None:
    clip = make_clip(0.5, 400, 225, 10)
    mattes = ClassicalEngine(CARD).begin()
    for index in range(2):
        truth = clip[index].alpha
        alpha = mattes(clip[index].rgb[None])[0]
        assert region_j(alpha > 0.5, truth > 0.5) > 0.93
        assert mad(alpha, truth) < 0.025


@pytest.mark.slow
def test_the_sample_face_is_found_and_an_empty_garden_holds_nobody() -> None:
    clip = make_clip(0.1)
    faces = detect_people(clip[0].rgb)
    assert [find.kind for find in faces] == ["face"]
    x, y = (round(side) for side in faces[0].centre)
    assert clip[0].alpha[y, x] == 1
    garden = (clip._scenery.at(0.0) * 255).astype(np.uint8)
    assert detect_people(garden) == []


@pytest.mark.slow
def test_the_prior_holds_the_face_for_sure_and_the_sky_for_sure_not() -> None:
    import cv2

    clip = make_clip(0.1)
    mask = trimap_prior(clip[0].alpha.shape, detect_people(clip[0].rgb))
    assert clip[0].alpha[mask == cv2.GC_FGD].mean() > 0.97
    assert clip[0].alpha[mask == cv2.GC_BGD].mean() < 0.02
    assert (mask[:10] == cv2.GC_BGD).all()


def test_the_plate_learns_what_stands_still_and_starts_over_when_the_camera_moves() -> None:
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 255, (40, 60, 3), np.uint8)
    nobody = np.zeros((40, 60), bool)
    plate = BackgroundPlate()
    for _ in range(4):
        plate.learn(scene, nobody)
    covered = scene.copy()
    covered[10:30, 20:40] = 255 - scene[10:30, 20:40]
    same, other = plate.compare(covered)
    assert same[:6].mean() > 0.95 and other[14:26, 24:36].mean() > 0.4
    plate.learn(rng.integers(0, 255, (40, 60, 3), np.uint8), nobody)
    assert not plate.compare(scene)[0].any()


def test_crumbs_go_and_pinholes_close() -> None:
    mask = np.zeros((60, 60), bool)
    mask[10:50, 10:50] = True
    mask[30, 30] = False
    mask[2:6, 2:6] = True
    clean = remove_specks(mask, [])
    assert clean[30, 30] and not clean[2:6, 2:6].any() and clean[12:48, 12:48].all()


@pytest.mark.slow
def test_a_tracker_begins_again_with_every_video() -> None:
    clip = make_clip(0.2, 320, 180, 10)
    first = PersonTracker().matte(clip[0].rgb)
    engine = ClassicalEngine(CARD)
    engine.begin()(clip[1].rgb[None])
    assert np.array_equal(engine.begin()(clip[0].rgb[None])[0], first)


# Any network in ONNX


def loaded(path: Path, **recipe: object) -> OnnxEngine:
    if recipe:
        path.with_suffix(".json").write_text(json.dumps(recipe))
    engine = OnnxEngine(CARD, (path,))
    engine.load("cpu")
    return engine


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize(("batch", "size"), [(1, 32), ("b", "s"), (1, "s")])
def test_layout_and_size_are_read_off_the_network(
    tmp_path: Path, layout: str, batch: int | str, size: int | str
) -> None:
    alphas = loaded(network(tmp_path / "red.onnx", layout, "red", batch, size)).mattes(HALVES)
    assert alphas.shape == (2, 64, 64) and alphas.dtype == np.float32
    assert alphas[0, :, 36:].min() > 0.99 and alphas[1, :, :28].max() < 0.01


@pytest.mark.parametrize(
    ("recipe", "inside", "outside"),
    [
        ({"channels": "BGR"}, 0.0, 1.0),
        ({"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}, 1.0, 0.0),
        ({"activation": "sigmoid"}, 1 / (1 + np.exp(-1)), 0.5),
        ({"activation": "minmax", "mean": [0.25] * 3}, 1.0, 0.0),
    ],
)
def test_a_recipe_changes_what_goes_in_and_comes_out(
    tmp_path: Path, recipe: dict[str, object], inside: float, outside: float
) -> None:
    alphas = loaded(network(tmp_path / "red.onnx", "NHWC"), **recipe).mattes(HALVES)
    assert alphas[0, 20, 50] == pytest.approx(inside, abs=0.01)
    assert alphas[0, 20, 10] == pytest.approx(outside, abs=0.01)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_one_of_several_classes_can_be_the_person(tmp_path: Path, layout: str) -> None:
    engine = loaded(network(tmp_path / "two.onnx", layout, "classes"), activation="softmax", person=1)
    alphas = engine.mattes(HALVES)
    assert alphas[0, 20, 50] == pytest.approx(1 / (1 + np.exp(-2)), abs=0.01)
    assert alphas[0, 20, 10] == pytest.approx(0.5, abs=0.01)


def test_the_selfie_card_is_an_onnx_network_that_needs_no_recipe() -> None:
    card = next(card for card in CARDS if card.id == "selfie")
    assert card.engine == "onnx" and card.files[0].name.endswith(".onnx")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("{", "cannot be read as JSON"),
        ("[1]", "cannot be read as JSON"),
        ('{"colour": "RGB"}', "says “colour”"),
        ('{"layout": "HWCN"}', "makes no sense"),
        ('{"std": [0, 1, 1]}', "makes no sense"),
        ('{"output": "nowhere"}', "does not have"),
    ],
)
def test_a_recipe_that_is_wrong_is_refused(tmp_path: Path, said: str, words: str) -> None:
    network(tmp_path / "red.onnx", "NHWC")
    (tmp_path / "red.json").write_text(said)
    with pytest.raises(WeightsBroken, match=words):
        OnnxEngine(CARD, (tmp_path / "red.onnx",)).load("cpu")


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.onnx").write_text("no network")
    with pytest.raises(WeightsBroken, match="ONNX"):
        OnnxEngine(CARD, (tmp_path / "words.onnx",)).load("cpu")
    with pytest.raises(WeightsMissing):
        OnnxEngine(CARD, (tmp_path / "absent.onnx",)).load("cpu")
    with pytest.raises(WeightsMissing):
        OnnxEngine(CARD).load("cpu")


# MODNet as an engine


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("weights") / "small.ckpt"
    torch.save({f"module.{key}": value for key, value in MODNet(width=0.25).state_dict().items()}, path)
    return path


@pytest.mark.slow
@torch.no_grad()
def test_the_modnet_engine_gives_what_the_network_gives(checkpoint: Path) -> None:
    engine = ModnetEngine(CARD, (checkpoint,))
    engine.load("cpu")
    frames = np.random.default_rng(0).integers(0, 255, (2, 64, 96, 3), np.uint8)
    image = torch.from_numpy(frames).permute(0, 3, 1, 2) / 127.5 - 1
    from backends.matting.engines.modnet_weights import load_modnet

    expected = load_modnet(checkpoint)(image)[:, 0].numpy()
    assert np.allclose(engine.mattes(frames), expected, atol=2e-3)


@pytest.mark.slow
def test_the_modnet_engine_takes_any_size(checkpoint: Path) -> None:
    engine = ModnetEngine(CARD, (checkpoint,))
    engine.load("cpu")
    assert engine.working_size(1080, 1920) == (512, 896)
    alphas = engine.mattes(np.zeros((1, 50, 71, 3), np.uint8))
    assert alphas.shape == (1, 50, 71) and 0 <= alphas.min() <= alphas.max() <= 1


@pytest.mark.slow
def test_a_modnet_that_runs_out_of_memory_says_so(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ModnetEngine(CARD, (checkpoint,))
    engine.load("cpu")

    def run(frames: np.ndarray) -> np.ndarray:
        raise RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for buffer of 8 GB")

    monkeypatch.setattr(engine, "_run", run)
    with pytest.raises(EngineFailed, match="not enough memory"):
        engine.mattes(np.zeros((1, 64, 64, 3), np.uint8))


def test_modnet_without_weights_says_what_to_do() -> None:
    with pytest.raises(WeightsMissing, match="download"):
        ModnetEngine(replace(CARD, engine="modnet")).load("cpu")
