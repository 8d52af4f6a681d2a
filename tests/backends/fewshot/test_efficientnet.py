"""EfficientNet-Lite0 as it ships: features of pictures, told apart after one example, with maps of where it looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import WeightsBroken, WeightsMissing
from backends.fewshot.cards import CARDS
from backends.fewshot.efficientnet import EfficientNetEngine, read_network
from backends.fewshot.explanation import explain_image
from backends.serving.host import Host
from evaluation.synthetic.pictures import shots

CARD = next(card for card in CARDS if card.id == "efficientnet-lite0")


@pytest.fixture(scope="module")
def engine() -> EfficientNetEngine:
    made = EfficientNetEngine(CARD, Host().paths(CARD))
    made.load("cpu")
    return made


def test_pictures_of_a_kind_are_nearer_to_each_other_than_to_other_kinds(engine: EfficientNetEngine) -> None:
    rows = np.stack([engine.embed([shot.rgb for shot in shots(kind, 2, seed=3)]) for kind in ("ball", "leaf")])
    assert rows.shape == (2, 2, 1280) and np.allclose(np.linalg.norm(rows, axis=-1), 1, atol=1e-5)
    alike = np.einsum("kid,ljd->klij", rows, rows)
    assert min(alike[kind, kind, 0, 1] for kind in range(2)) > alike[0, 1].max()
    assert not engine.understands_words and engine.encode_text(["a ball"]) is None


def test_a_map_by_gradients_shows_the_place_that_speaks_for_a_direction(engine: EfficientNetEngine) -> None:
    picture = np.full((224, 224, 3), 240, np.uint8)
    plain = engine.embed([picture])[0]
    ball = engine.prepare(shots("ball", 1, seed=3)[0].rgb)
    picture[112:, :112] = ball[::2, ::2]
    seen = engine.embed([picture])[0]
    found = explain_image(engine, picture, (seen - plain) / np.linalg.norm(seen - plain))
    assert found.method == "gradcam" and found.values.shape[0] >= 6
    half = found.values.shape[0] // 2
    quarters = [
        part.sum() for rows in (found.values[:half], found.values[-half:]) for part in (rows[:, :half], rows[:, -half:])
    ]
    assert int(np.argmax(quarters)) == 2, "below, on the left"


def test_weights_that_are_not_its_own_are_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    with pytest.raises(WeightsMissing, match="come with Fourfold"):
        EfficientNetEngine(CARD).load("cpu")
    save_file({"visual.trunk.conv_stem.weight": torch.zeros(32, 3, 3, 3)}, str(tmp_path / "part.safetensors"))
    (tmp_path / "text.safetensors").write_text("no weights")
    for name in ("part", "text"):
        with pytest.raises(WeightsBroken, match="does not hold an EfficientNet-Lite0"):
            read_network(tmp_path / f"{name}.safetensors")
