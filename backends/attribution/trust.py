"""Can a map be believed? Measures of a map beside it, and a verdict in words with its numbers.

- *Control*: the same method on the network with shuffled weights, from the last layers to all (Adebayo et al. 2018).
- *Deletion and insertion*: take away, or put back, what the map calls relevant first (Petsiuk et al. 2018), against the
  same in random orders; a map that is right lets the score fall, or rise, sooner than any of them.
- *Infidelity* (Yeh et al. 2019, captum's): E[(Σ p·a − (f(x) − f(x − p)))²] over random covers p, with the map scaled
  as well as it can be, over the variance of f(x) − f(x − p): 0 says all, 1 says nothing.
- *Sensitivity* (the same authors): how far the map changes, relative to its length, when parts are covered by a little.
- *Agreement* with a second method, *repeatability* over seeds, and the likeness to a *plain map*: Spearman's ρ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from captum.metrics import infidelity, sensitivity_max
from torch import Tensor

from backends.attribution.coalitions import Coalitions
from backends.attribution.parts import resized
from backends.attribution.registry import METHODS, attribute
from backends.attribution.sanity import MAX_LIKENESS, RANDOM_ORDERS, STEPS, RemovalSteps, likeness
from backends.attribution.types import Attribution, Parts, Subject, Unsupported

CASCADE = (1 / 3, 2 / 3)
"""Shares of the layers, from the last, that are shuffled on the way to all of them, in a full check."""

COVERS = 16
"""Random covers for the infidelity."""

RADIUS = 0.02
"""How much of each part is covered for the sensitivity."""

NUDGES = 2
"""Slightly covered inputs for the sensitivity."""

MAX_NUDGED_COST = 100
"""Methods that ask the model more often are not measured for their sensitivity, which costs as much again."""

MIN_AGREEMENT = 0.3
"""Spearman's ρ with a second method, or between seeds, below which a map is doubtful."""

SAME_IDEA = {"coarse_to_fine": "occlusion", "occlusion": "coarse_to_fine"}
"""Methods that ask the same in two ways: that they agree says nothing."""

SECOND = ("occlusion", "gradient", "gradcam", "attention", "rise", "shapley")
"""The methods that a map is compared with: the first of them that applies and is not its own."""


@dataclass(frozen=True)
class Curve:
    """The score as more and more parts are taken away (deletion) or put back (insertion).

    Attributes:
        fractions: `(S,)` of the parts, 0 to 1.
        relevant: `(S,)` scores, the most relevant parts first.
        random: `(R, S)` the same in R random orders.
        falls: whether a map that is right makes it fall sooner (deletion) or rise sooner (insertion).
    """

    fractions: np.ndarray
    relevant: np.ndarray
    random: np.ndarray
    falls: bool

    @property
    def area(self) -> float:
        """Under the curve by the trapezoid rule, in units of the score."""
        return float(np.trapezoid(self.relevant, self.fractions))

    @property
    def random_areas(self) -> np.ndarray:
        return np.trapezoid(self.random, self.fractions, axis=1)

    @property
    def gain(self) -> float:
        """How much better than random order on average, in units of the score; positive is better."""
        difference = float(self.random_areas.mean()) - self.area
        return difference if self.falls else -difference

    @property
    def passes(self) -> bool:
        """Whether it beats every one of the random orders."""
        others = self.random_areas
        return bool(self.area < others.min()) if self.falls else bool(self.area > others.max())

    def to_json(self) -> dict[str, Any]:
        return {
            "fractions": self.fractions.tolist(),
            "relevant": self.relevant.tolist(),
            "random": self.random.tolist(),
            "area": self.area,
            "random_area": float(self.random_areas.mean()),
            "random_band": [float(self.random_areas.min()), float(self.random_areas.max())],
            "gain": self.gain,
            "passes": self.passes,
        }


