"""Can an attribution be believed? Two tests of a map over an image.

Deletion: cover what the map calls relevant and see the score fall (Petsiuk et al. 2018). Randomisation: compare the map
with that of a network whose weights are shuffled (Adebayo et al. 2018).
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn

from backends.attribution.registry import attribute
from backends.attribution.types import Attribution, Subject

AnyModule = TypeVar("AnyModule", bound=nn.Module)

STEPS = 8
RANDOM_ORDERS = 5
"""Random orders of covering that a map is compared with."""

LIKENESS_DECIMALS = 5
"""Of the range of a map: float32 sums of some thousands of cells are not more exact."""

MAX_LIKENESS = 0.8
"""A map this similar to that of a network with shuffled weights shows the image's edges and not what was learned."""


@dataclass(frozen=True)
class Deletion:
    """The score as more and more of the image is covered, place by place.

    Attributes:
        fractions: `(S,)`, how much of the image is covered, 0 to 1.
        relevant: `(S,)`, the score with the most relevant places covered first.
        random: `(R, S)`, the same in R random orders.
    """

    fractions: np.ndarray
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
        curves = {"deletion_shares": self.fractions, "deletion": self.relevant, "deletion_random": self.random}
        return {name: array.astype(np.float32) for name, array in curves.items()}


def deletion(subject: Subject, attribution: Attribution, seed: int = 0) -> Deletion:
    """Cover the subject's image with its mean colour, one fraction of the map at a time, and score it each time."""
    steps = RemovalSteps(attribution.values, seed)
    cells = subject.cells_of_shape(attribution.values.shape)
    relevant, *random = (subject.evaluate(cells, steps.deleted(order)) for order in (steps.relevant, *steps.random))
    return Deletion(steps.fractions, relevant, np.stack(random))


class RemovalSteps:
    """The parts of a map taken away, or put back, in STEPS steps: the most relevant first, and in random orders.

    Attributes:
        fractions: `(S,)` of the parts, 0 to 1.
        relevant: the places of the flat map, the most relevant first.
        random: RANDOM_ORDERS random orders of them.
    """

    def __init__(self, values: np.ndarray, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self._shape = values.shape
        self._counts = np.unique(np.linspace(0, values.size, STEPS + 1).round().astype(int))
        self.fractions = self._counts / values.size
        self.relevant = np.argsort(-values, axis=None, kind="stable")
        self.random = [draw.permutation(values.size) for _ in range(RANDOM_ORDERS)]

    def deleted(self, order: np.ndarray) -> np.ndarray:
        """What is there `(S, *shape)` after each step of taking parts away from all of them."""
        keep = np.ones((len(self._counts), len(order)))
        for row, count in zip(keep, self._counts, strict=True):
            row[order[:count]] = 0
        return keep.reshape(-1, *self._shape)

    def inserted(self, order: np.ndarray) -> np.ndarray:
        """What is there `(S, *shape)` after each step of putting parts back where there was none."""
        return 1 - self.deleted(order)


def shuffle_weights(module: AnyModule, seed: int = 0, share: float = 1.0) -> AnyModule:
    """A copy of `module` that knows nothing: the numbers of each of its parameters in a random order.

    It is a control for maps (Adebayo et al. 2018) and never answers anything. Shuffled and not drawn anew, so that the
    weights keep their scale; buffers such as the statistics of batch normalisation stay as they are.

    Args:
        module: the network.
        seed: of the order.
        share: of the parameters, counted from the last that the module lists; 1 for all.
    """
    control = copy.deepcopy(module)
    generator = torch.Generator().manual_seed(seed)
    parameters = list(control.parameters())
    with torch.no_grad():
        for value in parameters[len(parameters) - math.ceil(share * len(parameters)) :]:
            order = torch.randperm(value.numel(), generator=generator).to(value.device)
            value.copy_(value.flatten()[order].view_as(value))
    return control


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation of two maps; 0 where one of them is flat.

    What differs by less than rounding counts as equal: else the noise of a sum would rank the places without relevance.
    """
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    levels = [np.round(values.ravel() / np.ptp(values), LIKENESS_DECIMALS) for values in (one, other)]
    return float(spearmanr(*levels).statistic)


@dataclass(frozen=True)
class SanityCheck:
    """Whether a map passes both tests; `likeness` is None where there is no network to shuffle."""

    deletion: Deletion
    likeness: float | None

    @property
    def passes(self) -> bool:
        return self.deletion.passes and (self.likeness is None or self.likeness < MAX_LIKENESS)

    @property
    def sentence(self) -> str:
        """The result in words."""
        if not self.deletion.passes:
            return "Covering what the map shows lowers the score no faster than covering at random: do not trust it."
        if self.likeness is not None and self.likeness >= MAX_LIKENESS:
            return "A network that knows nothing gives nearly the same map: it shows the picture, not a reason."
        return "Covering what the map shows lowers the score faster than any covering at random: it passes."

    def arrays(self) -> dict[str, Any]:
        """As entries of an `.npz` file."""
        likeness = np.nan if self.likeness is None else self.likeness
        return {**self.deletion.arrays(), "likeness": np.float32(likeness), "passes": np.array(self.passes)}


def check(subject: Subject, attribution: Attribution) -> SanityCheck:
    """Both tests of a map over the subject's image."""
    network, control_likeness = subject.network, None
    if network is not None and attribution.method != "occlusion":
        control = replace(subject, network=replace(network, module=shuffle_weights(network.module)))
        control_likeness = likeness(attribution.values, attribute(control, [attribution.method]).values)
    return SanityCheck(deletion(subject, attribution), control_likeness)
