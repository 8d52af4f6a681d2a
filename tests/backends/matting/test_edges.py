"""Edges: the matte follows the picture when enlarged, and colours of the old background go."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backends.matting.finishing import edges
from backends.matting.finishing.edges import foreground, guided_upsample, move_edge, plain_upsample, soften
from backends.matting.finishing.multilevel import multilevel_foreground
from evaluation.metrics.matting.mattes import mad
from evaluation.synthetic.clip import Rendered, make_clip


@pytest.fixture(scope="module")
def sample() -> Rendered:
    return make_clip(0.1, 480, 270)[0]


def reduced(picture: np.ndarray, factor: int) -> np.ndarray:
    return cv2.resize(picture, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)


def test_a_guided_enlargement_is_nearer_the_truth_than_a_plain_one() -> None:
    truth = np.zeros((240, 320), np.float32)
    cv2.fillPoly(truth, [np.array([[60, 239], [110, 40], [200, 60], [260, 239]])], 1.0, cv2.LINE_AA)
    frame = (truth[..., None] * (60, 70, 90) + (1 - truth[..., None]) * (200, 190, 150)).astype(np.uint8)
    small, guide = reduced(truth, 4), reduced(frame, 4)
    guided = guided_upsample(small, guide, frame)
    assert mad(guided, truth) < 0.6 * mad(plain_upsample(small, 240, 320), truth)


def test_an_enlarged_matte_is_sure_where_it_was_sure(sample: Rendered) -> None:
    small, guide = reduced(sample.alpha, 3), reduced(sample.rgb, 3)
    full = guided_upsample(small, guide, sample.rgb)
    assert full.dtype == np.float32 and full.shape == sample.alpha.shape
    away = cv2.dilate((sample.alpha > 0).astype(np.uint8), np.ones((61, 61))) == 0
    deep = cv2.erode((sample.alpha == 1).astype(np.uint8), np.ones((61, 61))) == 1
    assert (full[away] == 0).all() and (full[deep] == 1).all()
    assert mad(full, sample.alpha) < 0.6 * mad(plain_upsample(small, *sample.alpha.shape), sample.alpha)


def test_a_matte_of_the_right_size_is_left_as_it_is(sample: Rendered) -> None:
    assert plain_upsample(sample.alpha, *sample.alpha.shape) is sample.alpha


@pytest.mark.parametrize(
    ("small", "large"), [((90, 160), (270, 480)), ((63, 112), (180, 320)), ((61, 103), (250, 401))]
)
def test_the_edge_alone_is_enlarged_as_if_all_were(
    small: tuple[int, int], large: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = cv2.resize(make_clip(1, 480, 270)[0].rgb, large[::-1], interpolation=cv2.INTER_AREA)
    guide = cv2.resize(frame, small[::-1], interpolation=cv2.INTER_AREA)
    alpha = np.zeros(small, np.float32)
    cv2.circle(alpha, (small[1] // 3, small[0] // 2), small[0] // 4, 1.0, -1)
    alpha = np.clip(1.2 * cv2.GaussianBlur(alpha, (0, 0), 1.5) - 0.1, 0, 1)
    part = guided_upsample(alpha, guide, frame)
    everything = [tuple(slice(0, side) for side in size) for size in (small, large)]
    monkeypatch.setattr(edges, "_changing", lambda *_: everything)
    np.testing.assert_allclose(part, guided_upsample(alpha, guide, frame), atol=1e-4)
    assert 0.02 < part.mean() < 0.3


@pytest.mark.parametrize("method", [foreground, multilevel_foreground])
def test_estimated_colours_are_nearer_the_true_ones_than_the_pictures(sample: Rendered, method) -> None:  # type: ignore[no-untyped-def]
    soft = (sample.alpha > 0.1) & (sample.alpha < 0.9)
    before = np.abs(sample.rgb[soft].astype(int) - sample.foreground[soft]).mean()
    after = np.abs(method(sample.rgb, sample.alpha)[soft].astype(int) - sample.foreground[soft]).mean()
    assert after < 0.6 * before


def test_the_fine_solver_is_nearer_than_the_quick_one_and_than_the_papers_reference(sample: Rendered) -> None:
    """pymatting's implementation of the same paper, whose first use in an installation takes half a minute."""
    from pymatting import estimate_foreground_ml

    soft = (sample.alpha > 0.02) & (sample.alpha < 0.98)
    reference = 255 * estimate_foreground_ml(sample.rgb / 255.0, sample.alpha.astype(np.float64))

    def error(colours: np.ndarray) -> float:
        return float(np.abs((colours.astype(float) - sample.foreground) * sample.alpha[..., None])[soft].mean())

    fine = multilevel_foreground(sample.rgb, sample.alpha)
    assert error(fine) < 1.03 * error(reference) and error(fine) < 0.8 * error(foreground(sample.rgb, sample.alpha))
    assert np.abs(fine.astype(float) - reference)[soft].mean() < 3


@pytest.mark.parametrize("method", [foreground, multilevel_foreground])
def test_inside_the_colours_are_the_pictures_own_and_far_outside_black(sample: Rendered, method) -> None:  # type: ignore[no-untyped-def]
    colours = method(sample.rgb, sample.alpha)
    inside = sample.alpha == 1
    assert np.array_equal(colours[inside], sample.rgb[inside])
    far = cv2.dilate((sample.alpha > 0).astype(np.uint8), np.ones((21, 21))) == 0
    assert (colours[far] == 0).all()


@pytest.mark.parametrize("method", [foreground, multilevel_foreground])
def test_strength_goes_from_the_picture_to_the_estimate(sample: Rendered, method) -> None:  # type: ignore[no-untyped-def]
    soft = (sample.alpha > 0.1) & (sample.alpha < 0.9)
    none, half, full = (method(sample.rgb, sample.alpha, s)[soft].astype(int) for s in (0.0, 0.5, 1.0))
    assert np.array_equal(none, sample.rgb[soft])
    assert np.abs(half - (none + full) / 2).max() <= 1


def test_more_edge_points_than_one_call_takes_give_the_same_colours(
    sample: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = foreground(sample.rgb, sample.alpha)
    monkeypatch.setattr(edges, "POINTS_A_ROW", 100)
    monkeypatch.setattr(edges, "ROWS_A_CALL", 7)
    assert np.array_equal(foreground(sample.rgb, sample.alpha), at_once)


@pytest.mark.parametrize("method", [foreground, multilevel_foreground])
def test_nothing_is_foreground_of_an_empty_matte(method) -> None:  # type: ignore[no-untyped-def]
    assert method(np.full((20, 20, 3), 9, np.uint8), np.zeros((20, 20), np.float32)).max() == 0
    half = np.full((20, 20), 0.5, np.float32)
    assert np.abs(method(np.full((20, 20, 3), 90, np.uint8), half).astype(int) - 90).max() <= 1  # nothing is sure


@pytest.mark.parametrize(("pixels", "change"), [(4, 4), (-4, -4), (0, 0), (0.4, 0)])
def test_the_edge_moves_by_so_many_pixels(pixels: float, change: int) -> None:
    alpha = np.zeros((60, 60), np.float32)
    alpha[:, 20:40] = 1
    assert move_edge(alpha, pixels)[30].sum() == 20 + 2 * change


def test_softening_keeps_the_middle_of_the_edge() -> None:
    alpha = np.zeros((40, 40), np.float32)
    alpha[:, 20:] = 1
    soft = soften(alpha, 6)
    assert soft[20, 19:21].mean() == pytest.approx(0.5, abs=0.01) and 0.01 < soft[20, 16] < 0.3
    assert soften(alpha, 0) is alpha
