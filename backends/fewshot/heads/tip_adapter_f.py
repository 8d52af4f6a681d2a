"""Tip-Adapter-F: the memory's keys are trained."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backends.fewshot.heads.base import Chosen, Head, word_weights
from backends.fewshot.heads.formula import Formula, kernel
from backends.fewshot.heads.groups import groups, without
from backends.fewshot.heads.tip_adapter import TipAdapter
from backends.fewshot.types import Support

ROUNDS, RATE = 20, 1e-3
FIRST, SECOND, TINY = 0.9, 0.999, 1e-8  # Adam's decays (Kingma 2015)


class TipAdapterF(TipAdapter):
    """Tip-Adapter-F (Zhang 2022, section 3.2): the keys F start as the shots' features and are trained by cross-entropy
    with Adam; the values stay. With A = exp(−sharpness (1 − X Fᵀ)), R = softmax − one-hot, V the values, the gradient
    is ∂/∂F = sharpness (A ∘ R Vᵀ)ᵀ X / N.

    The paper trains on randomly cropped pictures. Here there are features only, and a shot at its own key would learn
    nothing but itself: so each shot is judged by the keys of the others. The settings are those Tip-Adapter chooses.
    """

    id = "tip_adapter_f"
    title = "Tip-Adapter, trained"
    meaning = "Like Tip-Adapter, but moves its memory of the examples a little so that they confirm each other."

    def solve(self, support: Support, chosen: Chosen) -> Formula:
        start = super().solve(support, chosen)
        if len(np.unique(support.labels)) < 2:
            return start
        keys = trained_keys(support, start)
        return kernel(word_weights(support), keys, start.values, chosen["sharpness"])

    def left_out(self, support: Support, chosen: Chosen) -> np.ndarray:
        scores = np.empty((len(support.labels), len(support.classes)))
        for rows in groups(support):
            scores[rows] = np.sum(self.solve(without(support, rows), chosen).votes(support.images[rows]), axis=0)
        return scores

    def choose(self, support: Support) -> tuple[Chosen, np.ndarray]:
        chosen = Head.choose(TipAdapter(**self.fixed), support)[0]
        return chosen, self.left_out(support, chosen)

    def trials(self, support: Support) -> Iterator[tuple[Chosen, np.ndarray]]:
        raise NotImplementedError("the settings are chosen by Tip-Adapter")


def loss_and_slope(
    keys: np.ndarray,
    features: np.ndarray,
    words: np.ndarray,
    labels: np.ndarray,
    memory: tuple[np.ndarray, float],
) -> tuple[float, np.ndarray]:
    """Mean cross-entropy of the shots, each judged by the keys of the others, and its gradient `(N, D)`.

    words: `(N, C)` votes of the words at the shots. memory: its values `(N, C)` and sharpness.
    """
    values, sharpness = memory
    rows = np.arange(len(labels))
    affinities = np.exp(-sharpness * (1 - features @ keys.T))
    np.fill_diagonal(affinities, 0)
    logits = words + affinities @ values
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    loss = -float(np.log(np.maximum(shares[rows, labels], 1e-30)).mean())
    shares[rows, labels] -= 1
    return loss, (sharpness / len(labels)) * (affinities * (shares @ values.T)).T @ features


def trained_keys(support: Support, start: Formula) -> np.ndarray:
    """`(N, D)` after a fixed number of rounds over all shots; float32, as the features are."""
    features = support.images.astype(np.float32)
    words = features @ start.words.T.astype(np.float32)
    memory, labels = (start.values.astype(np.float32), start.sharpness), support.labels.astype(int)
    keys, mean, square = features.copy(), np.zeros_like(features), np.zeros_like(features)
    for step in range(1, ROUNDS + 1):
        slope = loss_and_slope(keys, features, words, labels, memory)[1]
        mean += (1 - FIRST) * (slope - mean)
        square += (1 - SECOND) * (slope * slope - square)
        rate = RATE * np.sqrt(1 - SECOND**step) / (1 - FIRST**step)
        keys -= np.float32(rate) * mean / (np.sqrt(square) + TINY)
    return keys.astype(float)
