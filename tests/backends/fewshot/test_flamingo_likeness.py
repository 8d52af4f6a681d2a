"""A Flamingo that knows likeness by another network's tower: complete weights or none, and published ones as ever."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import WeightsBroken, WeightsMissing
from backends.fewshot.cards import CARDS
from backends.fewshot.clip.engine import ClipEngine
from backends.fewshot.flamingo.interleave import ASK_NAME, Turn
from backends.fewshot.flamingo.likeness import SETTING, TOWER_FILE, BorrowedEye
from backends.fewshot.flamingo.model import IdeficsModel
from backends.weights.locations import STARTERS
from tests.support.fewshot_networks import CLASSES, idefics_folder

SHARE, WIDTH, BORROWED = 0.75, 16, 512
TOWER = STARTERS / "clip-starter" / TOWER_FILE


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return idefics_folder(tmp_path_factory.mktemp("weights") / "idefics")


@pytest.fixture(scope="module")
def folder(published: Path) -> Path:
    """The same network with a setting more."""
    made = shutil.copytree(published, published.with_name("borrowing"))
    config = json.loads((made / "config.json").read_text())
    (made / "config.json").write_text(json.dumps({**config, SETTING: SHARE}))
    return made


def picture(seed: int = 0, width: int = 90) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (40, width, 3), dtype=np.uint8)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_likeness_is_the_weighted_mean_of_both_and_words_read_what_they_read(folder: Path, published: Path) -> None:
    own, both = IdeficsModel(published, "cpu"), IdeficsModel(folder, "cpu", TOWER)
    eye = BorrowedEye(TOWER, SHARE, "cpu")
    seen = [
        (own.encode_image(picture(seed)), both.encode_image(picture(seed)), eye.look(picture(seed))) for seed in (1, 2)
    ]
    (a, a_both, a_eye), (b, b_both, b_eye) = seen
    expected = (1 - SHARE) * cosine(a.feature, b.feature) + SHARE * cosine(a_eye, b_eye)
    assert cosine(a_both.feature, b_both.feature) == pytest.approx(expected, abs=1e-5)
    assert a_both.latents.equal(a.latents), "what the words read is not changed"
    assert (own.dimensions, both.dimensions) == (WIDTH, WIDTH + BORROWED) == (len(a.feature), len(a_both.feature))


def test_the_tower_is_the_clip_starters_and_sees_the_whole_picture() -> None:
    card = next(card for card in CARDS if card.id == "clip-starter")
    engine = ClipEngine(card, tuple(STARTERS / file.path / file.name for file in card.files))
    engine.load("cpu")
    eye = BorrowedEye(TOWER, SHARE, "cpu")
    square = picture(width=40)
    assert eye.look(square) @ engine.embed([square])[0] > 0.999, "of a square picture both see the same"
    middle = picture(2, 40)
    one, other = (np.concatenate([picture(seed, 40), middle, picture(seed + 1, 40)], axis=1) for seed in (3, 5))
    assert engine.embed([one])[0] @ engine.embed([other])[0] > 0.99 > eye.look(one) @ eye.look(other)


def test_a_prompt_is_read_as_without_it(folder: Path, published: Path) -> None:
    scores = []
    for model in (IdeficsModel(published, "cpu"), IdeficsModel(folder, "cpu", TOWER)):
        seen = [model.encode_image(picture(seed)) for seed in range(3)]
        for shown in (0, 2):
            turns = [*(Turn("", ASK_NAME, CLASSES[number]) for number in range(shown)), Turn("", ASK_NAME)]
            pieces = model.tokenizer.split(turns, CLASSES)
            held = model.prefill(pieces.shots, [each.latents for each in seen[:shown]])
            scores.append(model.score_candidates(held, pieces, seen[2]))
    assert np.allclose(scores[0], scores[2]) and np.allclose(scores[1], scores[3])
    assert not np.allclose(scores[0], scores[1])


def test_the_file_is_there_and_sound_or_it_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=f"put its {TOWER_FILE} here"):
        IdeficsModel(folder, "cpu")
    with pytest.raises(WeightsBroken, match="does not hold an EfficientNet-Lite0"):
        IdeficsModel(folder, "cpu", folder / "model.safetensors")
    own = shutil.copytree(folder, tmp_path / "own")
    shutil.copy(TOWER, own / TOWER_FILE)
    assert IdeficsModel(own, "cpu").dimensions == WIDTH + BORROWED, "in a folder of one's own it lies with the others"
