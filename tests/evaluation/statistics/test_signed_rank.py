"""Paired differences: exact p-values with ties and zeros, intervals that hold what they promise, clusters by whole."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from scipy import stats

from evaluation.statistics import signed_rank

Draw = Callable[[np.random.Generator, int], np.ndarray]

SKEWED: dict[str, tuple[Draw, float, float]] = {
    # a distribution, its pseudo-median (of the mean of two draws), its median
    "exponential": (lambda rng, n: rng.exponential(size=n), 0.8391, np.log(2)),
    "log-normal": (lambda rng, n: rng.lognormal(size=n), 1.2216, 1.0),
}


def by_all_patterns(differences: np.ndarray) -> float:
    ranks = signed_rank.signed_ranks(differences)
    sizes = np.abs(ranks)
    totals = np.array([np.dot(signs, sizes) for signs in product((-1, 1), repeat=len(sizes))])
    return float(np.mean(np.abs(totals) >= abs(ranks.sum()) - 1e-9))


@pytest.mark.parametrize(
    "differences",
    [[1, 2, 3, -4, 5, 6], [1, 1, -1, 2, 2, 3, -3], [0, 0, 0.5, 0.5, 1, -1, 2, 2], [1, 1, 1, 1, 1, 1], [0, 0, 3]],
)
def test_p_is_that_of_all_sign_patterns_also_with_ties_and_zeros(differences: list[float]) -> None:
    values = np.array(differences, float)
    assert signed_rank.p_value(values) == pytest.approx(by_all_patterns(values))


def test_p_is_scipys_where_no_values_are_equal() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 25)
    assert signed_rank.p_value(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue)


def test_many_units_use_the_normal_distribution_and_hardly_differ() -> None:
    values = np.random.default_rng(2).normal(0.15, 1, signed_rank.EXACT_UNITS + 30)
    assert signed_rank.p_value(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue, abs=1e-3)


def test_the_sum_of_ranks_is_that_of_the_signs_of_all_means_of_two() -> None:
    values = np.round(4 * np.random.default_rng(4).normal(0.3, 1, 40)) / 4  # with ties, and zeros at some shifts
    for shift in (0.0, 0.25, -0.5, values[3], 0.3125):
        assert signed_rank._rank_sum(np.sort(values), shift) == signed_rank.signed_ranks(values - shift).sum()


def test_one_sided_and_two_sided_agree() -> None:
    values = np.array([0.4, 0.7, 1.1, -0.2, 0.9, 0.5, 1.2])
    assert signed_rank.p_value(values) == pytest.approx(2 * signed_rank.p_greater(values))
    assert signed_rank.p_greater(-values) > 0.95


def test_the_interval_holds_just_what_the_test_does_not_reject() -> None:
    values = np.random.default_rng(3).normal(1.0, 1.0, 11)
    found = signed_rank.hodges_lehmann(values)
    assert signed_rank.p_value(values - (found.low + 1e-6)) > 0.05
    assert signed_rank.p_value(values - (found.low - 1e-6)) <= 0.05
    assert signed_rank.p_value(values - (found.high + 1e-6)) <= 0.05


def test_thousands_of_units_give_the_same_numbers_as_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(4).exponential(size=300)
    by_pairs = signed_rank.hodges_lehmann(values)
    monkeypatch.setattr(signed_rank, "WALSH_UNITS", 100)
    by_bisection = signed_rank.hodges_lehmann(values)
    assert by_bisection.estimate == pytest.approx(by_pairs.estimate, abs=1e-3)
    assert by_bisection.low == pytest.approx(by_pairs.low, abs=2e-3)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_units_get_an_estimate_and_no_interval(count: int) -> None:
    for found in (signed_rank.hodges_lehmann(np.arange(count)), signed_rank.median(np.arange(count))):
        assert found.estimate == np.median(np.arange(count))
        assert np.isnan([found.low, found.high]).all()
        assert "at least 6" in found.note


def test_least_units_are_those_whose_smallest_p_is_small_enough() -> None:
    for comparisons in (1, 4, 10, 45):
        least = signed_rank.least_units(comparisons=comparisons)
        assert signed_rank.smallest_p(least) * comparisons <= 0.05 < signed_rank.smallest_p(least - 1) * comparisons


def test_copies_within_a_cluster_make_nothing_certain() -> None:
    """Five songs of one difference each, cut into ten pieces: fifty rows, and still five songs."""
    differences = np.repeat([0.5, 0.8, 0.3, 0.9, 0.6], 10) + np.random.default_rng(5).normal(0, 1e-3, 50)
    songs = np.repeat(np.arange(5), 10)
    assert signed_rank.p_value(differences) < 1e-6
    assert signed_rank.p_value(differences, songs) == pytest.approx(2 / 2**5)
    assert np.isnan(signed_rank.hodges_lehmann(differences, songs).low)


def test_clusters_of_one_unit_are_independent_units() -> None:
    values = np.random.default_rng(6).normal(0.5, 1, 9)
    assert signed_rank.p_value(values, np.arange(9)) == signed_rank.p_value(values)
    assert signed_rank.hodges_lehmann(values, np.arange(9)) == signed_rank.hodges_lehmann(values)


def test_intervals_by_cluster_are_wider_where_clusters_differ() -> None:
    rng = np.random.default_rng(7)
    singers = np.repeat(np.arange(8), 5)
    values = rng.normal(0, 1, 8)[singers] + rng.normal(0, 0.2, 40)
    by_unit, by_cluster = signed_rank.hodges_lehmann(values), signed_rank.hodges_lehmann(values, singers)
    assert by_cluster.high - by_cluster.low > 1.5 * (by_unit.high - by_unit.low)
    middle = signed_rank.median(values, singers)
    assert middle.low < middle.estimate < middle.high


def coverage(draw: Draw, truth: tuple[float, float], count: int, repeats: int) -> tuple[float, float]:
    rng, held = np.random.default_rng(count), np.zeros(2)
    for _ in range(repeats):
        values = draw(rng, count)
        for place, (interval, true) in enumerate(
            zip((signed_rank.hodges_lehmann(values), signed_rank.median(values)), truth, strict=True)
        ):
            held[place] += interval.low <= true <= interval.high
    return tuple(held / repeats)


@pytest.mark.parametrize("name", SKEWED)
@pytest.mark.parametrize("count", [6, 10, 20])
def test_intervals_hold_the_truth_of_skewed_data(name: str, count: int) -> None:
    """A short look by day: 300 samples leave three standard errors of 4 points."""
    draw, *truth = SKEWED[name]
    assert all(0.91 <= share <= 0.99 for share in coverage(draw, tuple(truth), count, 300))


@pytest.mark.nightly
@pytest.mark.parametrize("name", SKEWED)
@pytest.mark.parametrize("count", [5, 10, 20, 50])
def test_intervals_hold_the_truth_of_skewed_data_by_4000_samples(name: str, count: int) -> None:
    draw, *truth = SKEWED[name]
    if count == 5:  # not offered: see `test_few_units_get_an_estimate_and_no_interval`
        assert np.isnan(signed_rank.hodges_lehmann(draw(np.random.default_rng(0), 5)).low)
        return
    assert all(0.92 <= share <= 0.98 for share in coverage(draw, tuple(truth), count, 4000))


def false_alarms(count: int, repeats: int, clusters: int = 0) -> float:
    """How often a test at 5 % rejects for two systems that are alike, with skewed and rounded scores."""
    rng, alarms = np.random.default_rng(count), 0
    groups = np.arange(count) % clusters if clusters else None
    for _ in range(repeats):
        shared = rng.normal(size=clusters)[groups] if groups is not None else 0.0
        noise = rng.exponential(size=(2, count))
        alarms += signed_rank.p_value(np.round(noise[0] - noise[1] + shared, 1), groups) <= 0.05
    return alarms / repeats


@pytest.mark.parametrize("count", [6, 20])
def test_false_alarms_are_rare(count: int) -> None:
    assert false_alarms(count, 400) <= 0.08


@pytest.mark.nightly
@pytest.mark.parametrize(("count", "clusters"), [(6, 0), (10, 0), (20, 0), (50, 0), (60, 12), (90, 30)])
def test_false_alarms_are_rare_by_4000_samples(count: int, clusters: int) -> None:
    assert false_alarms(count, 4000 if not clusters else 1000, clusters) <= 0.06
