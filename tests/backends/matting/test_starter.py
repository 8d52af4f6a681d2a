"""The starter of videos, by what it does: the person of the project's own clip is cut out, by either way of running."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from backends.matting.cards import CARDS
from backends.matting.engines.modnet_engine import FromBytes, ModnetEngine
from backends.matting.engines.modnet_weights import load_modnet
from backends.weights.store import WeightStore
from evaluation.metrics.matting.masks import region_j
from evaluation.metrics.matting.mattes import mad
from evaluation.synthetic.clip import Rendered, make_clip

pytestmark = pytest.mark.slow

CARD = next(card for card in CARDS if card.id == "modnet-starter")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ModnetEngine:
    engine = ModnetEngine(CARD, WeightStore(tmp_path_factory.mktemp("weights")).paths(CARD))
    engine.load("cpu")
    return engine


@pytest.fixture(scope="module")
def frames() -> list[Rendered]:
    clip = make_clip(3.0)
    return [clip[index] for index in (0, 29, 58, 87)]


def matte(engine: ModnetEngine, rgb: np.ndarray) -> np.ndarray:
    height, width = engine.working_size(*rgb.shape[:2])
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(engine.mattes(small[None])[0], rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def test_the_person_of_the_sample_clip_is_cut_out(engine: ModnetEngine, frames: list[Rendered]) -> None:
    found = [matte(engine, frame.rgb) for frame in frames]
    errors = [mad(alpha, frame.alpha) for alpha, frame in zip(found, frames, strict=True)]
    overlaps = [region_j(alpha > 0.5, frame.alpha > 0.5) for alpha, frame in zip(found, frames, strict=True)]
    assert np.mean(errors) < 0.1 and min(overlaps) > 0.7  # nothing at all is 0.27, everything 0.73


def test_both_ways_of_running_give_the_same_matte(engine: ModnetEngine, frames: list[Rendered]) -> None:
    small = cv2.resize(frames[0].rgb, (320, 192), interpolation=cv2.INTER_AREA)[None]
    with torch.inference_mode():
        expected = FromBytes(load_modnet(engine.weights[0]))(torch.from_numpy(small)).numpy()
    assert np.abs(engine.mattes(small) - expected).max() < 2e-3


def test_its_size_is_that_of_the_card() -> None:
    network = load_modnet(WeightStore().paths(CARD)[0])
    assert sum(parameter.numel() for parameter in network.parameters()) == CARD.parameters
    assert CARD.files[0].bytes < 5e6
