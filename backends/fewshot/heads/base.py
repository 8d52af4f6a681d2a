"""The interface of all heads: `fit` on a support set, `scores` of queries, and the leave-one-out score of each shot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np

from backends.core.errors import BadInput
from backends.fewshot.calibration import fit_temperature_and_loss
from backends.fewshot.heads.folds import MAX_FOLDS, folds, is_thin
from backends.fewshot.heads.formula import Formula
from backends.fewshot.near_copies import canonical_ranks
from backends.fewshot.types import Support

Hyperparameters = dict[str, float]
"""A value for each hyperparameter of a head, by name."""

MAX_SELECTION_SHOTS = 400
"""Leave-one-out scores that hyperparameters are compared on: more would change nothing but the time."""


@dataclass(frozen=True)
class Hyperparameter:
    """A number that a head chooses on its shots: its meaning, the grid of values tried, and the published default."""

    meaning: str
    grid: tuple[float, ...]
    default: float

    def log_prior(self, value: float) -> float:
        """Log density in nats, up to a constant, of a log-normal prior around the default.

        Its standard deviation is a factor of 30, so that a few shots do not move a value by a factor of a hundred.

        >>> float(Hyperparameter("a weight", (1.0, 30.0), 1.0).log_prior(30.0))
        -0.5
        """
        return -0.5 * (np.log(value / self.default) / np.log(30)) ** 2


@dataclass(frozen=True)
class Contributions:
    """Why one image got its scores.

    Attributes:
        text: `(C,)` the logit term of the text features.
        images: `(C,)` the logit term of the example images; `text + images` are the scores.
        shots: `(N,)` what each shot adds to the score of its own class.
    """

    text: np.ndarray
    images: np.ndarray
    shots: np.ndarray


class Head(ABC):
    """A classifier over features. Subclasses write `solve`; where the scores of left-out shots have a closed form,
    also `leave_one_out_scores` or `grid_scores`.

    Two conventions hold in all heads. A class without text gets the mean of the other classes' text features, and a
    class without images the mean of the others' image logits: what is missing counts neither for nor against.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    meaning: ClassVar[str]
    needs: ClassVar[str] = "either"
    parameters: ClassVar[Mapping[str, Hyperparameter]] = {}

    def __init__(self, **fixed: float) -> None:
        """Hyperparameters given here by name are fixed; the others are chosen on the shots. Raises BadInput."""
        unknown = set(fixed) - set(self.parameters)
        if unknown:
            raise BadInput(f"{self.title} has no setting called “{sorted(unknown)[0]}”.")
        self.fixed = fixed
        self.hyperparameters: Hyperparameters = {}
        self.labels = np.zeros(0, int)
        self._loo_scores: np.ndarray | None = None

    @abstractmethod
    def solve(self, support: Support, hyperparameters: Hyperparameters) -> Formula:
        """The score function fitted to all of `support`."""

    def leave_one_out_scores(self, support: Support, hyperparameters: Hyperparameters) -> np.ndarray:
        """`(N, C)`: each shot scored by a head that was fitted without it. Here by refitting; exact and slow."""
        return refit_scores(self, support, hyperparameters, np.arange(len(support.labels)))

    def grid_scores(self, support: Support) -> Iterator[tuple[Hyperparameters, np.ndarray]]:
        """Every combination of hyperparameters to try, with the leave-one-out scores `(N, C)` under it."""
        for values in product(*(self.grid(name) for name in self.parameters)):
            hyperparameters = dict(zip(self.parameters, values, strict=True))
            yield hyperparameters, self.leave_one_out_scores(support, hyperparameters)

    def fit(self, support: Support) -> Head:
        """Choose the hyperparameters by the cross-entropy of left-out shots, then fit with all shots."""
        validate(self, support)
        distinct = support.distinct_rows
        # Near copies would ask for whatever tells copies apart, which is not what new pictures need.
        judged = support if len(distinct) == len(support.labels) else support.subset(distinct)
        self.hyperparameters, scores = self.select_hyperparameters(judged)
        self._loo_scores = scores if judged is support else None
        self.formula = self.solve(support, self.hyperparameters)
        self.labels, self._support = support.labels.astype(int), support
        return self

    def select_hyperparameters(self, support: Support) -> tuple[Hyperparameters, np.ndarray]:
        """The hyperparameters with the highest posterior, and the leave-one-out scores `(N, C)` under them.

        The objective is the cross-entropy at the best temperature minus the log prior. A shot that is the only one of
        its class cannot tell how far to trust images: without it, the class has none.
        """
        rows = np.flatnonzero(support.counts[support.labels.astype(int)] >= 2)
        defaults = self.defaults()
        if len(np.unique(support.labels[rows])) < 2 or all(len(self.grid(name)) == 1 for name in self.parameters):
            return defaults, self.leave_one_out_scores(support, defaults)
        if len(rows) > MAX_SELECTION_SHOTS:
            rows = rows[np.argsort(canonical_ranks(support.image_features[rows]))]
        judged = rows[:: max(1, len(rows) // MAX_SELECTION_SHOTS)]
        lowest = np.inf
        for hyperparameters, scores in self.grid_scores(support):
            log_prior = sum(self.parameters[name].log_prior(value) for name, value in hyperparameters.items())
            loss = fit_temperature_and_loss(scores[judged], support.labels[judged])[1] - log_prior
            if loss < lowest:
                lowest, best = loss, (hyperparameters, scores)
        return best

    def grid(self, name: str) -> tuple[float, ...]:
        """The values of a hyperparameter to try: one where it is fixed."""
        return (self.fixed[name],) if name in self.fixed else self.parameters[name].grid

    def defaults(self) -> Hyperparameters:
        return {name: self.fixed.get(name, parameter.default) for name, parameter in self.parameters.items()}

    def scores(self, queries: np.ndarray) -> np.ndarray:
        """The score of each class `(M, C)` for unit vectors `(M, D)`."""
        text, images = self.formula.logit_terms(queries)
        return text + images

    def gradient(self, queries: np.ndarray) -> np.ndarray:
        """Gradient of the scores with respect to the feature, `(M, C, D)`."""
        return self.formula.gradient(queries)

    def leave_one_out(self, support: Support) -> tuple[np.ndarray, np.ndarray]:
        """Scores of each shot by a head that was fitted without it, `(N, C)` twice.

        The first are for counting how many are right: with eight shots per class or fewer, one shot of every other
        class is left out beside it (see `folds`). Heads fitted on fewer shots spread their scores differently, so
        these are rescaled to the spread of the second, for which nothing else is left out and which temperatures are
        fitted on. The hyperparameters were chosen with all shots; with so few values to choose from, the optimism
        that this adds is small.
        """
        hyperparameters = self.hyperparameters or self.defaults()
        if len(support.distinct_rows) < len(support.labels):
            scores = self.fold_scores(support, hyperparameters)
            return scores, scores
        known = self._loo_scores if support is getattr(self, "_support", None) else None
        plain = self.leave_one_out_scores(support, hyperparameters) if known is None else known
        if not is_thin(support):
            return plain, plain
        balanced = self.fold_scores(support, hyperparameters)
        narrow, wide = (float(scores.std(axis=1).mean()) for scores in (balanced, plain))
        return balanced * (wide / narrow if narrow > 0 and wide > 0 else 1), plain

    def fold_scores(self, support: Support, hyperparameters: Hyperparameters, count: int = MAX_FOLDS) -> np.ndarray:
        """`(N, C)`: each shot scored by a head refitted without one shot of every class, in at most `count` folds."""
        scores = np.empty((len(support.labels), len(support.classes)))
        for test_rows, train_rows in folds(support, count):
            formula = self.solve(support.subset(train_rows), hyperparameters)
            text, images = formula.logit_terms(support.image_features[test_rows])
            scores[test_rows] = text + images
        return scores

    def contributions(self, query: np.ndarray) -> Contributions:
        """The terms behind the scores of one unit vector `(D,)`."""
        text, images = (term[0] for term in self.formula.logit_terms(query[None]))
        if len(self.formula.keys):
            own = self.formula.values[np.arange(len(self.labels)), self.labels]
            return Contributions(text, images, self.formula.affinities(query[None].astype(float))[0] * own)
        weights = self.formula.shot_weights
        shots = np.zeros(len(self.labels)) if weights is None else weights @ query
        return Contributions(text, images, shots)

    def state(self) -> dict[str, np.ndarray]:
        """Plain arrays that `from_state` makes the same head from."""
        chosen = {f"chosen_{name}": np.array(value) for name, value in self.hyperparameters.items()}
        return {**self.formula.state(), **chosen, "labels": self.labels, "head": np.array(self.id)}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Head:
        head = cls()
        head.hyperparameters = {name: float(state[f"chosen_{name}"]) for name in cls.parameters}
        head.formula = Formula.from_state(state)
        head.labels = state["labels"].astype(int)
        return head


def validate(head: Head, support: Support) -> None:
    """Raises BadInput where this head cannot be fitted to this support set."""
    if len(support.classes) < 2:
        raise BadInput("Name at least two classes: with one there is nothing to tell apart.")
    for name, has_images, has_text in zip(support.classes, support.counts > 0, support.has_text, strict=True):
        if not (has_images or has_text):
            raise BadInput(f"“{name}” has neither a picture nor a sentence: add one, or remove the class.")
        if head.needs == "pictures" and not has_images:
            raise BadInput(f"“{name}” has no picture, and “{head.title}” looks at pictures alone: add one.")
        if head.needs == "words" and not has_text:
            raise BadInput(f"“{name}” has no words, and “{head.title}” looks at words alone: write a sentence.")


def text_weights(support: Support) -> np.ndarray:
    """`(C, D)` weights of the zero-shot classifier: logit scale times the text features; zeros without any text."""
    has_text = support.has_text
    if support.text_features is None or not has_text.any():
        return np.zeros((len(support.classes), support.image_features.shape[1]))
    features = np.where(has_text[:, None], support.text_features, 0).astype(float)
    features[~has_text] = features[has_text].mean(axis=0)
    return support.logit_scale * features


def text_logits(support: Support) -> np.ndarray:
    """Zero-shot logits `(N, C)` of the shots. No shot was used to make them, so nothing has to be left out."""
    return support.image_features.astype(float) @ text_weights(support).T


def fill_missing_with_mean(logits: np.ndarray, has_images: np.ndarray) -> np.ndarray:
    """Replace the entries of classes without images by the mean of the others, along the last axis.

    Args:
        logits: `(..., C)`.
        has_images: bool, of the same shape or `(C,)`.

    >>> fill_missing_with_mean(np.array([1.0, 3.0, 0.0]), np.array([True, True, False]))
    array([1., 3., 2.])
    """
    has_images = np.broadcast_to(has_images, logits.shape)
    total = np.where(has_images, logits, 0).sum(axis=-1, keepdims=True)
    return np.where(has_images, logits, total / np.maximum(has_images.sum(axis=-1, keepdims=True), 1))


def has_images_without(support: Support) -> np.ndarray:
    """`(N, C)` bool: which classes still have images when shot n is left out."""
    return counts_without(support) > 0


def counts_without(support: Support) -> np.ndarray:
    """`(N, C)`: number of shots of each class when shot n is left out."""
    return support.counts - support.one_hot


def refit_scores(head: Head, support: Support, hyperparameters: Hyperparameters, rows: np.ndarray) -> np.ndarray:
    """Leave-one-out scores by refitting the head once per shot.

    Args:
        head: the kind of head; it need not be fitted.
        support: all shots.
        hyperparameters: the same for every refit.
        rows: `(R,)` indices of the shots to leave out, one at a time.

    Returns:
        `(R, C)` scores.
    """
    scores = np.empty((len(rows), len(support.classes)))
    keep = np.ones(len(support.labels), bool)
    for place, row in enumerate(rows):
        keep[row] = False
        formula = head.solve(support.subset(keep), hyperparameters)
        text, images = formula.logit_terms(support.image_features[row : row + 1])
        scores[place] = (text + images)[0]
        keep[row] = True
    return scores
