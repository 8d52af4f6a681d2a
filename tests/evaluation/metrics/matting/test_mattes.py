"""Matting scores on cases that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.metrics.matting.mattes import (
    boundary,
    boundary_f,
    clip_scores,
    connectivity,
    dtssd,
    flicker,
    frame_scores,
    gradient,
    gradient_magnitude,
    mad,
    mse,
    region_j,
    sad,
)


def square(side: int = 40, low: int = 10, high: int = 30) -> np.ndarray:
    mask = np.zeros((side, side))
    mask[low:high, low:high] = 1
    return mask


def test_a_matte_that_is_off_by_a_quarter_everywhere() -> None:
    truth, alpha = np.full((50, 40), 0.5), np.full((50, 40), 0.75)
    assert sad(alpha, truth) == pytest.approx(0.25 * 2000 / 1000)
    assert mad(alpha, truth) == pytest.approx(0.25)
    assert mse(alpha, truth) == pytest.approx(0.0625)
    assert gradient(alpha, truth) == pytest.approx(0)  # both are flat


def test_bytes_count_from_0_to_255() -> None:
    assert mad(np.full((4, 4), 255, np.uint8), np.full((4, 4), 0.5)) == pytest.approx(0.5)


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="one shape"):
        mad(np.zeros((3, 3)), np.zeros((3, 4)))


def test_the_right_matte_has_no_error_at_all() -> None:
    truth = square()
    scores = frame_scores(truth, truth, (truth, truth))
    assert (scores.sad, scores.mad, scores.mse, scores.gradient, scores.connectivity, scores.dtssd) == (0,) * 6


def test_gradient_of_a_ramp_is_the_same_everywhere_and_grows_with_its_slope() -> None:
    ramp = np.tile(np.linspace(0, 1, 101), (40, 1))
    inside = gradient_magnitude(ramp)[10:-10, 10:-10]
    assert inside.std() == pytest.approx(0, abs=1e-9)
    # A filter of unit energy that is a Gaussian derivative answers a slope s with s / (2·√π·…)^½: twice for twice.
    assert gradient_magnitude(ramp / 2)[20, 50] == pytest.approx(inside.mean() / 2)
    x = np.arange(-5, 6)
    bell = np.exp(-(x**2) / (2 * 1.4**2))
    slope = x * bell
    expected = 0.01 * bell.sum() * (x * slope).sum() / np.sqrt(np.square(np.outer(bell, slope)).sum())
    assert inside.mean() == pytest.approx(expected)


def test_gradient_error_sees_a_blurred_edge_and_not_a_shade() -> None:
    sharp = square()
    soft = sharp.copy()
    soft[:, 9:11] = 0.5 * sharp[:, 15:16]
    assert gradient(soft, sharp) > 0.001
    assert gradient(sharp * 0.9, sharp) < gradient(soft, sharp)


def test_connectivity_counts_an_island_by_how_far_it_sticks_out() -> None:
    truth = square()
    island = truth.copy()
    island[2:5, 2:5] = 0.8  # 9 pixels, apart from the body: level 0, so φ = 1 − 0.8 against 1
    assert connectivity(island, truth) == pytest.approx(9 * 0.8 / 1000)


def test_connectivity_forgives_less_than_its_margin() -> None:
    truth = square()
    faint = truth.copy()
    faint[2:5, 2:5] = 0.14
    assert connectivity(faint, truth) == 0


def test_connectivity_takes_the_largest_region_as_the_source() -> None:
    truth = square()
    truth[2:5, 2:5] = 1  # a small true part, apart from the body, is at level 0 in both: no difference
    assert connectivity(truth, truth) == 0
    lost = truth.copy()
    lost[2:5, 2:5] = 0
    assert connectivity(lost, truth) == pytest.approx(9 / 1000)


def test_dtssd_ignores_a_constant_error_and_sees_a_flash() -> None:
    truth = square()
    off = np.clip(truth + 0.2, 0, 1)
    assert dtssd(off, truth, off, truth) == 0
    flash = np.ones_like(truth)
    share_outside = 1 - truth.mean()
    assert dtssd(flash, truth, truth, truth) == pytest.approx(100 * math.sqrt(share_outside))


def test_j_of_two_squares_that_overlap_by_half() -> None:
    first, second = np.zeros((20, 20)), np.zeros((20, 20))
    first[5:15, 0:10], second[5:15, 5:15] = 1, 1
    assert region_j(first, second) == pytest.approx(50 / 150)
    assert region_j(first, first) == 1
    assert region_j(first * 0, second) == 0
    assert region_j(first * 0, first * 0) == 1


def test_boundary_of_one_pixel() -> None:
    mask = np.zeros((5, 5))
    mask[2, 2] = 1
    assert sorted(map(tuple, np.argwhere(boundary(mask)).tolist())) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_f_is_whole_within_the_tolerance_and_nothing_beyond() -> None:
    truth = square(100, 20, 60)
    near, far = np.roll(truth, 2, axis=1), np.roll(truth, 30, axis=(0, 1))
    assert boundary_f(near, truth, share=0.02) == 1  # 0.02 of the diagonal is 3 pixels
    assert boundary_f(near, truth, share=1e-9) < 1
    assert boundary_f(far, truth, share=0.02) < 0.2
    assert boundary_f(truth * 0, truth) == 0
    assert boundary_f(truth * 0, truth * 0) == 1


def test_f_of_a_square_with_one_of_its_four_sides_moved_away() -> None:
    truth = square(200, 40, 140)
    longer = truth.copy()
    longer[40:140, 140:180] = 1  # the right side lies 40 further out: 100 of 400 true boundary pixels are missed
    found, true = boundary(longer).sum(), boundary(truth).sum()
    recall, precision = 300 / true, (found - 180) / found  # new: two runs of 40 and a side of 100
    assert boundary_f(longer, truth, share=1.0) == pytest.approx(
        2 * precision * recall / (precision + recall), abs=0.02
    )


def test_flicker_looks_only_where_the_picture_stands_still() -> None:
    frame = np.full((40, 40, 3), 100, np.uint8)
    moved = frame.copy()
    moved[:, 20:] = 200
    alpha, other = np.zeros((40, 40)), np.zeros((40, 40))
    other[:, 30:] = 1  # changes only where the picture did
    assert flicker(other, alpha, moved, frame) == 0
    assert flicker(other, alpha, frame, frame) == pytest.approx(25)


def test_clip_scores_are_means_and_need_a_frame() -> None:
    truth = square()
    wrong = np.clip(truth + 0.5, 0, 1)
    scores = clip_scores([(truth, truth), (wrong, truth), (wrong, truth)])
    assert scores.mad == pytest.approx(2 / 3 * mad(wrong, truth))
    assert scores.dtssd == pytest.approx(dtssd(wrong, truth, truth, truth) / 2)
    with pytest.raises(ValueError, match="at least one frame"):
        clip_scores([])
