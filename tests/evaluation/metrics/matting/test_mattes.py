"""Matting scores on cases that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.metrics.base import metrics
from evaluation.metrics.matting.clips import matte_scores
from evaluation.metrics.matting.frames import FramePair
from evaluation.metrics.matting.mattes import METRICS, connectivity, dtssd, gradient, gradient_magnitude, mad, mse, sad


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
    frame, before = FramePair(1, 0.04, truth, truth), FramePair(0, 0.0, truth, truth)
    assert {metric.id: metric.compute(frame, before) for metric in METRICS if metric.compute} == dict.fromkeys(
        ("sad", "mad", "mse", "gradient", "connectivity", "dtssd"), 0
    )


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


def clip(*pairs: tuple[np.ndarray, np.ndarray]) -> list[FramePair]:
    return [FramePair(index, index / 25, alpha, truth) for index, (alpha, truth) in enumerate(pairs)]


def test_clip_scores_are_means_and_need_a_frame() -> None:
    truth = square()
    wrong = np.clip(truth + 0.5, 0, 1)
    scores = matte_scores(clip((truth, truth), (wrong, truth), (wrong, truth)))
    assert scores["means"]["mad"] == pytest.approx(2 / 3 * mad(wrong, truth))
    assert scores["means"]["dtssd"] == pytest.approx(dtssd(wrong, truth, truth, truth) / 2)
    assert scores["frames"]["dtssd"][0] is None and scores["times"] == [0, 1 / 25, 2 / 25]
    with pytest.raises(ValueError, match="at least one frame"):
        matte_scores([])


def test_a_frame_after_a_gap_has_no_change_to_judge() -> None:
    truth = square()
    frames = [FramePair(0, 0.0, truth, truth), FramePair(5, 0.2, truth, truth)]
    scores = matte_scores(frames)
    assert scores["frames"]["dtssd"] == [None, None] and scores["means"]["dtssd"] is None


def test_the_metrics_of_mattes_masks_and_runs_are_found_by_their_ids() -> None:
    known = metrics("matting")
    assert {"sad", "mad", "mse", "gradient", "connectivity", "dtssd", "jf", "j", "f", "flicker"} <= set(known)
    assert known["mad"].format(0.0107) == "10.70" and known["j"].format(0.98765) == "0.988"
    assert known["uncertain_pixels"].format(0.0123) == "1.2 %"
