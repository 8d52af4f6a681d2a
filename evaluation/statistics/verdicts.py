"""What the numbers of a pair of systems say, in one sentence: which is better, or why nobody can tell."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from evaluation.statistics import signed_rank
from evaluation.statistics.pairs import Pair


@dataclass(frozen=True)
class Wording:
    """How numbers and units are named in a verdict."""

    unit: str = ""
    digits: int = 3
    things: str = "units"
    scale: float = 1.0

    def number(self, value: float) -> str:
        if not math.isfinite(value):
            return "unknown"
        text = f"{value * self.scale + 0.0:.{self.digits}f}"
        return (text if float(text) else text.removeprefix("-")).replace("-", "−")

    def amount(self, value: float) -> str:
        return f"{self.number(value)} {self.unit}".strip()


PLAIN = Wording()


MANY = 10_000
"""So many units nobody collects to see so small a difference."""


@dataclass(frozen=True)
class Rules:
    """What all verdicts of a comparison share."""

    alpha: float
    comparisons: int
    margin: float | None
    wording: Wording


def judged(pair: Pair, p_holm: float, sign: int, rules: Rules) -> Pair:
    """`pair` with the corrected p-value, the better system first where one is, and the verdict."""
    values = {**asdict(pair), "p_holm": p_holm, "notes": pair.notes}
    if sign < 0:
        values |= {"better_on": pair.worse_on, "worse_on": pair.better_on}
        values |= {"belief_better": pair.belief_worse, "belief_worse": pair.belief_better}
    found = Pair(**values)
    outcome = _outcome(found, sign, rules)
    if outcome == "b":  # the pair is turned so that the better system stands first
        values |= {"a": found.b, "b": found.a, "difference": -found.difference, "low": -found.high}
        values |= {"high": -found.low, "better_on": found.worse_on, "worse_on": found.better_on}
        values |= {"cliffs_delta": -found.cliffs_delta}
        values |= {"belief_better": found.belief_worse, "belief_worse": found.belief_better}
        found, outcome = Pair(**values), "a"
    verdict = _verdict(found, outcome, rules)
    return Pair(**{**asdict(found), "outcome": outcome, "verdict": verdict, "notes": found.notes})


def _outcome(pair: Pair, sign: int, rules: Rules) -> str:
    alpha = rules.alpha
    if not pair.n:
        return "none"
    if pair.equal_on == pair.n:
        return "same"
    if pair.p_holm <= alpha + 1e-12:
        # Where the middle of the differences is zero, what is better on more units counts.
        lead = pair.difference * sign or float(pair.better_on - pair.worse_on)
        return "a" if lead > 0 else "b"
    if rules.margin and pair.p_alike <= alpha:
        return "alike"
    # Holm's correction multiplies the smallest p-value by the number of comparisons.
    least_p = signed_rank.smallest_p(pair.clusters) * rules.comparisons
    return "too few" if least_p > alpha + 1e-12 else "undecided"


def _verdict(pair: Pair, outcome: str, rules: Rules) -> str:
    """The sentence that says what the numbers do."""
    alpha, comparisons, margin, wording = rules.alpha, rules.comparisons, rules.margin, rules.wording
    level, things = f"{100 * (1 - alpha):.0f} %", wording.things
    low, high = (-pair.high, -pair.low) if outcome == "a" and pair.difference < 0 else (pair.low, pair.high)
    span = f"{level} interval {wording.number(low)} to {wording.number(high)}"
    if math.isnan(pair.low):
        span = f"too few for a {level} interval"
    wins = f"better on {pair.better_on} of {pair.n} {things}"
    chance = f"{p_text(pair.p_holm)}{' after correction' if comparisons > 1 else ''}"
    if outcome == "none":
        return f"{pair.a} and {pair.b} have no {things} in common."
    if outcome == "same":
        return f"{pair.a} and {pair.b} are the same on all {pair.n} {things}."
    if outcome == "a":
        size = wording.amount(abs(pair.difference))
        small = bool(margin) and abs(pair.difference) < (margin or 0)
        tail = f"; but less than {wording.amount(margin or 0)} is too little to matter" if small else ""
        return f"{pair.a} is better than {pair.b} by {size} ({span}; {wins}; not chance, {chance}{tail})."
    if outcome == "alike":
        within = wording.amount(margin or 0)
        return f"{pair.a} and {pair.b} are alike: they differ by less than {within} ({span}; {p_text(pair.p_alike)})."
    if outcome == "too few":
        least = signed_rank.least_units(1 - alpha, comparisons)
        what = f"{pair.n} {things}" if pair.clusters == pair.n else f"{pair.n} {things} in {pair.clusters} clusters"
        return (
            f"{what} are too few to tell {pair.a} and {pair.b} apart, whatever their scores: it takes at "
            f"least {least}{' clusters' if pair.clusters < pair.n else ''}. {pair.a} is {wins}."
        )
    return (
        f"{pair.a} and {pair.b} are not told apart: {pair.a} − {pair.b} is {wording.amount(pair.difference)} "
        f"({span}; {pair.a} {wins}; {chance}).{_power(pair, wording)}"
    )


def _power(pair: Pair, wording: Wording) -> str:
    """What so many units can show, and how many more would tell. NaN and None where that cannot be said."""
    if not math.isfinite(pair.detectable):
        return ""
    things = wording.things if pair.clusters == pair.n else "clusters"
    shown = f" {pair.clusters} {things} show a difference of {wording.amount(pair.detectable)} four times in five"
    if pair.needed is None or pair.needed <= pair.clusters:
        return f"{shown}."
    many = f"about {_round(pair.needed)}" if pair.needed < MANY else f"more than {MANY}"
    return f"{shown}; it would take {many} to show one of {wording.amount(abs(pair.difference))}."


def belief_text(pair: Pair, margin: float | None, wording: Wording = PLAIN) -> str:
    """What is to be believed of a pair given its units, in a sentence; "" where no margin was named."""
    if margin is None or not math.isfinite(pair.belief_alike):
        return ""
    better, alike, worse = (_percent(each) for each in (pair.belief_better, pair.belief_alike, pair.belief_worse))
    return (
        f"Given these {wording.things}, {pair.a} is better than {pair.b} by more than {wording.amount(margin)} with a "
        f"probability of {better}, both are within that with {alike}, and {pair.b} is better with {worse}."
    )


def _percent(share: float) -> str:
    """Of a probability that was estimated by draws: never nothing, never all."""
    return "under 1 %" if share < 0.01 else "over 99 %" if share > 0.99 else f"{100 * share:.0f} %"


def _round(count: int) -> int:
    """To two digits: a plan is no more exact than that."""
    step = 10 ** max(0, len(str(count)) - 2)
    return math.ceil(count / step) * step


def p_text(p: float) -> str:
    """A p-value as a paper prints it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}" if p < 0.995 else "p = 1"
