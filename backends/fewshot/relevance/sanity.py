"""Is a map to be believed? Cover what it calls relevant and see the score fall; compare it with a random network's."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn

from backends.fewshot.relevance import by_gradient
from backends.fewshot.relevance.occlusion import Features
from backends.fewshot.relevance.types import Relevance

if TYPE_CHECKING:
    from backends.fewshot.base import FeatureEngine

STEPS = 8
ORDERS = 5
"""Random orders of covering that a map is held against."""

TOO_ALIKE = 0.8
"""A map that is this like that of a network which knows nothing shows the picture's edges and not what was learned."""


@dataclass(frozen=True)
class Deletion:
    """What is left of the score as more of the picture is covered, place by place.

    Attributes:
        shares: `(S,)`, how much of the map's part of the picture is covered, 0 to 1.
        relevant: `(S,)`, the score with the most relevant places covered first.
        random: `(R, S)`, the same in R random orders.
    """

    shares: np.ndarray
    relevant: np.ndarray
    random: np.ndarray

    @property
    def gain(self) -> float:
        """How much faster the score falls than in random order: the mean difference of the curves, in its units."""
        return float((self.random.mean(0) - self.relevant).mean())

    @property
    def passes(self) -> bool:
        """Whether covering by the map beats every one of the random orders."""
        return bool((self.relevant.mean() < self.random.mean(1)).all())

    def arrays(self) -> dict[str, Any]:
        """As entries of an `.npz` file."""
        curves = {"deletion_shares": self.shares, "deletion": self.relevant, "deletion_random": self.random}
        return {name: array.astype(np.float32) for name, array in curves.items()}


def deletion(features: Features, found: Relevance, direction: np.ndarray, seed: int = 0) -> Deletion:
    """Cover the picture of `found` by its mean colour, a share of the map at a time, and look again each time."""
    values = found.values
    random = np.random.default_rng(seed)
    orders = [np.argsort(-values, axis=None, kind="stable"), *(random.permutation(values.size) for _ in range(ORDERS))]
    counts = np.unique(np.linspace(0, values.size, STEPS + 1).round().astype(int))
    curves = []
    for order in orders:
        pictures = np.stack([covered(found.seen, values.shape, order[:count]) for count in counts])
        curves.append(features(pictures) @ direction.astype(np.float32))
    return Deletion(counts / values.size, curves[0], np.stack(curves[1:]))


def covered(seen: np.ndarray, shape: tuple[int, ...], places: np.ndarray) -> np.ndarray:
    """`seen` `(S, S, 3)` with these places (flat indices) of a map of `shape` in its mean colour."""
    hidden = np.zeros(shape, bool)
    hidden.flat[places] = True
    rows, columns = (np.arange(side) * count // side for side, count in zip(seen.shape[:2], shape, strict=True))
    mean = seen.mean((0, 1)).round().astype(np.uint8)
    return np.where(hidden[np.ix_(rows, columns)][..., None], mean, seen)


def shuffled(tower: nn.Module, seed: int = 0) -> nn.Module:
    """A copy of `tower` that knows nothing: the numbers of each of its weights in a random order.

    It is a control for maps (Adebayo et al. 2018) and never answers anything. Shuffled, not drawn anew, so that the
    weights keep their sizes; the statistics of normalisation stay with their channels, or it would give nonsense.
    """
    control = copy.deepcopy(tower)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in control.parameters():
            order = torch.randperm(value.numel(), generator=generator).to(value.device)
            value.copy_(value.flatten()[order].view_as(value))
    return control


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation of two maps; 0 where one of them is flat."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one.ravel(), other.ravel()).statistic)


@dataclass(frozen=True)
class Checked:
    """Whether a map stands both tests; `likeness` is None where there is no network to make a control of."""

    deletion: Deletion
    likeness: float | None

    @property
    def passes(self) -> bool:
        return self.deletion.passes and (self.likeness is None or self.likeness < TOO_ALIKE)

    @property
    def sentence(self) -> str:
        """What was found, for whoever reads the map."""
        if not self.deletion.passes:
            return "Covering what the map shows lowers the score no faster than covering at random: do not trust it."
        if self.likeness is not None and self.likeness >= TOO_ALIKE:
            return "A network that knows nothing gives nearly the same map: it shows the picture, not a reason."
        return "Covering what the map shows lowers the score faster than any covering at random: it passes."

    def arrays(self) -> dict[str, Any]:
        """As entries of an `.npz` file."""
        likeness = np.nan if self.likeness is None else self.likeness
        return {**self.deletion.arrays(), "likeness": np.float32(likeness), "passes": np.array(self.passes)}


def check(engine: FeatureEngine, found: Relevance, direction: np.ndarray) -> Checked:
    """Cover what the map shows, and make the same map with a network that knows nothing."""
    tower: Any = getattr(engine, "tower", None)
    other = None
    if tower is not None and found.method != "occlusion":
        pixels = engine.pixels(found.seen[None])  # type: ignore[attr-defined]
        control = by_gradient(shuffled(tower), pixels, direction)
        other = None if control is None else likeness(found.values, control[0])
    return Checked(deletion(engine.features, found, direction), other)
