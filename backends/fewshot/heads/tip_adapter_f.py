"""Tip-Adapter-F: the keys of the cache are fine-tuned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from backends.fewshot.heads.base import Head, Hyperparameters, text_weights
from backends.fewshot.heads.formula import Formula, kernel_formula
from backends.fewshot.heads.linear_probe import max_folds
from backends.fewshot.heads.tip_adapter import TipAdapter, balanced_shot_weights
from backends.fewshot.types import Support

STEPS, LEARNING_RATE = 20, 1e-3
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # of Adam (Kingma and Ba 2015, algorithm 1)


class TipAdapterF(TipAdapter):
    """Tip-Adapter-F (Zhang et al. 2022, section 3.2): the keys F start as the shots' features and are trained by
    cross-entropy with Adam; the values V stay. With A = exp(−sharpness (1 − X Fᵀ)) and R = softmax − one-hot, the
    gradient is ∂/∂F = sharpness · (A ∘ R Vᵀ)ᵀ X / N.

    The paper trains on randomly cropped images, so that a shot never quite meets its own key. Here there are features
    only, and a shot would learn little but itself: its own key is weighted by 1 / (number of shots of its class), and
    counts fully where it is alone. Shots of rarer classes weigh more. Hyperparameters are those of Tip-Adapter.
    """

    id = "tip_adapter_f"
    title = "Tip-Adapter, trained"
    meaning = "Like Tip-Adapter, but moves its memory of the examples a little so that they confirm each other."

    def solve(self, support: Support, hyperparameters: Hyperparameters) -> Formula:
        start = super().solve(support, hyperparameters)
        if len(np.unique(support.labels)) < 2:
            return start
        keys = train_keys(KeyTrainingData.from_support(support, start))
        return kernel_formula(text_weights(support), keys, start.values, hyperparameters["sharpness"])

    def leave_one_out_scores(self, support: Support, hyperparameters: Hyperparameters) -> np.ndarray:
        return self.fold_scores(support, hyperparameters, max_folds(support))

    def select_hyperparameters(self, support: Support) -> tuple[Hyperparameters, np.ndarray]:
        hyperparameters = Head.select_hyperparameters(TipAdapter(**self.fixed), support)[0]
        return hyperparameters, self.leave_one_out_scores(support, hyperparameters)

    def grid_scores(self, support: Support) -> Iterator[tuple[Hyperparameters, np.ndarray]]:
        raise NotImplementedError("hyperparameters are selected by Tip-Adapter")


@dataclass(frozen=True)
class KeyTrainingData:
    """What the keys are trained on.

    Attributes:
        features: `(N, D)` of the shots.
        text_logits: `(N, C)` zero-shot logits of the shots.
        labels: `(N,)`.
        values: `(N, C)` of the cache.
        sharpness: of the kernel.
        weights: `(N,)` of the shots in the loss, with mean 1.
        own_key_weights: `(N,)` factor on the affinity of a shot to its own key.
    """

    features: np.ndarray
    text_logits: np.ndarray
    labels: np.ndarray
    values: np.ndarray
    sharpness: float
    weights: np.ndarray
    own_key_weights: np.ndarray

    @classmethod
    def from_support(cls, support: Support, start: Formula) -> KeyTrainingData:
        """In float32, as the features are."""
        features, labels = support.image_features.astype(np.float32), support.labels.astype(int)
        logits = features @ start.text_weights.T.astype(np.float32)
        weights = balanced_shot_weights(support).astype(np.float32)
        own = (1 / support.counts[labels]).astype(np.float32)
        return cls(features, logits, labels, start.values.astype(np.float32), start.sharpness, weights, own)


def loss_and_gradient(keys: np.ndarray, data: KeyTrainingData) -> tuple[float, np.ndarray]:
    """Mean cross-entropy of the shots, and its gradient with respect to the keys `(N, D)`."""
    labels, weights = data.labels, data.weights
    rows = np.arange(len(labels))
    affinities = np.exp(-data.sharpness * (1 - data.features @ keys.T))  # A, (N, N)
    affinities[rows, rows] *= data.own_key_weights
    logits = data.text_logits + affinities @ data.values
    logits -= logits.max(axis=1, keepdims=True)
    residual = np.exp(logits)
    residual /= residual.sum(axis=1, keepdims=True)
    loss = -float(np.log(np.maximum(residual[rows, labels], 1e-30)) @ weights) / len(labels)
    residual[rows, labels] -= 1  # R = softmax − one-hot
    residual *= weights[:, None]
    scale = data.sharpness / len(labels)
    return loss, scale * (affinities * (residual @ data.values.T)).T @ data.features


def train_keys(data: KeyTrainingData) -> np.ndarray:
    """The keys `(N, D)` after STEPS full-batch steps of Adam."""
    keys, mean, square = data.features.copy(), np.zeros_like(data.features), np.zeros_like(data.features)
    for step in range(1, STEPS + 1):
        gradient = loss_and_gradient(keys, data)[1]
        mean += (1 - BETA1) * (gradient - mean)
        square += (1 - BETA2) * (gradient * gradient - square)
        rate = LEARNING_RATE * np.sqrt(1 - BETA2**step) / (1 - BETA1**step)  # with the bias of both means corrected
        keys -= np.float32(rate) * mean / (np.sqrt(square) + EPSILON)
    return keys.astype(float)
