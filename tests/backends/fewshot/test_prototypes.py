"""Descriptors without weights: unit vectors that see colour, shape and texture, and hardly which way a thing faces."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from backends.fewshot.cards import CARDS
from backends.fewshot.prototypes import PrototypesEngine, descriptor, gradients, mirror_decomposition
from evaluation.synthetic.pictures import shots


@pytest.fixture(scope="module")
def engine() -> PrototypesEngine:
    made = PrototypesEngine(next(card for card in CARDS if card.id == "prototypes"))
    made.load("cpu")
    return made


def drawn(kind: str, count: int = 4) -> list[np.ndarray]:
    return [picture.rgb for picture in shots(kind, count, seed=3)]


def test_every_picture_is_a_unit_vector_whatever_its_size(engine: PrototypesEngine) -> None:
    shapes = [(1, 1), (3, 400), (64, 64), (500, 20)]
    rows = engine.embed([np.full((*shape, 3), 90, np.uint8) for shape in shapes])
    assert rows.shape == (4, engine.dimensions) and rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5) and np.allclose(rows, rows[0], atol=1e-5)
    assert engine.embed([]).shape == (0, engine.dimensions) and engine.encode_text(["a cat"]) is None


def test_pictures_of_a_kind_are_nearer_to_each_other_than_to_other_kinds(engine: PrototypesEngine) -> None:
    kinds = ("ball", "leaf", "star")
    rows = np.stack([engine.embed(drawn(kind)) for kind in kinds])  # (kinds, shots, D)
    alike = np.einsum("kid,ljd->klij", rows, rows)
    own = np.mean([alike[kind, kind][~np.eye(4, dtype=bool)].mean() for kind in range(3)])
    other = np.mean([alike[one, two].mean() for one in range(3) for two in range(3) if one != two])
    assert own > other + 0.03


def test_a_mirror_image_is_nearly_the_same_and_not_quite(engine: PrototypesEngine) -> None:
    for picture in drawn("leaf"):
        one, mirrored, upside = engine.embed([picture, picture[:, ::-1].copy(), picture[::-1].copy()])
        assert 0.97 < one @ mirrored < 0.9999 and one @ upside < one @ mirrored


def test_a_block_is_turned_without_loss() -> None:
    part = np.random.default_rng(0).normal(size=(3, 5, 9))
    shared, handed = mirror_decomposition(part, (1, 2))
    again, back = mirror_decomposition(np.flip(part, (1, 2)), (1, 2))
    assert np.allclose(shared, again) and np.allclose(handed, -back) and shared.size + handed.size == part.size
    assert np.square(shared).sum() + np.square(handed).sum() == pytest.approx(np.square(part).sum())


def test_the_gradients_of_a_mirror_image_are_mirrored() -> None:
    rng = np.random.default_rng(1)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 9, 3), np.uint8)).resize((64, 64), Image.Resampling.BICUBIC)
    picture = np.asarray(coarse)
    straight, mirrored = gradients(picture, 16), gradients(picture[:, ::-1], 16)
    assert straight.shape == (4, 4, 9)
    apart = np.abs(np.flip(straight, (1, 2)) - mirrored).mean()
    assert apart < 0.05 * straight.mean()  # angles on the border of two bins fall into the other one
    assert np.abs(np.flip(straight, 1) - mirrored).mean() > 5 * apart


def test_gradients_say_where_edges_run_and_in_which_direction() -> None:
    picture = np.full((64, 64, 3), 100, np.uint8)
    picture[:16, 8:] = 200  # an upright edge in the first cell
    found = gradients(picture, 16)
    assert found[0, 0].argmax() in (0, 8) and found[0, 0].max() > 0.3  # light changes from left to right: 0 degrees
    assert found[3, 3].max() == 0


def test_colour_alone_and_shape_alone_are_seen(engine: PrototypesEngine) -> None:
    ys, xs = np.indices((64, 64)) - 32
    disc, bar = np.hypot(ys, xs) < 20, np.abs(ys) < 8

    def painted(shape: np.ndarray, rgb: tuple[int, int, int]) -> np.ndarray:
        return np.where(shape[..., None], np.array(rgb), 200).astype(np.uint8)

    red_disc, blue_disc, red_bar = (
        painted(disc, (200, 30, 30)),
        painted(disc, (30, 30, 200)),
        painted(bar, (200, 30, 30)),
    )
    rows = engine.embed([red_disc, np.roll(red_disc, 2, axis=1), blue_disc, red_bar])
    assert rows[0] @ rows[1] > max(rows[0] @ rows[2], rows[0] @ rows[3])
    assert max(rows[0] @ rows[2], rows[0] @ rows[3]) < 0.9
    assert np.allclose(descriptor(engine.prepare(red_disc)), rows[0], atol=1e-6)
