"""The soft edge that is solved from colours: its equations against pymatting's, and both ways to solve them."""

from __future__ import annotations

import numpy as np
import pytest

from backends.matting.finishing import closed_form
from backends.matting.finishing.closed_form import PRIOR_WEIGHT, Band, solve
from backends.matting.finishing.laplacian import EPSILON, LATER, matting_equations
from evaluation.synthetic.clip import make_clip


@pytest.fixture(scope="module")
def hair() -> tuple[np.ndarray, np.ndarray, Band]:
    """A frame of somebody with loose hair, `(H, W, 3)`, its true alpha, and the band around its mask."""
    drawn = make_clip(1, 160, 96)[0]
    return drawn.rgb, drawn.alpha, Band.around(drawn.alpha > 0.5, 96, 160, reach=0.03)


def exact(frame: np.ndarray, alpha: np.ndarray, unknown: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """What `solve` should give, with pymatting's Laplacian and a dense solver."""
    from pymatting.laplacian.cf_laplacian import cf_laplacian

    laplacian = cf_laplacian(frame / 255.0, EPSILON, 1).toarray()
    inside, flat = unknown.ravel(), alpha.ravel().astype(np.float64)
    system = laplacian[np.ix_(inside, inside)] + PRIOR_WEIGHT * np.eye(int(inside.sum()))
    target = PRIOR_WEIGHT * guess.ravel()[inside] - laplacian[np.ix_(inside, ~inside)] @ flat[~inside]
    solved = flat.copy()
    solved[inside] = np.clip(np.linalg.solve(system, target), 0, 1)
    return solved.reshape(alpha.shape)


def test_equations_are_those_of_the_matting_laplacian(hair: tuple[np.ndarray, np.ndarray, Band]) -> None:
    from pymatting.laplacian.cf_laplacian import cf_laplacian

    frame, _, band = hair
    unknown = band.unknown
    whole = cf_laplacian(frame / 255.0, EPSILON, 1).toarray()
    reference = whole[np.ix_(unknown.ravel(), unknown.ravel())]
    equations = matting_equations(frame, band.inside.astype(np.float32), unknown)
    np.testing.assert_allclose(equations.diagonal, reference.diagonal(), atol=2e-5)
    later = equations.neighbours[:, -len(LATER) :].T
    built = np.zeros_like(reference)
    built[np.nonzero(later >= 0)[1], later[later >= 0]] = equations.values[later >= 0]
    np.testing.assert_allclose(built, np.triu(reference, 1), atol=2e-5)
    known = whole[np.ix_(unknown.ravel(), ~unknown.ravel())] @ band.inside.ravel()[~unknown.ravel()]
    np.testing.assert_allclose(equations.target, -known, atol=2e-5)


@pytest.mark.parametrize("bandwidth", [closed_form.MAX_BANDWIDTH, 0], ids=["banded", "iterative"])
def test_the_edge_is_the_solution_of_its_equations(
    hair: tuple[np.ndarray, np.ndarray, Band], bandwidth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closed_form, "MAX_BANDWIDTH", bandwidth)
    frame, truth, band = hair
    start = band.inside.astype(np.float32)
    solved = solve(frame, start, band.unknown, band.likely)
    reference = exact(frame, start, band.unknown, band.likely)
    np.testing.assert_allclose(solved, reference, atol=2e-3 if bandwidth else 0.05)
    assert np.abs(solved - truth).mean() < 0.6 * np.abs(band.likely - truth).mean()
    assert np.array_equal(solved[~band.unknown], start[~band.unknown])


def test_from_coarse_to_fine_is_nearly_the_same_with_far_less_to_solve(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = make_clip(1, 321, 181)[0]
    band = Band.around(drawn.alpha > 0.5, 181, 321, reach=0.02)
    start, many = band.inside.astype(np.float32), int(band.unknown.sum())
    counts = []

    def counted(frame, alpha, unknown, guess):
        counts.append(int(unknown.sum()))
        return original(frame, alpha, unknown, guess)

    original = closed_form._solve_box
    monkeypatch.setattr(closed_form, "_solve_box", counted)
    assert many > closed_form.MANY
    fine = solve(drawn.rgb, start, band.unknown, band.likely)
    monkeypatch.setattr(closed_form, "MANY", many)
    at_once = solve(drawn.rgb, start, band.unknown, band.likely)
    small, large, whole = counts
    assert small < 0.4 * many and large < 0.85 * many and whole == many
    assert np.abs(fine - at_once)[band.unknown].mean() < 0.015
    error, error_at_once = (np.abs(found - drawn.alpha)[band.unknown].mean() for found in (fine, at_once))
    assert error < 1.02 * error_at_once
    assert np.array_equal(fine[~band.unknown], start[~band.unknown])


def test_parts_far_from_each_other_and_single_pixels_are_solved_together() -> None:
    frame = make_clip(1, 160, 96)[3].rgb
    unknown = np.zeros((96, 160), bool)
    unknown[:4, :5] = unknown[40:46, 70:76] = unknown[90:, 150:] = unknown[60, 20] = True
    rng = np.random.default_rng(0)
    alpha, guess = (rng.uniform(0, 1, unknown.shape).astype(np.float32) for _ in range(2))
    reference = exact(frame, alpha, unknown, guess)
    np.testing.assert_allclose(solve(frame, alpha, unknown, guess), reference, atol=2e-3)


def test_nothing_unknown_is_nothing_to_solve() -> None:
    alpha = np.linspace(0, 1, 96 * 160, dtype=np.float32).reshape(96, 160)
    unknown = np.zeros(alpha.shape, bool)
    assert np.array_equal(solve(np.zeros((96, 160, 3), np.uint8), alpha, unknown, alpha), alpha)
