"""Tip-Adapter-F: the memory's keys are trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from backends.fewshot.heads.base import Chosen, Head, word_weights
from backends.fewshot.heads.formula import Formula, kernel
from backends.fewshot.heads.linear_probe import most_folds
from backends.fewshot.heads.tip_adapter import TipAdapter, shot_weights
from backends.fewshot.types import Support

ROUNDS, RATE = 20, 1e-3
FIRST, SECOND, TINY = 0.9, 0.999, 1e-8  # Adam's decays (Kingma 2015)


class TipAdapterF(TipAdapter):
    """Tip-Adapter-F (Zhang 2022, section 3.2): the keys F start as the shots' features and are trained by cross-entropy
    with Adam; the values stay. With A = exp(−sharpness (1 − X Fᵀ)), R = softmax − one-hot, V the values, the gradient
    is ∂/∂F = sharpness (A ∘ R Vᵀ)ᵀ X / N.

    The paper trains on randomly cropped pictures, so that a shot never quite meets its own key. Here there are features
    only, and a shot would learn little but itself: its own key counts one over the number of shots of its class, fully
    where it is alone. Shots of rarer classes weigh more. The settings are those that Tip-Adapter chooses.
    """

    id = "tip_adapter_f"
    title = "Tip-Adapter, trained"
    meaning = "Like Tip-Adapter, but moves its memory of the examples a little so that they confirm each other."

    def solve(self, support: Support, chosen: Chosen) -> Formula:
        start = super().solve(support, chosen)
        if len(np.unique(support.labels)) < 2:
            return start
        keys = trained_keys(Lesson.of(support, start))
        return kernel(word_weights(support), keys, start.values, chosen["sharpness"])

    def left_out(self, support: Support, chosen: Chosen) -> np.ndarray:
        return self.by_folds(support, chosen, most_folds(support))

    def choose(self, support: Support) -> tuple[Chosen, np.ndarray]:
        chosen = Head.choose(TipAdapter(**self.fixed), support)[0]
        return chosen, self.left_out(support, chosen)

    def trials(self, support: Support) -> Iterator[tuple[Chosen, np.ndarray]]:
        raise NotImplementedError("the settings are chosen by Tip-Adapter")


@dataclass(frozen=True)
class Lesson:
    """What the keys are trained on. features: `(N, D)`. words: `(N, C)` their votes at the shots. labels: `(N,)`.
    values: `(N, C)` and sharpness of the memory. weights: `(N,)` of the shots, with mean 1. own: `(N,)` what a
    shot's own key counts to it."""

    features: np.ndarray
    words: np.ndarray
    labels: np.ndarray
    values: np.ndarray
    sharpness: float
    weights: np.ndarray
    own: np.ndarray

    @classmethod
    def of(cls, support: Support, start: Formula) -> Lesson:
        """float32, as the features are."""
        features, labels = support.images.astype(np.float32), support.labels.astype(int)
        words, weights = features @ start.words.T.astype(np.float32), shot_weights(support).astype(np.float32)
        own = (1 / support.counts[labels]).astype(np.float32)
        return cls(features, words, labels, start.values.astype(np.float32), start.sharpness, weights, own)


def loss_and_slope(keys: np.ndarray, lesson: Lesson) -> tuple[float, np.ndarray]:
    """Mean cross-entropy of the shots, and its gradient with respect to the keys `(N, D)`."""
    labels, weights = lesson.labels, lesson.weights
    rows = np.arange(len(labels))
    affinities = np.exp(-lesson.sharpness * (1 - lesson.features @ keys.T))
    affinities[rows, rows] *= lesson.own
    logits = lesson.words + affinities @ lesson.values
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    loss = -float(np.log(np.maximum(shares[rows, labels], 1e-30)) @ weights) / len(labels)
    shares[rows, labels] -= 1
    shares *= weights[:, None]
    return loss, (lesson.sharpness / len(labels)) * (affinities * (shares @ lesson.values.T)).T @ lesson.features


def trained_keys(lesson: Lesson) -> np.ndarray:
    """`(N, D)` after a fixed number of rounds over all shots."""
    keys, mean, square = lesson.features.copy(), np.zeros_like(lesson.features), np.zeros_like(lesson.features)
    for step in range(1, ROUNDS + 1):
        slope = loss_and_slope(keys, lesson)[1]
        mean += (1 - FIRST) * (slope - mean)
        square += (1 - SECOND) * (slope * slope - square)
        rate = RATE * np.sqrt(1 - SECOND**step) / (1 - FIRST**step)
        keys -= np.float32(rate) * mean / (np.sqrt(square) + TINY)
    return keys.astype(float)
