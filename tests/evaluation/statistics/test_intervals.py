"""Intervals against published figures, and against what they promise: how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evaluation.statistics import clustered, intervals
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


@pytest.mark.slow
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


def test_the_bootstrap_is_pulled_to_where_skewed_values_lie() -> None:
    """BCa moves both ends of the percentile interval to the side of the long tail."""
    values = np.random.default_rng(3).exponential(1.0, 60)
    found = bootstrap(values)
    draws = np.random.default_rng(0).integers(60, size=(10_000, 60))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    assert found.low > low + 0.005
    assert found.high > high + 0.005
    assert found.estimate == pytest.approx(values.mean())


def test_the_bootstrap_of_columns_resamples_whole_rows() -> None:
    numbers = np.random.default_rng(0).normal(10, 2, (40, 1))
    doubled = np.concatenate([2 * numbers, numbers], axis=1)
    found = bootstrap(doubled, lambda one, other, axis: one.sum(axis) / other.sum(axis))
    assert (found.low, found.estimate, found.high) == pytest.approx((2, 2, 2))


def test_an_interval_in_words() -> None:
    assert intervals.Interval(1.234, -0.056, 2.5, 4, "t").text(2) == "1.23 (−0.06 to 2.50)"


def test_groups_of_one_size_give_the_t_interval_of_their_means() -> None:
    values = np.random.default_rng(1).normal(size=(4, 15)) + np.array([[0], [1], [3], [2]])
    found, means = clustered.mean(values.ravel(), np.repeat(list("abcd"), 15)), student(values.mean(axis=1))
    assert (found.estimate, found.low, found.high) == pytest.approx((means.estimate, means.low, means.high))
    assert found.count == 4
    assert "Only 4 groups" in found.note


def test_groups_of_different_sizes_keep_the_mean_over_all_values() -> None:
    values, groups = [1.0, 1.0, 1.0, 5.0, 7.0], ["a", "a", "a", "b", "c"]
    assert clustered.mean(values, groups).estimate == pytest.approx(3.0)
    with pytest.raises(ValueError, match="which group"):
        clustered.mean(values, groups[:4])


@pytest.mark.parametrize("count", [4, 12, 40])
def test_the_interval_over_groups_holds_the_truth_where_clips_of_a_singer_are_alike(count: int) -> None:
    """Clips of a group share half of their variance, and groups have 5 to 25 clips. Treating clips as independent
    units would hold the truth in half of all cases."""
    random, held = np.random.default_rng(0), []
    for _ in range(400 if count < intervals.FEW else 40):
        sizes = random.integers(5, 26, count)
        parts = [random.normal() + random.normal(size=size) for size in sizes]
        found = clustered.pooled(parts)
        held.append(found.low <= 0 <= found.high)
    assert np.mean(held) >= 0.9


def test_many_groups_are_resampled_whole_and_empty_ones_left_out() -> None:
    random = np.random.default_rng(0)
    parts = [random.random(12) < 0.7 for _ in range(50)] + [np.zeros(0, bool)]
    found = clustered.pooled(parts)
    assert (found.method, found.count, found.note) == ("bootstrap", 50, "")
    assert found.estimate == pytest.approx(np.concatenate(parts).mean())
    assert found.half_width == pytest.approx(clustered.mean(np.concatenate(parts), np.repeat(np.arange(50), 12))
                                             .half_width)  # fmt: skip
    assert np.isnan(clustered.pooled([np.ones(3)]).low)
    with pytest.raises(ValueError, match="at least one"):
        clustered.pooled([np.zeros(0)])


def test_the_difference_of_two_sets_is_welchs_where_every_unit_is_its_own_group() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.normal(5, 1, 12), rng.normal(4, 3, 30)
    found = clustered.difference(np.split(one, 12), np.split(other, 30))
    theirs = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert found.estimate == pytest.approx(one.mean() - other.mean()) and found.count == 12
    wider = clustered.difference(np.split(np.repeat(one, 4), 12), np.split(other, 30))
    assert wider.low == pytest.approx(found.low), "copies within a group make nothing surer"
    alone = clustered.difference([one], np.split(other, 30))
    assert np.isnan(alone.low) and "One group" in alone.note
    same = clustered.difference(np.ones((3, 1)), np.zeros((4, 1)))
    assert (same.low, same.estimate, same.high) == (1, 1, 1)


def test_the_interval_of_a_difference_holds_the_truth_of_skewed_leads() -> None:
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(600):
        found = clustered.difference(rng.exponential(1, (10, 1)), rng.exponential(2, (20, 1)))
        held += found.low <= -1 <= found.high
    assert 0.92 <= held / 600 <= 0.98
