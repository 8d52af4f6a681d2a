"""Tip-Adapter: the shots are a memory that a picture is looked up in, beside the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from backends.fewshot.heads.base import (
    Chosen,
    Head,
    Setting,
    counts_without,
    neutral,
    word_votes,
    word_weights,
)
from backends.fewshot.heads.formula import Formula, kernel
from backends.fewshot.types import Support

SHARPNESS = Setting("how near a shot must be to have a say", (1.0, 2.0, 4.0, 5.5, 8.0, 16.0, 32.0), 5.5)
PICTURE_WEIGHT = Setting("how much the pictures' votes count beside the words", (0.3, 1.0, 3.0, 10.0, 30.0), 1.0)


class TipAdapter(Head):
    """Tip-Adapter (Zhang 2022): affinities A = exp(−sharpness (1 − q Fᵀ)) to the keys F, then
    picture weight · A L + logit scale · q Wᵀ, with L the one-hot labels and W the words.

    The paper calls the weight α and the sharpness β, its code the other way round; here they go by their meaning.
    The paper has equal numbers of shots. With unequal ones each shot counts the mean number over that of its class,
    so that a class is not believed for being photographed often; with equal numbers that factor is 1.
    """

    id = "tip_adapter"
    title = "Tip-Adapter"
    meaning = "Compares a picture with each example and adds these votes to those of the words; nothing is trained."
    parameters: ClassVar[Mapping[str, Setting]] = {"sharpness": SHARPNESS, "picture_weight": PICTURE_WEIGHT}

    def solve(self, support: Support, chosen: Chosen) -> Formula:
        counts = support.counts
        values = chosen["picture_weight"] * neutral(support.one_hot * evened(counts), counts > 0)
        return kernel(word_weights(support), support.images.astype(float), values, chosen["sharpness"])

    def left_out(self, support: Support, chosen: Chosen) -> np.ndarray:
        votes = memory_votes(support, gram(support), chosen["sharpness"])
        return word_votes(support) + chosen["picture_weight"] * votes

    def trials(self, support: Support) -> Iterator[tuple[Chosen, np.ndarray]]:
        words, cosines = word_votes(support), gram(support)
        # Without words the weight is nothing but another temperature.
        weights = self.values("picture_weight") if words.any() else (self.usual()["picture_weight"],)
        for sharpness in self.values("sharpness"):
            votes = memory_votes(support, cosines, sharpness)
            for weight in weights:
                yield {"sharpness": sharpness, "picture_weight": weight}, words + weight * votes


def gram(support: Support) -> np.ndarray:
    """Cosines of all shots with all, `(N, N)`."""
    images = support.images.astype(float)
    return images @ images.T


def evened(counts: np.ndarray) -> np.ndarray:
    """What one shot of each class counts: the mean number of shots of classes that have any, over its own number."""
    pictured = counts > 0
    mean = counts.sum(axis=-1, keepdims=True) / np.maximum(pictured.sum(axis=-1, keepdims=True), 1)
    return np.where(pictured, mean / np.maximum(counts, 1), 0)


def shot_weights(support: Support) -> np.ndarray:
    """`(N,)`: the same, shot by shot; 1 for all where classes have equal numbers."""
    return evened(support.counts)[support.labels.astype(int)]


def memory_votes(support: Support, cosines: np.ndarray, sharpness: float) -> np.ndarray:
    """`(N, C)` votes of the memory on its own shots, none of them looking itself up: the diagonal is masked."""
    affinities = np.exp(-sharpness * (1 - cosines))
    np.fill_diagonal(affinities, 0)
    left = counts_without(support)
    return neutral(affinities @ support.one_hot * evened(left), left > 0)
