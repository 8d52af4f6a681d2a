"""Intervals against published figures, and against what they promise: how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evaluation.statistics.intervals import bootstrap, clopper_pearson, mean, student, wilson


def test_known_figures() -> None:
    """None of 10: 1 − 0.025^(1/10), and the "rule of three"; the others by the defining tails."""
    none = clopper_pearson(0, 10)
    assert (none.low, none.high) == pytest.approx((0, 1 - 0.025**0.1))
    some = clopper_pearson(7, 10)
    assert stats.binom.sf(6, 10, some.low) == pytest.approx(0.025)
    assert stats.binom.cdf(7, 10, some.high) == pytest.approx(0.025)
    assert (wilson(7, 10).low, wilson(7, 10).high) == pytest.approx((0.39677, 0.89221), abs=1e-4)


def test_wilson_is_where_the_score_test_turns() -> None:
    found, z = wilson(13, 40), stats.norm.ppf(0.975)
    for bound in (found.low, found.high):
        assert abs(13 / 40 - bound) / np.sqrt(bound * (1 - bound) / 40) == pytest.approx(z)


@pytest.mark.parametrize("count", [1, 5, 16, 80])
def test_clopper_pearson_keeps_its_promise_for_every_truth(count: int) -> None:
    bounds = [clopper_pearson(right, count) for right in range(count + 1)]
    for truth in np.linspace(0.01, 0.99, 99):
        chances = stats.binom.pmf(np.arange(count + 1), count, truth)
        held = np.array([item.low <= truth <= item.high for item in bounds])
        assert chances @ held >= 0.95 - 1e-9


def test_wilson_is_right_on_average_and_narrower() -> None:
    truths, count = np.linspace(0.02, 0.98, 97), 20
    bounds = [wilson(right, count) for right in range(count + 1)]
    held = [
        stats.binom.pmf(np.arange(count + 1), count, truth)
        @ np.array([item.low <= truth <= item.high for item in bounds])
        for truth in truths
    ]
    assert np.mean(held) == pytest.approx(0.95, abs=0.01)
    assert wilson(12, 20).half_width < clopper_pearson(12, 20).half_width


@pytest.mark.parametrize("interval", [clopper_pearson, wilson])
def test_all_none_and_nothing(interval) -> None:
    assert interval(5, 5).high == 1
    assert interval(0, 5).low == 0
    nothing = interval(0, 0)
    assert np.isnan(nothing.estimate)
    assert (nothing.low, nothing.high) == (0, 1)
    assert nothing.note
    with pytest.raises(ValueError, match="between 0"):
        interval(6, 5)
    with pytest.raises(ValueError, match="level"):
        interval(1, 5, level=1.0)


def test_student_by_hand() -> None:
    found = student([1.0, 2.0, 3.0])
    assert found.estimate == 2
    assert found.half_width == pytest.approx(4.302653 / np.sqrt(3), rel=1e-6)


def test_student_holds_the_mean_of_few_normal_values() -> None:
    random = np.random.default_rng(0)
    held = [abs((found := student(random.standard_normal(5))).estimate) <= found.half_width for _ in range(2000)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_the_bootstrap_agrees_with_student_on_many_values_and_repeats_itself() -> None:
    values = np.random.default_rng(0).normal(3, 1, 200)
    found, exact = bootstrap(values), student(values)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.01)
    assert found == bootstrap(values)
    assert found != bootstrap(values, seed=1)


def test_the_bootstrap_of_a_median() -> None:
    values = np.r_[np.zeros(30), np.ones(71)]
    found = bootstrap(values, np.median)
    assert (found.estimate, found.low, found.high) == (1, 1, 1)


def test_the_mean_is_by_t_below_twenty_units() -> None:
    values = np.random.default_rng(0).random(25)
    assert mean(values[:19]).method == "t"
    assert mean(values).method == "bootstrap"
    assert "too narrow" in bootstrap(values[:10]).note


def test_no_variation_and_one_unit_are_said() -> None:
    same = student([0.5, 0.5, 0.5])
    assert (same.low, same.high) == (0.5, 0.5)
    assert "no variation" in same.note
    assert np.isnan(student([0.5]).low)
    assert np.isnan(bootstrap([0.5]).low)
    for bad in ([], [1.0, np.nan], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match="finite"):
            student(bad)
