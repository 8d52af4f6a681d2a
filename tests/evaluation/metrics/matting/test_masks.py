"""Similarity of masks on cases that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.metrics.matting.clips import mask_scores
from evaluation.metrics.matting.frames import FramePair
from evaluation.metrics.matting.masks import boundary, boundary_f, region_j


def square(side: int = 40, low: int = 10, high: int = 30) -> np.ndarray:
    mask = np.zeros((side, side))
    mask[low:high, low:high] = 1
    return mask


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
    assert boundary_f(near, truth, tolerance=0.02) == 1  # 0.02 of the diagonal is 3 pixels
    assert boundary_f(near, truth, tolerance=1e-9) < 1
    assert boundary_f(far, truth, tolerance=0.02) < 0.2
    assert boundary_f(truth * 0, truth) == 0
    assert boundary_f(truth * 0, truth * 0) == 1


def test_f_of_a_square_with_one_of_its_four_sides_moved_away() -> None:
    truth = square(200, 40, 140)
    longer = truth.copy()
    longer[40:140, 140:180] = 1  # the right side lies 40 further out: 100 of 400 true boundary pixels are missed
    found, true = boundary(longer).sum(), boundary(truth).sum()
    recall, precision = 300 / true, (found - 180) / found  # new: two runs of 40 and a side of 100
    assert boundary_f(longer, truth, tolerance=1.0) == pytest.approx(
        2 * precision * recall / (precision + recall), abs=0.02
    )


def test_a_matte_of_bytes_or_of_fractions_is_cut_at_one_half() -> None:
    truth = square() > 0
    for alpha in (np.where(truth, 0.6, 0.4), np.where(truth, 150, 100).astype(np.uint8)):
        assert mask_scores([FramePair(0, 0.0, alpha, truth)])["means"] == {"jf": 1, "j": 1, "f": 1}
