"""Systems compared on the same units: the sentence says what the numbers do, and no more than they can."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evaluation.statistics import effects
from evaluation.statistics.comparison import Findings, compare, scores, tie_letters
from evaluation.statistics.pairs import holm
from evaluation.statistics.verdicts import Wording, belief_text, p_text

DB = Wording("dB", 1, "songs")


def table(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=[f"song {i}" for i in range(len(next(iter(columns.values()))))])


def steady(count: int = 12, by: float = 0.6) -> pd.DataFrame:
    """B is better than A on every song, by about `by`."""
    a = np.random.default_rng(1).normal(5, 3, count)
    return table(A=a.tolist(), B=(a + by + np.linspace(-0.1, 0.1, count)).tolist())


def test_a_sure_difference_is_said_with_its_size_its_interval_and_its_chance() -> None:
    pair = compare(steady(), wording=DB).pair("A", "B")
    assert (pair.a, pair.b, pair.outcome, pair.better_on, pair.n) == ("B", "A", "a", 12, 12)
    assert pair.difference == pytest.approx(0.6)
    assert pair.verdict == (
        "B is better than A by 0.6 dB (95 % interval 0.6 to 0.6; better on 12 of 12 songs; not chance, p < 0.001)."
    )


def test_where_less_is_better_the_lower_system_wins() -> None:
    pair = compare(steady(), higher_is_better=False).pair("A", "B")
    assert (pair.a, pair.better_on, pair.difference) == ("A", 12, pytest.approx(-0.6))
    assert compare(steady(), higher_is_better=False).systems[0].system == "A"


def test_the_size_of_a_win_and_its_interval_have_one_sign() -> None:
    better = compare(steady(), higher_is_better=False, wording=DB).pairs[0]
    assert better.verdict.startswith("A is better than B by 0.6 dB (95 % interval 0.6 to 0.6;")
    assert better.high < 0  # as a number it is a − b all the same


def test_what_is_not_told_apart_is_no_win_and_shares_a_letter() -> None:
    rng = np.random.default_rng(2)
    a = rng.normal(5, 3, 20)
    found = compare(table(A=a.tolist(), B=(a + rng.normal(0, 1, 20)).tolist(), C=(a + 3).tolist()))
    pair = found.pair("A", "B")
    assert pair.outcome == "undecided"
    assert "not told apart" in pair.verdict and "after correction" in pair.verdict
    assert {system.system: system.ties for system in found.systems} == {"C": "a", "A": "b", "B": "b"}


def test_five_units_are_too_few_and_it_says_how_many_it_takes() -> None:
    found = compare(steady(5))
    assert found.pairs[0].outcome == "too few"
    assert "at least 6" in found.pairs[0].verdict
    assert np.isnan(found.pairs[0].low)
    assert "no difference can be certain" in found.notes[0]


def test_more_comparisons_need_more_units() -> None:
    columns = {name: (np.arange(6.0) + 10 * place).tolist() for place, name in enumerate("ABC")}
    found = compare(table(**columns))
    assert all(pair.outcome == "too few" and "at least 7" in pair.verdict for pair in found.pairs)
    assert found.pairs[0].p == pytest.approx(1 / 32) and found.pairs[0].p_holm > 0.05


def test_p_values_are_corrected_together() -> None:
    found = compare(table(A=[1, 2, 3, 4, 5, 6, 7, 8], B=[2, 3, 4, 5, 6, 7, 8, 9], C=[1, 2, 3, 4, 5, 6, 7, 8.5]))
    for pair in found.pairs:
        assert pair.p_holm >= pair.p
    assert found.pair("A", "B").p_holm == pytest.approx(3 * 2 / 2**8)


def test_the_correction_is_holms() -> None:
    from statsmodels.stats.multitest import multipletests

    values = [0.01, 0.04, 0.03, 0.005, 0.9]
    assert holm(values) == pytest.approx(multipletests(values, method="holm")[1])
    assert holm([0.02, float("nan"), 0.02])[0] == pytest.approx(0.04)


def test_equal_systems_are_the_same_and_a_fixed_difference_has_no_variation() -> None:
    found = compare(table(A=[1.0] * 8, B=[1.0] * 8, C=[1.3] * 8))
    assert found.pair("A", "B").outcome == "same"
    assert found.pair("A", "B").p == 1.0
    fixed = found.pair("A", "C")
    assert any("No variation" in note for note in fixed.notes)
    assert fixed.low == pytest.approx(fixed.high)


def test_what_is_missing_is_left_out_counted_and_mentioned() -> None:
    frame = steady(12)
    frame.loc["song 3", "B"] = np.nan
    found = compare(frame)
    assert (found.pairs[0].n, found.pairs[0].missing) == (11, 1)
    assert "B has no value for 1 of 12 units" in found.notes[-1]


def test_a_system_without_any_value_is_no_zero() -> None:
    found = compare(table(A=[1.0] * 7, B=[np.nan] * 7))
    assert found.pairs[0].outcome == "none"
    assert found.systems[-1].note == "No value at all."
    assert found.to_json()["pairs"][0]["p"] is None
    with pytest.raises(ValueError, match="not one score"):
        compare(table(A=[np.nan]))


def test_seeds_are_averaged_within_their_unit_and_infinite_values_are_missing() -> None:
    rows = [("s1", "A", 1.0), ("s1", "A", 3.0), ("s1", "B", float("inf")), ("s2", "A", "x"), ("s2", "B", 4)]
    frame = scores(*zip(*rows, strict=True))
    assert frame.loc["s1", "A"] == 2.0
    assert np.isnan(frame.loc["s1", "B"]) and np.isnan(frame.loc["s2", "A"])


def test_rows_of_one_singer_count_once() -> None:
    frame = steady(30)
    alone = compare(frame).pairs[0]
    by_singer = compare(frame, {unit: int(unit.split()[1]) % 5 for unit in frame.index}).pairs[0]
    assert alone.outcome == "a"
    assert (by_singer.outcome, by_singer.clusters) == ("too few", 5)


def test_alike_within_a_margin_is_only_said_where_a_test_shows_it() -> None:
    rng = np.random.default_rng(3)
    a = rng.normal(5, 3, 30)
    near = table(A=a.tolist(), B=(a + rng.normal(0, 0.05, 30)).tolist())
    assert compare(near, margin=0.5).pairs[0].outcome == "alike"
    assert compare(near).pairs[0].outcome == "undecided"
    apart = table(A=a.tolist(), B=(a + rng.normal(0, 3, 30)).tolist())
    assert compare(apart, margin=0.5).pairs[0].outcome == "undecided"


def test_a_sure_but_tiny_difference_is_called_too_small_to_matter() -> None:
    assert "too little to matter" in compare(steady(12, 0.2), margin=0.5).pairs[0].verdict


def test_letters_of_ties_overlap_where_the_middle_one_is_like_both() -> None:
    found = compare(steady())
    pairs = [pair for pair in found.pairs if pair.outcome == "a"]
    assert tie_letters(["B", "M", "A"], pairs) == {"B": "a", "M": "ab", "A": "b"}


def test_the_order_of_rows_changes_nothing() -> None:
    def numbers(found: Findings) -> list[tuple[float, float, float]]:
        return [(pair.difference, pair.low, pair.p_holm) for pair in found.pairs]

    frame = steady(15)
    assert numbers(compare(frame)) == numbers(compare(frame.sample(frac=1, random_state=1)))


def test_effects_by_hand() -> None:
    assert effects.cliffs_delta([1, 2, 3], [1, 2, 3]) == 0
    assert effects.cliffs_delta([1, 2], [2, 3]) == pytest.approx(-0.75)
    assert effects.mcnemar([True, True, False], [True, False, True]) == 1.0
    assert effects.units_needed([0.0, 1.0, 2.0], 1.0) == pytest.approx(10, abs=1)
    assert effects.units_needed([1.0, 1.0, 1.0], 1.0) is None


def test_the_detectable_difference_shrinks_with_units() -> None:
    rng = np.random.default_rng(4)
    few, many = (effects.detectable(rng.normal(size=count)) for count in (10, 200))
    assert few > 2 * many
    assert effects.detectable(np.tile([1.0, -1.0], 25)) == pytest.approx(0.404 * 1.01, abs=0.01)  # d at n = 50


def test_of_clusters_it_is_they_that_count() -> None:
    """Ten values of each of five singers are no fifty singers."""
    differences = np.repeat(np.random.default_rng(4).normal(1.0, 1.0, 5), 10)
    singers = np.repeat(list("abcde"), 10)
    assert effects.detectable(differences, groups=singers) > 3 * effects.detectable(differences)
    means = [1.0, 3.0, 2.0, 0.0, 4.0]
    needed = effects.units_needed(np.repeat(means, 10), 1.0, groups=singers)
    assert needed == effects.units_needed(means, 1.0)


def test_what_is_not_told_apart_says_what_so_many_units_show_and_how_many_more_would_tell() -> None:
    rng = np.random.default_rng(3)
    one = rng.normal(5.0, 1.0, 20)
    table = pd.DataFrame({"A": one + 0.3 + rng.normal(0, 1.0, 20), "B": one})
    (pair,) = compare(table).pairs
    assert pair.outcome == "undecided" and pair.needed > 20
    assert pair.verdict.endswith(f"to show one of {abs(pair.difference):.3f}.")
    assert f"20 units show a difference of {pair.detectable:.3f} four times in five" in pair.verdict
    seen = [compare(pd.DataFrame({"A": one + pair.detectable + rng.normal(0, 1.0, 20), "B": one})) for _ in range(40)]
    assert 0.5 < np.mean([each.pairs[0].outcome == "a" for each in seen]) < 1.0
    three = compare(table.assign(C=one + rng.normal(0, 1.0, 20)))
    assert three.pair("A", "B").detectable > pair.detectable  # three comparisons are corrected for


def test_belief_in_a_clear_winner_a_tie_and_a_draw() -> None:
    rng = np.random.default_rng(5)
    assert effects.belief(rng.normal(2, 0.5, 20), 0.5).better > 0.99
    assert effects.belief(rng.normal(0, 0.05, 20), 0.5).alike > 0.99
    unsure = effects.belief(rng.normal(0, 3, 10), 0.1)
    assert unsure.better < 0.95 and unsure.worse < 0.95


def test_p_values_read_as_in_a_paper() -> None:
    assert [p_text(value) for value in (1e-9, 0.0034, 0.2, 1.0)] == ["p < 0.001", "p = 0.0034", "p = 0.2", "p = 1"]


def test_right_and_wrong_answers_are_compared_by_mcnemar() -> None:
    one, other = [1] * 14 + [0] * 6, [1] * 6 + [0] * 8 + [0] * 5 + [1]
    pair = compare(pd.DataFrame({"A": one, "B": other}, dtype=float)).pairs[0]
    assert pair.test == "McNemar" and pair.p == effects.mcnemar(np.array(one, bool), np.array(other, bool))
    assert pair.p == pytest.approx(0.0390625), "eight of nine answers that differ are for A"
    fractions = compare(pd.DataFrame({"A": one, "B": np.array(other) + 0.5})).pairs[0]
    assert fractions.test == "Wilcoxon signed-rank"


@pytest.mark.parametrize("higher", [True, False])
def test_beliefs_follow_the_better_system_and_are_said(higher: bool) -> None:
    rng = np.random.default_rng(6)
    base = rng.normal(0, 1, 20)
    table = pd.DataFrame({"A": base, "B": base + rng.normal(2 if higher else -2, 0.3, 20)})
    found = compare(table, margin=0.5, higher_is_better=higher)
    (pair,) = found.pairs
    assert pair.a == "B" and pair.belief_better > 0.99 and pair.belief_worse < 0.01
    said = belief_text(pair, found.margin)
    assert "B is better than A by more than 0.500 with a probability of over 99 %" in said
    without = compare(table, higher_is_better=higher).pairs[0]
    assert np.isnan(without.belief_better) and belief_text(without, None) == ""
