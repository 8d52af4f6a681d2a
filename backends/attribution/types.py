"""Attributions, and what a model has to offer so that methods can compute them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.core.events import Artifact

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn


class Unsupported(Exception):
    """The method does not apply to this model; another one may. The text is a sentence for users."""


class UnsupportedAttention(Unsupported):
    """The network computes attention in a way that the relevance rule does not cover."""


@dataclass(frozen=True)
class Axis:
    """One axis of an attribution.

    Attributes:
        name: such as “time”, “y” or “residue”.
        unit: of the coordinates, such as “s” or “Hz”.
        labels: a word for each step, where the steps are things rather than places.
        coordinates: the middle of each step in `unit`; empty where there are labels, or only rows to count.
    """

    name: str
    unit: str = ""
    labels: tuple[str, ...] = ()
    coordinates: tuple[float, ...] = ()

    def resampled(self, count: int) -> Axis:
        """The same stretch in `count` equal steps of the index.

        >>> Axis("time", "s", coordinates=(0.5, 1.5, 2.5, 3.5)).resampled(2).coordinates
        (1.0, 3.0)
        """
        old = len(self.coordinates)
        if not old or old == count:
            return self
        places = (np.arange(count) + 0.5) * old / count - 0.5
        inner = np.interp(places, np.arange(old), self.coordinates)
        return replace(self, coordinates=tuple(float(value) for value in inner))


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
        unit: of the score and, unless the method says otherwise, of the values; "" for none.
        seed: of what the method draws by chance.
        card: the id of the model.
        weights_sha256: of the weights that answered; "" where there are none.
        seconds: how long it took.
        evaluations: how often the model was asked.
        facts: further numbers of the method, such as the gap of a sum that should close.
    """

    values: np.ndarray
    axes: tuple[Axis, ...]
    target: str
    method: str
    score: float
    contrast: str = ""
    baseline: str = ""
    unit: str = ""
    seed: int = 0
    card: str = ""
    weights_sha256: str = ""
    seconds: float = 0.0
    evaluations: int = 0
    facts: Mapping[str, float] = field(default_factory=dict)


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
        arrange: from a number per input element `(1, ...)` to values on the axes of the subject's cells; None where
            the inputs are no places, such as the numbers of words.
        baseline: `(1, ...)`, inputs that say nothing, from which integrated gradients start; None where there is none.
        baseline_name: what that is, in words.
    """

    module: nn.Module
    inputs: Tensor
    forward: Callable[[nn.Module, Tensor], Tensor]
    score: Callable[[Tensor], Tensor]
    transformer: Transformer | None = None
    arrange: Callable[[Tensor], np.ndarray] | None = None
    baseline: Tensor | None = None
    baseline_name: str = ""


@dataclass(frozen=True)
class Parts:
    """The input as parts that can be taken away one by one.

    Attributes:
        axes: of the parts; their shape is `shape`.
        shape: how many parts there are along each axis.
        score: from how much of each part is there, `(B, *shape)` from 0 to 1, to the scores `(B,)` of those inputs.
        baseline: what takes the place of a part, in words.
        window: how many neighbouring parts occlusion covers at once.
        stride: how far that window moves.
        batch: how many variants `score` takes at once.
        plain: `shape`, a map that anybody could draw without the model, such as loudness; None where there is none.
        plain_name: what that map shows, in words.
    """

    axes: tuple[Axis, ...]
    shape: tuple[int, ...]
    score: Callable[[np.ndarray], np.ndarray]
    baseline: str = ""
    window: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    batch: int = 1
    plain: np.ndarray | None = None
    plain_name: str = ""

    @property
    def count(self) -> int:
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class Size:
    """How many parts an input has, as far as the cost of a method depends on it.

    Attributes:
        shape: of the cells.
        window, stride: as in `Parts`.
        players: number of named parts.
    """

    shape: tuple[int, ...] = ()
    window: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    players: int = 0


class Meter:
    """Counts how often the model is asked, and is where a computation can be stopped.

    Args:
        report: is given the number of evaluations so far after each; what it raises ends the computation.
    """

    def __init__(self, report: Callable[[int], None] | None = None) -> None:
        self.count = 0
        self._report = report

    def add(self, evaluations: int = 1) -> None:
        self.count += evaluations
        if self._report is not None:
            self._report(self.count)


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
        given_cells: the input as a grid of places; None for that of an image or the words of a sentence.
        players: the input as a few things with names, for Shapley values; None where it has no such parts.
        attention: gives the layers of attention `(H, N, N)`, `(N,)` how much is read from each token, the axes of the
            tokens and the score, for a transformer that has no gradients; None for any other.
        unit: of the score.
        control: from the share of the layers, counted from the last, whose weights are shuffled, and the seed of
            their order, 0 where none is named, to the same subject of that network; None where there is no network.
        reasons: why a method makes no sense for this model, by the method's id.
        illustrate: writes a map of this subject in a form of its own, such as a sound, into a folder.
        meter: counts evaluations.
        preview: is given a first, coarse map by methods that have one long before they end.
    """

    target: str
    score: Callable[[Any], np.ndarray] | None = None
    image: np.ndarray | None = None
    sentence: str = ""
    network: Network | None = None
    contrast: str = ""
    given_cells: Parts | None = None
    players: Parts | None = None
    attention: Callable[[], tuple[Sequence[Tensor], Tensor, tuple[Axis, ...], float]] | None = None
    unit: str = ""
    control: Callable[..., Subject] | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    illustrate: Callable[[Attribution, Path], tuple[Artifact, ...]] | None = None
    meter: Meter = field(default_factory=Meter, compare=False)
    preview: Callable[[Attribution], None] = field(default=lambda _: None, compare=False)

    def attribution(
        self, values: np.ndarray, axes: tuple[Axis, ...], method: str, score: float, baseline: str = "", **facts: Any
    ) -> Attribution:
        """An attribution of this subject's score; parameters as in `Attribution`.

        A map that knows only its rows and columns gets the axes of the input that it lies over, where those are known.
        """
        if self.given_cells is not None and axes == grid_axes():
            over = self.given_cells.axes
            axes = tuple(axis.resampled(count) for axis, count in zip(over, values.shape, strict=True))
        return Attribution(values, axes, self.target, method, score, self.contrast, baseline, self.unit, **facts)

    @cached_property
    def cells(self) -> Parts | None:
        """The input as places that can be covered."""
        from backends.attribution.parts import image_cells, words_of

        if self.given_cells is not None:
            return self.given_cells
        if self.image is not None and self.score is not None:
            return image_cells(self.image, self.score)
        if self.sentence.split() and self.score is not None:
            return words_of(self.sentence, self.score)
        return None

    @property
    def size(self) -> Size:
        cells, players = self.cells, 0 if self.players is None else self.players.count
        if cells is None:
            return Size(players=players)
        return Size(cells.shape, cells.window, cells.stride, players)

    def cells_of_shape(self, shape: tuple[int, ...]) -> Parts:
        """The cells, as coarse or fine as a map of `shape` over them. Raises Unsupported where there are none."""
        from backends.attribution.parts import image_cells, regridded

        cells = self.cells
        if cells is None:
            raise Unsupported("Nothing of this input can be covered.")
        if self.given_cells is None and self.image is not None and self.score is not None and len(shape) == 2:
            return image_cells(self.image, self.score, cells.axes, (shape[0], shape[1]))
        return cells if cells.shape == shape else regridded(cells, shape)

    def evaluate(self, parts: Parts, keep: np.ndarray) -> np.ndarray:
        """Scores `(B,)` float64 of the input with `keep` `(B, *shape)` of its parts, a batch at a time."""
        scores = np.empty(len(keep))
        for start in range(0, len(keep), parts.batch):
            chunk = keep[start : start + parts.batch]
            scores[start : start + len(chunk)] = parts.score(chunk)
            self.meter.add(len(chunk))
        return scores


def grid_axes() -> tuple[Axis, Axis]:
    """The axes of a map over an image: rows from the top and columns from the left."""
    return Axis("row", "cells"), Axis("column", "cells")
