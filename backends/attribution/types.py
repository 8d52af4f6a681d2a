"""Attributions, and what a model has to offer so that methods can compute them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn


class Unsupported(Exception):
    """The method does not apply to this model; another one may."""


class UnsupportedAttention(Unsupported):
    """The network computes attention in a way that the relevance rule does not cover."""


@dataclass(frozen=True)
class Axis:
    """One axis of an attribution: its name, such as “row” or “word”, the unit of its steps, and a label per step."""

    name: str
    unit: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attribution:
    """How much each part of an input contributes to a score.

    Attributes:
        values: one number per part, an axis of the array for each of `axes`; positive where the part raises the
            score. Not rescaled: attributions of one model and method can be compared with each other.
        axes: what the axes of `values` are.
        target: what the score is about.
        method: a key of `registry.METHODS`.
        score: the score that is explained.
        contrast: what the target is explained against; "" for nothing.
        baseline: what a part is replaced by where a method removes it; "" where it removes nothing.
    """

    values: np.ndarray
    axes: tuple[Axis, ...]
    target: str
    method: str
    score: float
    contrast: str = ""
    baseline: str = ""


@dataclass(frozen=True)
class Transformer:
    """Where a transformer's attention is read.

    Attributes:
        last_layer: of the network's module, the layer whose output `(1, N, width)` the result is read from.
        arrange: from the relevance `(N,)` of all tokens to values and axes. Raises UnsupportedAttention where the
            number of tokens is not the expected one.
    """

    last_layer: Callable[[nn.Module], nn.Module]
    arrange: Callable[[Tensor], tuple[np.ndarray, tuple[Axis, ...]]]


@dataclass(frozen=True)
class Network:
    """A differentiable model with one input.

    Attributes:
        module: the network, whose weights the randomisation check shuffles.
        inputs: `(1, ...)`, what `forward` takes.
        forward: from module and inputs to the output `(1, D)`, with a graph behind it.
        score: from outputs `(B, D)` to scores `(B,)`.
        transformer: where the module is one.
    """

    module: nn.Module
    inputs: Tensor
    forward: Callable[[nn.Module, Tensor], Tensor]
    score: Callable[[Tensor], Tensor]
    transformer: Transformer | None = None


@dataclass(frozen=True)
class Subject:
    """One input of one model, and the score to explain. A method uses what it needs and ignores the rest.

    Attributes:
        target: what the score is about, in words.
        score: from variants of the input, an array of images or a list of sentences, to scores `(B,)`.
        image: `(S, S, 3)` uint8, where the input is an image.
        sentence: where the input is text.
        network: where the model is differentiable.
        contrast: what the target is explained against, in words.
    """

    target: str
    score: Callable[[Any], np.ndarray]
    image: np.ndarray | None = None
    sentence: str = ""
    network: Network | None = None
    contrast: str = ""

    def attribution(
        self, values: np.ndarray, axes: tuple[Axis, ...], method: str, score: float, baseline: str = ""
    ) -> Attribution:
        """An attribution of this subject's score; parameters as in `Attribution`."""
        return Attribution(values, axes, self.target, method, score, self.contrast, baseline)


def grid_axes() -> tuple[Axis, Axis]:
    """The axes of a map over an image: rows from the top and columns from the left."""
    return Axis("row", "cells"), Axis("column", "cells")
