"""The seam of all heads: `fit` on a support, `scores` of queries, and the score of each shot without itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np

from backends.core.errors import BadInput
from backends.fewshot.calibration import best_temperature
from backends.fewshot.heads.folds import FOLDS, folds, is_thin
from backends.fewshot.heads.formula import Formula
from backends.fewshot.types import Support

Chosen = dict[str, float]

MOST_JUDGED = 400
"""Left-out shots that settings are compared on: more change nothing but the time."""


@dataclass(frozen=True)
class Setting:
    """A number that a head chooses on its shots: what it means, the values tried, and the paper's own or usual one."""

    meaning: str
    tried: tuple[float, ...]
    usual: float

    def surprise(self, value: float) -> float:
        """In nats, how far `value` is from the usual: a few shots must not move it by a hundred times on a whim."""
        return 0.5 * (np.log(value / self.usual) / np.log(30)) ** 2


@dataclass(frozen=True)
class Evidence:
    """Why one picture got its scores: the vote of the words and of the pictures `(C,)`, which add up to the scores,
    and what each shot `(N,)` adds to the score of its own class."""

    words: np.ndarray
    pictures: np.ndarray
    shots: np.ndarray


class Head(ABC):
    """Subclasses write `solve`; where the scores of left-out shots have a closed form, also `left_out` or `trials`.

    Two conventions hold in all heads. A class without words gets the mean of the other classes' words as its own, and
    a class without pictures the mean of the others' pictures' votes: what is not there speaks neither for nor against.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    meaning: ClassVar[str]
    needs: ClassVar[str] = "either"
    parameters: ClassVar[Mapping[str, Setting]] = {}

    def __init__(self, **fixed: float) -> None:
        """Settings given here by name are kept; the others are chosen on the shots."""
        unknown = set(fixed) - set(self.parameters)
        if unknown:
            raise BadInput(f"{self.title} has no setting called “{sorted(unknown)[0]}”.")
        self.fixed = fixed
        self.chosen: Chosen = {}
        self.labels = np.zeros(0, int)

    @abstractmethod
    def solve(self, support: Support, chosen: Chosen) -> Formula:
        """The head taught with all of `support`."""

    def left_out(self, support: Support, chosen: Chosen) -> np.ndarray:
        """`(N, C)`: each shot scored by a head that was taught without it. Here by teaching anew; exact and slow."""
        return refitted(self, support, chosen, np.arange(len(support.labels)))

    def trials(self, support: Support) -> Iterator[tuple[Chosen, np.ndarray]]:
        """Every combination of settings to try, with the scores of left-out shots under it."""
        for values in product(*(self.values(name) for name in self.parameters)):
            chosen = dict(zip(self.parameters, values, strict=True))
            yield chosen, self.left_out(support, chosen)

    def fit(self, support: Support) -> Head:
        """Choose the settings by the log loss of left-out shots, then teach with all."""
        check(self, support)
        self.chosen, self._plain = self.choose(support)
        self.formula = self.solve(support, self.chosen)
        self.labels, self._support = support.labels.astype(int), support
        return self

    def choose(self, support: Support) -> tuple[Chosen, np.ndarray]:
        """The settings, and the scores of left-out shots under them.

        A shot that is the only one of its class cannot tell how far to trust pictures: without it, there are none.
        """
        rows = np.flatnonzero(support.counts[support.labels.astype(int)] >= 2)
        usual = self.usual()
        if len(np.unique(support.labels[rows])) < 2 or all(len(self.values(name)) == 1 for name in self.parameters):
            return usual, self.left_out(support, usual)
        judged = rows[:: max(1, len(rows) // MOST_JUDGED)]
        best = np.inf
        for chosen, scores in self.trials(support):
            surprise = sum(self.parameters[name].surprise(value) for name, value in chosen.items())
            loss = best_temperature(scores[judged], support.labels[judged])[1] + surprise
            if loss < best:
                best, found = loss, (chosen, scores)
        return found

    def values(self, name: str) -> tuple[float, ...]:
        return (self.fixed[name],) if name in self.fixed else self.parameters[name].tried

    def usual(self) -> Chosen:
        return {name: self.fixed.get(name, setting.usual) for name, setting in self.parameters.items()}

    def scores(self, queries: np.ndarray) -> np.ndarray:
        """Of unit rows `(M, D)`, the score of each class `(M, C)`."""
        words, pictures = self.formula.votes(queries)
        return words + pictures

    def slope(self, queries: np.ndarray) -> np.ndarray:
        """Gradient of the scores with respect to the feature, `(M, C, D)`."""
        return self.formula.slope(queries)

    def leave_one_out(self, support: Support) -> tuple[np.ndarray, np.ndarray]:
        """`(N, C)` twice: the scores of each shot by a head that was taught without it, under the chosen settings.

        The first are for counting who is right: with eight shots a class or fewer, one of every other class is left
        out beside it. Of fewer shots, scores spread otherwise; these are brought to the spread of the second, of
        which nothing else is left out, and which temperatures are fitted on. The settings were chosen with all shots;
        with as few as there are to choose from, that flatters little.
        """
        fitted = support is getattr(self, "_support", None)
        chosen = self.chosen or self.usual()
        plain = self._plain if fitted else self.left_out(support, chosen)
        if not is_thin(support):
            return plain, plain
        even = self.by_folds(support, chosen)
        narrow, wide = (float(scores.std(axis=1).mean()) for scores in (even, plain))
        return even * (wide / narrow if narrow > 0 and wide > 0 else 1), plain

    def by_folds(self, support: Support, chosen: Chosen, most: int = FOLDS) -> np.ndarray:
        """`(N, C)`: the same by teaching anew without one shot of every class at a time."""
        scores = np.empty((len(support.labels), len(support.classes)))
        for tested, taught in folds(support, most):
            words, pictures = self.solve(support.chosen(taught), chosen).votes(support.images[tested])
            scores[tested] = words + pictures
        return scores

    def evidence(self, query: np.ndarray) -> Evidence:
        """Of one unit feature `(D,)`."""
        words, pictures = (vote[0] for vote in self.formula.votes(query[None]))
        if len(self.formula.keys):
            own = self.formula.values[np.arange(len(self.labels)), self.labels]
            return Evidence(words, pictures, self.formula.affinities(query[None].astype(float))[0] * own)
        pulls = self.formula.pulls
        shots = np.zeros(len(self.labels)) if pulls is None else pulls @ query
        return Evidence(words, pictures, shots)

    def state(self) -> dict[str, np.ndarray]:
        """Plain arrays that `from_state` makes the same head from."""
        chosen = {f"chosen_{name}": np.array(value) for name, value in self.chosen.items()}
        return {**self.formula.state(), **chosen, "labels": self.labels, "head": np.array(self.id)}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Head:
        head = cls()
        head.chosen = {name: float(state[f"chosen_{name}"]) for name in cls.parameters}
        head.formula = Formula.from_state(state)
        head.labels = state["labels"].astype(int)
        return head


def check(head: Head, support: Support) -> None:
    """Refuse in words what this head cannot be taught with."""
    if len(support.classes) < 2:
        raise BadInput("Name at least two classes: with one there is nothing to tell apart.")
    pictured, worded = support.counts > 0, support.worded
    for name, pictures, words in zip(support.classes, pictured, worded, strict=True):
        if not (pictures or words):
            raise BadInput(f"“{name}” has neither a picture nor a sentence: add one, or remove the class.")
        if head.needs == "pictures" and not pictures:
            raise BadInput(f"“{name}” has no picture, and “{head.title}” looks at pictures alone: add one.")
        if head.needs == "words" and not words:
            raise BadInput(f"“{name}” has no words, and “{head.title}” looks at words alone: write a sentence.")


def word_weights(support: Support) -> np.ndarray:
    """`(C, D)` that give the words' logits of a picture; zeros without words."""
    worded = support.worded
    if support.words is None or not worded.any():
        return np.zeros((len(support.classes), support.images.shape[1]))
    words = np.where(worded[:, None], support.words, 0).astype(float)
    words[~worded] = words[worded].mean(axis=0)
    return support.logit_scale * words


