"""Live mattes: calm where the picture stands still, never late where it moves, and anew when engine or size change."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from backends.core.errors import BadInput
from backends.matting import TASK
from backends.matting.base import MattingEngine
from backends.matting.cards import CARDS, ENGINES
from backends.matting.live import LiveMatter, live_sides


class Counting(MattingEngine):
    """Brightness as alpha, with noise added; counts how often it began."""

    name = "counting"

    def __init__(self, noise: float = 0.0) -> None:
        super().__init__(CARDS[-1])
        self.noise, self.begun, self._chance = noise, 0, np.random.default_rng(1)

    def load(self, device: str) -> None: ...

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        noise = self._chance.uniform(-self.noise, self.noise, frames.shape[:3])
        return np.clip(frames[..., 0] / 255 + noise, 0, 1).astype(np.float32)

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        self.begun += 1
        return self.mattes


def bar(left: int) -> np.ndarray:
    frame = np.full((48, 64, 3), 100, np.uint8)
    frame[:, left : left + 16] = 255
    return frame


def flicker_of(smoothing: bool) -> float:
    matter, engine = LiveMatter(smoothing), Counting(0.2)
    mattes = [matter.matte(engine, np.full((48, 64, 3), 128, np.uint8)).astype(float) for _ in range(12)]
    return float(np.mean([np.abs(a - b).mean() for a, b in pairwise(mattes[4:])]))


def test_a_still_picture_gets_a_calmer_matte() -> None:
    assert flicker_of(smoothing=True) < 0.5 * flicker_of(smoothing=False)


def test_what_moves_is_followed_at_once() -> None:
    matter, engine = LiveMatter(smoothing=True), Counting()
    for left in (0, 12, 24, 36):
        alpha = matter.matte(engine, bar(left))
        assert (alpha[:, left + 4 : left + 12] == 255).all()
        assert np.abs(np.delete(alpha, np.s_[max(0, left - 4) : left + 20], axis=1).astype(int) - 100).max() <= 1


def test_a_still_matte_settles_on_what_the_engine_says() -> None:
    matter, engine = LiveMatter(smoothing=True), Counting()
    frame = np.full((48, 64, 3), 100, np.uint8)
    matter.matte(engine, frame)
    for _ in range(12):
        alpha = matter.matte(engine, frame + np.uint8(3))  # less than the noise of a camera, so it counts as still
    assert np.abs(alpha.astype(int) - 103).max() <= 1


def test_another_size_or_engine_begins_anew() -> None:
    matter, engine, other = LiveMatter(), Counting(), Counting()
    assert matter.matte(engine, bar(0)).shape == (48, 64)
    matter.matte(engine, bar(4))
    assert engine.begun == 1
    assert matter.matte(engine, bar(0)[:40]).shape == (40, 64) and engine.begun == 2
    matter.matte(other, bar(0)[:40])
    assert other.begun == 1


def test_every_engine_with_sides_exists_and_one_without_is_refused_in_words() -> None:
    assert all(ENGINES[card.engine] is TASK.engine(card.engine) for card in CARDS)
    for card in CARDS:
        assert list(live_sides(card)) == sorted(set(live_sides(card)))
    from dataclasses import replace

    with pytest.raises(BadInput, match="works on files only"):
        live_sides(replace(CARDS[0], engine="something else"))
