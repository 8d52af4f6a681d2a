"""The edge that is solved only where the picture changed."""

from __future__ import annotations

import numpy as np
import pytest

from backends.matting.engines import edge_tracker
from backends.matting.engines.edge_tracker import EdgeTracker, clean
from tests.support.matting import scene, truth

SIZE = {"width": 160, "height": 96}


def answer(index: int, doubt: float = 0.0, seed: int = 0) -> np.ndarray:
    """What a network would say of the disk of `scene`, unsure by as much as `doubt`."""
    picture = scene(index, **SIZE).astype(np.float32)
    red = np.clip((picture[..., 0] - picture[..., 1:].max(axis=2) - 40) / 120, 0, 1)
    return np.clip(red + np.random.default_rng(seed).uniform(-doubt, doubt, red.shape), 0, 1).astype(np.float32)


def noisy(index: int, seed: int) -> np.ndarray:
    """The scene with a camera's noise, `(H, W, 3)` uint8."""
    noise = np.random.default_rng(seed).normal(0, 2, (SIZE["height"], SIZE["width"], 3))
    return np.clip(scene(index, **SIZE) + noise, 0, 255).astype(np.uint8)


def test_a_still_picture_has_a_still_edge_whatever_the_network_says() -> None:
    tracker = EdgeTracker()
    alphas = [tracker.alpha(noisy(0, seed), answer(0, 0.4, seed)) for seed in range(5)]
    network = [answer(0, 0.4, seed) for seed in range(5)]
    assert np.abs(np.diff(network, axis=0)).mean() > 0.05
    assert np.abs(np.diff(alphas[1:], axis=0)).mean() < 1e-3


def test_what_moves_is_followed_at_once_and_only_there_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    solved = []

    def solve(frame, alpha, unknown, guess):  # type: ignore[no-untyped-def]
        solved.append(np.count_nonzero(unknown))
        return original(frame, alpha, unknown, guess)

    original = edge_tracker.solve
    monkeypatch.setattr(edge_tracker, "solve", solve)
    tracker = EdgeTracker()
    for index in (0, 0, 4):
        alpha = tracker.alpha(scene(index, **SIZE), answer(index))
    first, same, moved = solved
    assert same == 0 < moved <= first
    assert alpha[truth(4, **SIZE)].min() > 0.95 and alpha[:, :10].max() < 0.05


def test_a_new_scene_forgets_the_old_one() -> None:
    tracker = EdgeTracker()
    tracker.alpha(scene(0, **SIZE), answer(0))
    rng = np.random.default_rng(1)
    other = rng.integers(0, 255, (SIZE["height"], SIZE["width"], 3), np.uint8)
    nobody = np.zeros(other.shape[:2], np.float32)
    assert tracker.alpha(other, nobody).max() == 0


def test_nobody_is_an_empty_matte_and_crumbs_are_nobody() -> None:
    frame, nobody = scene(0, **SIZE), np.zeros((96, 160), np.float32)
    tracker = EdgeTracker()
    assert tracker.alpha(frame, nobody).max() == 0
    nobody[5:8, 5:8] = 1
    assert tracker.alpha(frame, nobody).max() == 0
    assert not clean(nobody > 0.5).any()


def test_specks_go_and_pinholes_close() -> None:
    mask = np.zeros((60, 60), bool)
    mask[10:50, 10:50] = True
    mask[30, 30] = False
    mask[2:6, 2:6] = True
    whole = clean(mask)
    assert whole[30, 30] and not whole[2:6, 2:6].any() and whole[12:48, 12:48].all()
