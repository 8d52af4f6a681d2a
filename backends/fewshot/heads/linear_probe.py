"""A linear probe that starts from the text features and learns how far to trust them, class by class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np

from backends.fewshot.heads.base import Head, Hyperparameter, Hyperparameters, fill_missing_with_mean, text_weights
from backends.fewshot.heads.folds import MAX_FOLDS, MAX_FOLDS_IF_MANY, folds
from backends.fewshot.heads.formula import Formula, linear_formula
from backends.fewshot.heads.tip_adapter import balanced_shot_weights
from backends.fewshot.types import Support

MANY_SHOTS = 200
"""Number of shots from which on each fold leaves out more of them, since every fold is a training."""


class LinearProbe(Head):
    """LP++ (Huang et al. 2024): logits q·(w_c + a_c t_c), with prototypes w_c and a multiplier a_c of the text features
    t_c per class, minimise the cross-entropy of the shots by block-coordinate majorise-minimise steps.

    Each step moves one block to the minimum of a quadratic that lies above the loss everywhere (their proposition 2),
    so there is no learning rate and the loss never rises. Their constant bounds the curvature of one class by ¼; all
    classes move at once here, for which ½ is the bound: w moves by −2N / λmax(FᵀF) of its gradient, a by
    −2N / max_c Σᵢ (fᵢ·t_c)². w starts as the class means, a as the logit scale: the zero-shot answer. The shots can
    always be separated in the end, so what keeps the knowledge of the text is early stopping: the number of steps is
    selected on left-out shots.

    The loss of each shot is weighted by `balanced_shot_weights`, 1 with equal numbers as in the paper. Classes without
    images take no part in the training and get the mean of the others' prototypes and multipliers.
    """

    id = "linear_probe"
    title = "Linear probe from words"
    meaning = "Trains a line between the classes, starting from the words; best with eight pictures a class or more."
    parameters: ClassVar[Mapping[str, Hyperparameter]] = {
        "steps": Hyperparameter("how long it is trained", (10, 25, 60), 25)
    }

    def solve(self, support: Support, hyperparameters: Hyperparameters) -> Formula:
        return train(support, [int(hyperparameters["steps"])])[0]

    def leave_one_out_scores(self, support: Support, hyperparameters: Hyperparameters) -> np.ndarray:
        return self._scores_after(support, [int(hyperparameters["steps"])])[0]

    def grid_scores(self, support: Support) -> Iterator[tuple[Hyperparameters, np.ndarray]]:
        steps = [int(value) for value in self.grid("steps")]
        for number, scores in zip(steps, self._scores_after(support, steps), strict=True):
            yield {"steps": number}, scores

    def _scores_after(self, support: Support, steps: Sequence[int]) -> list[np.ndarray]:
        """Scores `(N, C)` of left-out shots after each number of steps, from one training per fold."""
        scores = [np.empty((len(support.labels), len(support.classes))) for _ in steps]
        for test_rows, train_rows in folds(support, max_folds(support)):
            for target, formula in zip(scores, train(support.subset(train_rows), steps), strict=True):
                target[test_rows] = np.sum(formula.logit_terms(support.image_features[test_rows]), axis=0)
        return scores


def max_folds(support: Support) -> int:
    """Number of trainings that may be spent on left-out shots."""
    return MAX_FOLDS if len(support.labels) <= MANY_SHOTS else MAX_FOLDS_IF_MANY


def train(support: Support, steps: Sequence[int]) -> list[Formula]:
    """The probe after each of the numbers of `steps`, which are in ascending order."""
    text = text_weights(support) / support.logit_scale
    if not len(support.labels):
        empty = np.zeros_like(support.image_features, float)
        zeros = np.zeros_like(text)
        return [linear_formula(support.logit_scale * text, zeros, np.zeros(len(text)), empty) for _ in steps]
    descent, formulas = _Descent(support, text), []
    for step in range(max(steps) + 1):
        if step in steps:
            formulas.append(_formula(support, text, descent))
        descent.step()
    return formulas


class _Descent:
    """The two alternating steps, in float32, as the features are.

    Attributes:
        coefficients: `(N, P)` for the P classes with images; w = coefficientsᵀ F at all times, so that the part of
            each shot in it is known.
        multiplier: `(P,)`, a.
    """

    def __init__(self, support: Support, text: np.ndarray) -> None:
        has_images = support.counts > 0
        self.features = support.image_features.astype(np.float32)
        self.targets = support.one_hot[:, has_images].astype(np.float32)
        self.cosines = self.features @ text[has_images].T.astype(np.float32)  # (N, P)
        self.coefficients = self.targets / self.targets.sum(axis=0)
        self.multiplier = np.full(self.targets.shape[1], support.logit_scale, np.float32)
        wide = len(self.features) <= self.features.shape[1]
        self.gram = self.features @ self.features.T if wide else None  # (N, N) where that is the cheaper way
        self.weights = balanced_shot_weights(support).astype(np.float32)[:, None]
        weighted = np.sqrt(self.weights) * self.features
        # Step sizes of the two blocks: 2 / λmax(FᵀF) and 2 / max_c Σᵢ (fᵢ·t_c)².
        self.prototype_step = np.float32(
            2 / largest_eigenvalue(weighted @ weighted.T if wide else weighted.T @ weighted)
        )
        squares = float((self.weights * np.square(self.cosines)).sum(axis=0).max())
        self.multiplier_step = np.float32(2 / squares if squares > 0 else 0)
        self.prototype_logits = self._prototype_logits()

    def _prototype_logits(self) -> np.ndarray:
        """`(N, P)`: the prototypes' part of the logits of the shots."""
        if self.gram is not None:
            return self.gram @ self.coefficients
        return self.features @ (self.features.T @ self.coefficients)

    def residual(self) -> np.ndarray:
        """Softmax minus one-hot, weighted, `(N, P)`: the gradient with respect to the logits, times N."""
        logits = self.prototype_logits + self.cosines * self.multiplier
        softmax = np.exp(logits - logits.max(axis=1, keepdims=True))
        softmax /= softmax.sum(axis=1, keepdims=True)
        return self.weights * (softmax - self.targets)

    def step(self) -> None:
        self.coefficients = self.coefficients - self.prototype_step * self.residual()
        self.prototype_logits = self._prototype_logits()
        self.multiplier = self.multiplier - self.multiplier_step * (self.residual() * self.cosines).sum(axis=0)


def largest_eigenvalue(matrix: np.ndarray, rounds: int = 30) -> float:
    """The largest eigenvalue of a positive matrix by power iteration, 2 % above: the iteration comes from below.

    >>> round(largest_eigenvalue(np.diag([3.0, 1.0])), 2)
    3.06
    """
    vector = matrix.sum(axis=1) + 1e-6
    for _ in range(rounds):
        vector = matrix @ (vector / np.linalg.norm(vector))
    return 1.02 * float(np.linalg.norm(vector))


def _formula(support: Support, text: np.ndarray, descent: _Descent) -> Formula:
    has_images, labels = support.counts > 0, support.labels.astype(int)
    features = support.image_features.astype(float)
    coefficients, multiplier = np.zeros((len(labels), len(text))), np.zeros(len(text))
    coefficients[:, has_images], multiplier[has_images] = descent.coefficients, descent.multiplier
    multiplier = fill_missing_with_mean(multiplier, has_images)
    weights = fill_missing_with_mean((coefficients.T @ features).T, has_images).T
    shot_weights = features * coefficients[np.arange(len(labels)), labels][:, None]
    return linear_formula(multiplier[:, None] * text, weights, np.zeros(len(text)), shot_weights)