@dataclass(frozen=True)
class Checks:
    """What is known of a map beside it; None where it was not measured, or cannot be.

    Attributes:
        deletion, insertion: see `Curve`.
        control: the map of the network with all weights shuffled.
        control_likeness: its ρ with the map; None where there is no network to shuffle.
        cascade: ρ by the share of the layers that is shuffled.
        plain_likeness, plain_name: ρ with a map that needs no model, and what that shows.
        infidelity, sensitivity: see the module.
        agreement, second: ρ with another method, and its id.
        repeatability: ρ between two seeds; 1 for a method that draws nothing by chance.
    """

    deletion: Curve
    insertion: Curve
    control: Attribution | None = None
    control_likeness: float | None = None
    cascade: Mapping[float, float] = field(default_factory=dict)
    plain_likeness: float | None = None
    plain_name: str = ""
    infidelity: float | None = None
    sensitivity: float | None = None
    agreement: float | None = None
    second: str = ""
    repeatability: float | None = None

    @property
    def faults(self) -> list[str]:
        """What speaks against the map, in clauses."""
        faults = []
        if not self.deletion.passes:
            faults.append("covering what it shows lowers the score no faster than covering at random")
        if not self.insertion.passes:
            faults.append("putting back what it shows restores the score no faster than a random order")
        if self.control_likeness is not None and self.control_likeness >= MAX_LIKENESS:
            faults.append(f"a network that knows nothing gives nearly the same map (ρ {self.control_likeness:.2f})")
        if self.agreement is not None and self.agreement < MIN_AGREEMENT:
            faults.append(f"another method shows something else (ρ {self.agreement:.2f})")
        if self.repeatability is not None and self.repeatability < MIN_AGREEMENT:
            faults.append(f"with other random numbers it looks different (ρ {self.repeatability:.2f})")
        return faults

    @property
    def verdict(self) -> str:
        """“stands”, “doubtful” or “does not stand”: both curves, or the control, decide against it alone."""
        untrue = not self.deletion.passes and not self.insertion.passes
        copied = self.control_likeness is not None and self.control_likeness >= MAX_LIKENESS
        if untrue or copied:
            return "does not stand"
        return "doubtful" if self.faults else "stands"

    @property
    def sentence(self) -> str:
        """The verdict with its numbers."""
        if self.faults:
            verdict = "is doubtful" if self.verdict == "doubtful" else self.verdict
            return f"This map {verdict}: {'; '.join(self.faults)}."
        control = (
            ""
            if self.control_likeness is None
            else (f", and a network that knows nothing gives another map (ρ {self.control_likeness:.2f})")
        )
        return (
            f"This map stands: covering what it shows lowers the score sooner than {len(self.deletion.random)} of "
            f"{len(self.deletion.random)} random orders{control}."
        )

    def to_json(self) -> dict[str, Any]:
        """Everything but the map of the control, with the verdict."""
        numbers = ("control_likeness", "plain_likeness", "plain_name", "infidelity", "sensitivity", "agreement")
        return {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "deletion": self.deletion.to_json(),
            "insertion": self.insertion.to_json(),
            **{name: getattr(self, name) for name in (*numbers, "second", "repeatability")},
            "cascade": [[share, value] for share, value in self.cascade.items()],
        }


def cost(subject: Subject, method: str, depth: str) -> int:
    """How often the model is asked for the tests."""
    own = METHODS[method].cost(subject.size)
    curves = (1 + RANDOM_ORDERS) * (STEPS + 1)
    control = 0 if subject.control is None else own
    if depth != "full":
        return curves + control
    second = _second(subject, method)
    further = COVERS + (0 if second is None else METHODS[second].cost(subject.size)) + METHODS[method].random * own
    nudged = own * (1 + NUDGES) if own <= MAX_NUDGED_COST else 0
    return curves + control * (1 + len(CASCADE)) + further + nudged


def check(subject: Subject, attribution: Attribution, depth: str = "quick", seed: int = 0) -> Checks:
    """Measure a map over the cells, or the named parts, of its subject. Raises Unsupported where it has neither."""
    parts = parts_of(subject, attribution)
    coalitions = Coalitions(subject, parts)
    deletion, insertion = curves(coalitions, parts.shape, attribution.values, seed)
    checks = Checks(deletion, insertion)
    if subject.control is not None:
        control = _again(subject.control(1.0), subject, attribution)
        checks = replace(checks, control=control, control_likeness=likeness(attribution.values, control.values))
    if parts.plain is not None:
        plain = likeness(attribution.values, resized(parts.plain, attribution.values.shape))
        checks = replace(checks, plain_likeness=plain, plain_name=parts.plain_name)
    return _fully(checks, subject, attribution, coalitions, seed) if depth == "full" else checks


def _fully(checks: Checks, subject: Subject, attribution: Attribution, coalitions: Coalitions, seed: int) -> Checks:
    """The further measures of a full check."""
    method = METHODS[attribution.method]
    if subject.control is not None:
        steps = {share: _again(subject.control(share), subject, attribution).values for share in CASCADE}
        cascade = {share: likeness(attribution.values, values) for share, values in steps.items()}
        checks = replace(checks, cascade={**cascade, 1.0: checks.control_likeness or 0.0})
    checks = replace(checks, infidelity=_infidelity(coalitions, attribution.values, seed))
    second = _second(subject, attribution.method)
    if second is not None:
        try:
            other = attribute(subject, [second], seed).values
            shape = tuple(min(pair) for pair in zip(attribution.values.shape, other.shape, strict=True))
            rho = likeness(resized(attribution.values, shape), resized(other, shape))
            checks = replace(checks, agreement=rho, second=second)
        except Unsupported:
            pass  # what it would be compared with does not apply to this network after all
    again = attribute(subject, [method.id], seed + 1).values if method.random else attribution.values
    checks = replace(checks, repeatability=likeness(attribution.values, again) if method.random else 1.0)
    if method.cost(subject.size) <= MAX_NUDGED_COST:
        checks = replace(checks, sensitivity=_sensitivity(subject, attribution, seed))
    return checks


