"""Smoothing over time: flickers go, movement stays, and the measure of unrest is what it says."""

from __future__ import annotations

import numpy as np
import pytest

from backends.matting.finishing.temporal import Smoother, flicker, luma, one_frame_delay, still_pixels

CALM = np.ones((4, 4), bool)


def test_a_flash_between_two_frames_that_agree_becomes_their_mean() -> None:
    before, flash, after = np.full((4, 4), 0.80), np.full((4, 4), 0.2), np.full((4, 4), 0.86)
    assert one_frame_delay(before, flash, after, CALM) == pytest.approx(0.83)


@pytest.mark.parametrize(
    ("before", "now", "after"),
    [(0.1, 0.5, 0.9), (0.1, 0.15, 0.12), (0.1, 0.9, 0.9)],
    ids=["passing through", "hardly off", "a step"],
)
def test_everything_else_stays(before: float, now: float, after: float) -> None:
    mattes = [np.full((4, 4), value) for value in (before, now, after)]
    assert np.array_equal(one_frame_delay(*mattes, CALM), mattes[1])


def test_where_the_picture_moves_nothing_is_smoothed() -> None:
    quiet, flash = np.zeros((4, 4)), np.ones((4, 4))
    assert np.array_equal(one_frame_delay(quiet, flash, quiet, ~CALM), flash)


def test_still_is_above_noise_and_below_movement() -> None:
    rng = np.random.default_rng(0)
    scene = np.full((60, 60, 3), 120, np.uint8)
    noisy = np.clip(scene + rng.normal(0, 4, scene.shape), 0, 255).astype(np.uint8)
    moved = scene.copy()
    moved[20:40] = 180
    assert still_pixels(luma(scene), luma(noisy)).mean() > 0.98
    assert not still_pixels(luma(scene), luma(moved))[25:35].any()


def test_flicker_is_the_mean_change_over_still_pixels() -> None:
    calm = np.zeros((10, 10), bool)
    calm[:5] = True
    changed = np.zeros((10, 10))
    changed[0] = 0.5  # a fifth of the still pixels by half
    changed[9] = 1.0  # movement does not count
    assert flicker(np.zeros((10, 10)), changed, calm) == pytest.approx(0.1)
    assert flicker(np.zeros((10, 10)), changed, ~calm & False) == 0


def run(smoother: Smoother[int], mattes: list[np.ndarray], frames: list[np.ndarray]):  # type: ignore[no-untyped-def]
    done = [moment for i, (f, a) in enumerate(zip(frames, mattes, strict=True)) for moment in smoother.push(i, f, a)]
    return done + smoother.flush()


def test_the_smoother_gives_every_frame_once_in_order_one_late() -> None:
    frames, mattes = [np.zeros((8, 8, 3), np.uint8)] * 5, [np.full((8, 8), i / 10) for i in range(5)]
    smoother: Smoother[int] = Smoother()
    assert smoother.push(0, frames[0], mattes[0]) == []
    assert [moment.payload for moment in smoother.push(1, frames[1], mattes[1])] == [0]
    rest = run(smoother, mattes[2:], frames[2:])
    assert len(rest) == 4


@pytest.mark.parametrize("active", [True, False])
def test_smoothing_can_be_left_off_and_the_unrest_is_measured_both_ways(active: bool) -> None:
    frames = [np.zeros((8, 8, 3), np.uint8)] * 5
    mattes = [np.full((8, 8), value) for value in (0.0, 0.0, 1.0, 0.0, 0.0)]
    done = run(Smoother(active), mattes, frames)
    assert done[2].alpha.max() == (0.0 if active else 1.0)
    assert sum(moment.flicker_raw for moment in done) == pytest.approx(2.0)
    assert sum(moment.flicker for moment in done) == pytest.approx(0.0 if active else 2.0)


def test_a_hand_that_passes_in_one_frame_is_not_taken_for_a_flicker() -> None:
    frames = [np.zeros((16, 16, 3), np.uint8) for _ in range(3)]
    frames[1][4:12, 4:12] = 200
    mattes = [np.zeros((16, 16)) for _ in range(3)]
    mattes[1][4:12, 4:12] = 1
    assert run(Smoother(), mattes, frames)[1].alpha[8, 8] == 1


def test_flicker_looks_only_where_the_picture_stands_still() -> None:
    frame = np.full((40, 40, 3), 100, np.uint8)
    moved = frame.copy()
    moved[:, 20:] = 200
    alpha, other = np.zeros((40, 40)), np.zeros((40, 40))
    other[:, 30:] = 1  # changes only where the picture did
    assert flicker(alpha, other, still_pixels(luma(frame), luma(moved))) == 0
    assert flicker(alpha, other, still_pixels(luma(frame), luma(frame))) == pytest.approx(0.25)