def word_votes(support: Support) -> np.ndarray:
    """`(N, C)` of the shots themselves: words are not taught by shots, so nothing has to be left out."""
    return support.images.astype(float) @ word_weights(support).T


def neutral(votes: np.ndarray, pictured: np.ndarray) -> np.ndarray:
    """The entries along the last axis whose class has no pictures become the mean of those that have.

    `pictured` is of the same shape, or `(C,)`.
    """
    pictured = np.broadcast_to(pictured, votes.shape)
    total = np.where(pictured, votes, 0).sum(axis=-1, keepdims=True)
    return np.where(pictured, votes, total / np.maximum(pictured.sum(axis=-1, keepdims=True), 1))


def pictured_without(support: Support) -> np.ndarray:
    """`(N, C)` bool: which classes still have pictures when shot n is left out."""
    return counts_without(support) > 0


def counts_without(support: Support) -> np.ndarray:
    """`(N, C)`: shots of each class when shot n is left out."""
    return support.counts - support.one_hot


def refitted(head: Head, support: Support, chosen: Chosen, rows: np.ndarray) -> np.ndarray:
    """Scores `(R, C)` of the given shots, each by a head taught anew without it."""
    scores = np.empty((len(rows), len(support.classes)))
    keep = np.ones(len(support.labels), bool)
    for place, row in enumerate(rows):
        keep[row] = False
        words, pictures = head.solve(support.chosen(keep), chosen).votes(support.images[row : row + 1])
        scores[place] = (words + pictures)[0]
        keep[row] = True
    return scores