def parts_of(subject: Subject, attribution: Attribution) -> Parts:
    """The parts that a map is over."""
    players = subject.players
    if players is not None and attribution.axes[0].name == players.axes[0].name:
        return players
    return subject.cells_of_shape(attribution.values.shape)


def curves(coalitions: Coalitions, shape: tuple[int, ...], values: np.ndarray, seed: int = 0) -> tuple[Curve, Curve]:
    """Deletion and insertion by a map `values` of `shape`, and by RANDOM_ORDERS random orders.

    The same order read backwards: what is left after k parts are deleted in random order is what is there after the
    others were inserted in the reverse order, so that both share their random evaluations.
    """
    steps = RemovalSteps(values.reshape(shape), seed)
    random = np.stack([coalitions(steps.deleted(order)).numpy() for order in steps.random])
    deleted, inserted = (coalitions(each(steps.relevant)).numpy() for each in (steps.deleted, steps.inserted))
    return (
        Curve(steps.fractions, deleted, random, falls=True),
        Curve(steps.fractions, inserted, random[:, ::-1], falls=False),
    )


def _again(control: Subject, subject: Subject, attribution: Attribution) -> Attribution:
    """The same method on another network, counted as work on the same subject."""
    return attribute(replace(control, meter=subject.meter), [attribution.method], attribution.seed)


def _second(subject: Subject, method: str) -> str | None:
    """A method to compare with, that asks something else and gives a map of the same parts."""
    if METHODS[method].needs == "players":
        return None
    gives = _gives(subject)
    for name in SECOND:
        applies = name in METHODS and METHODS[name].needs in gives and METHODS[name].needs != "players"
        if applies and name not in (method, SAME_IDEA.get(method)) and name not in subject.reasons:
            return name
    return None


def _gives(subject: Subject) -> set[str]:
    network = subject.network
    gives = set() if subject.cells is None or subject.cells.axes[0].name == "word" else {"cells"}
    if network is not None and network.arrange is not None:
        gives.add("gradient")
    return gives


def _infidelity(coalitions: Coalitions, values: np.ndarray, seed: int) -> float:
    """Of the map with its best scale, over that of a map of zeros: 0 says all, 1 says nothing."""
    draw = np.random.default_rng(seed)
    covers = (draw.random((COVERS, *values.shape)) < draw.random((COVERS, *(1,) * values.ndim))).astype(np.float64)
    start = 0

    def perturb(inputs: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal start
        chosen = torch.from_numpy(covers[start : start + len(inputs)])
        start += len(inputs)
        return chosen, inputs - chosen

    ones = torch.ones(1, *values.shape, dtype=torch.float64)
    found = infidelity(
        coalitions,
        perturb,
        ones,
        torch.from_numpy(values.astype(np.float64))[None],
        n_perturb_samples=COVERS,
        normalize=True,
    )
    falls = coalitions.whole - coalitions(1 - covers).numpy()
    return float(found[0]) / max(float(np.mean(falls**2)), 1e-12)


def _sensitivity(subject: Subject, attribution: Attribution, seed: int) -> float | None:
    """The largest relative change of the map over NUDGES inputs with up to RADIUS of each part covered."""
    parts = parts_of(subject, attribution)
    if METHODS[attribution.method].needs not in ("cells", "players"):
        return None  # a map by gradients is not a function of the cover
    torch.manual_seed(seed)

    def explained(keep: Tensor | tuple[Tensor, ...], **_: Any) -> tuple[Tensor]:
        rows = keep[0] if isinstance(keep, tuple) else keep
        maps = []
        for row in rows.numpy().clip(0, 1):
            around = replace(parts, score=partial(_covered_score, parts, row))
            named = parts is subject.players
            moved = replace(subject, players=around) if named else replace(subject, given_cells=around)
            maps.append(attribute(moved, [attribution.method], attribution.seed).values.reshape(parts.shape))
        return (torch.from_numpy(np.stack(maps).astype(np.float64)),)

    ones = torch.ones(1, *parts.shape, dtype=torch.float64)
    return float(sensitivity_max(explained, ones, perturb_radius=RADIUS, n_perturb_samples=NUDGES)[0])


def _covered_score(parts: Parts, least: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Scores `(B,)` of an input of which no part is there by more than `least`."""
    return parts.score(keep * least)
