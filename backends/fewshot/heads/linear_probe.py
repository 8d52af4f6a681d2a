"""A linear probe that starts from the words and learns how far to trust them, class by class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np

from backends.fewshot.heads.base import Chosen, Head, Setting, neutral, word_weights
from backends.fewshot.heads.folds import FOLDS, FOLDS_OF_MANY, folds
from backends.fewshot.heads.formula import Formula, line
from backends.fewshot.heads.tip_adapter import shot_weights
from backends.fewshot.types import Support

MANY = 200
"""Shots from which on each fold leaves out more of them, since every fold is a training."""


class LinearProbe(Head):
    """LP++ (Huang 2024): logits q·(w_c + a_c t_c), with prototypes w_c and a multiplier a_c of the words t_c a class,
    minimise the cross-entropy of the shots by block-coordinate majorise-minimise steps.

    Each step moves one block to the minimum of a quadratic that lies above the loss everywhere (their proposition 2),
    so there is no learning rate and the loss never rises. Their constant bounds the curvature of one class by ¼; all
    classes move at once here, for which ½ is the bound: w moves by −2N / λmax(FᵀF) of its gradient, a by
    −2N / max_c Σ (fᵢ·t_c)². w starts as the class means, a as the logit scale: the zero-shot answer. The shots can
    always be separated in the end, so what keeps the words' knowledge is when to stop: chosen on left-out shots.

    Each shot's loss counts the mean number of shots over that of its class, 1 with equal numbers as in the paper.
    Classes without pictures are left out of the training and get the mean of the others' prototype and multiplier.
    """

    id = "linear_probe"
    title = "Linear probe from words"
    meaning = "Trains a line between the classes, starting from the words; best with eight pictures a class or more."
    parameters: ClassVar[Mapping[str, Setting]] = {"steps": Setting("how long it is trained", (10, 25, 60), 25)}

    def solve(self, support: Support, chosen: Chosen) -> Formula:
        return trained(support, [int(chosen["steps"])])[0]

    def left_out(self, support: Support, chosen: Chosen) -> np.ndarray:
        return self._path(support, [int(chosen["steps"])])[0]

    def trials(self, support: Support) -> Iterator[tuple[Chosen, np.ndarray]]:
        steps = [int(value) for value in self.values("steps")]
        for number, scores in zip(steps, self._path(support, steps), strict=True):
            yield {"steps": number}, scores

    def _path(self, support: Support, steps: Sequence[int]) -> list[np.ndarray]:
        """Scores of left-out shots after each number of steps, from one training a fold."""
        scores = [np.empty((len(support.labels), len(support.classes))) for _ in steps]
        for tested, taught in folds(support, most_folds(support)):
            for place, formula in zip(scores, trained(support.chosen(taught), steps), strict=True):
                place[tested] = np.sum(formula.votes(support.images[tested]), axis=0)
        return scores


def most_folds(support: Support) -> int:
    """Trainings that may be spent on left-out shots."""
    return FOLDS if len(support.labels) <= MANY else FOLDS_OF_MANY


def trained(support: Support, steps: Sequence[int]) -> list[Formula]:
    """The probe after each of the numbers of `steps`, which rise."""
    words = word_weights(support) / support.logit_scale
    if not len(support.labels):
        empty = np.zeros_like(support.images, float)
        return [line(support.logit_scale * words, np.zeros_like(words), np.zeros(len(words)), empty) for _ in steps]
    descent, found = _Descent(support, words), []
    for step in range(max(steps) + 1):
        if step in steps:
            found.append(_formula(support, words, descent))
        descent.step()
    return found


class _Descent:
    """The two alternating steps; float32, as the features are.

    coefficients: `(N, P)` for the classes with pictures, w = coefficientsᵀ F at all times, so that it is known what
    each shot put into it. multiplier: `(P,)`.
    """

    def __init__(self, support: Support, words: np.ndarray) -> None:
        pictured = support.counts > 0
        self.features = support.images.astype(np.float32)
        self.wanted = support.one_hot[:, pictured].astype(np.float32)
        self.cosines = self.features @ words[pictured].T.astype(np.float32)  # (N, P)
        self.coefficients = self.wanted / self.wanted.sum(axis=0)
        self.multiplier = np.full(self.wanted.shape[1], support.logit_scale, np.float32)
        wide = len(self.features) <= self.features.shape[1]
        self.gram = self.features @ self.features.T if wide else None  # (N, N) where that is the shorter way
        self.weights = shot_weights(support).astype(np.float32)[:, None]
        weighted = np.sqrt(self.weights) * self.features
        self.reach = np.float32(2 / largest_eigenvalue(weighted @ weighted.T if wide else weighted.T @ weighted))
        squares = float((self.weights * np.square(self.cosines)).sum(axis=0).max())
        self.stretch = np.float32(2 / squares if squares > 0 else 0)
        self.pictures = self._pictures()

    def _pictures(self) -> np.ndarray:
        """`(N, P)`: the prototypes' part of the logits of the shots."""
        if self.gram is not None:
            return self.gram @ self.coefficients
        return self.features @ (self.features.T @ self.coefficients)

    def residual(self) -> np.ndarray:
        """Softmax minus one-hot, weighted `(N, P)`: the gradient with respect to the logits, times N."""
        logits = self.pictures + self.cosines * self.multiplier
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return self.weights * (shares - self.wanted)

    def step(self) -> None:
        self.coefficients = self.coefficients - self.reach * self.residual()
        self.pictures = self._pictures()
        self.multiplier = self.multiplier - self.stretch * (self.residual() * self.cosines).sum(axis=0)


def largest_eigenvalue(matrix: np.ndarray, rounds: int = 30) -> float:
    """Of a positive matrix, a hair above: by powers, whose Rayleigh quotient comes from below."""
    vector = matrix.sum(axis=1) + 1e-6
    for _ in range(rounds):
        vector = matrix @ (vector / np.linalg.norm(vector))
    return 1.02 * float(np.linalg.norm(vector))


def _formula(support: Support, words: np.ndarray, descent: _Descent) -> Formula:
    pictured, labels = support.counts > 0, support.labels.astype(int)
    images = support.images.astype(float)
    coefficients, multiplier = np.zeros((len(labels), len(words))), np.zeros(len(words))
    coefficients[:, pictured], multiplier[pictured] = descent.coefficients, descent.multiplier
    multiplier = neutral(multiplier, pictured)
    weights = neutral((coefficients.T @ images).T, pictured).T
    pulls = images * coefficients[np.arange(len(labels)), labels][:, None]
    return line(multiplier[:, None] * words, weights, np.zeros(len(words)), pulls)
