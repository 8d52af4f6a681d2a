"""Tip-Adapter: a key-value cache of the shots that an image is looked up in, beside the zero-shot logits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from backends.fewshot.heads.base import (
    Head,
    Hyperparameter,
    Hyperparameters,
    counts_without,
    fill_missing_with_mean,
    text_logits,
    text_weights,
)
from backends.fewshot.heads.formula import Formula, kernel_formula
from backends.fewshot.types import Support

SHARPNESS = Hyperparameter("how near a shot must be to have a say", (1.0, 2.0, 4.0, 5.5, 8.0, 16.0, 32.0), 5.5)
PICTURE_WEIGHT = Hyperparameter("how much the pictures' votes count beside the words", (0.3, 1.0, 3.0, 10.0, 30.0), 1.0)


class TipAdapter(Head):
    """Tip-Adapter (Zhang et al. 2022, section 3): with keys F (the shots' features), values L (their one-hot labels)
    and affinities A = exp(−sharpness (1 − q Fᵀ)), the logits are picture_weight · A L + logit_scale · q Wᵀ, W being
    the text features.

    The paper calls the weight α and the sharpness β, its code the other way round; here they go by their meaning. The
    paper has equal numbers of shots. With unequal ones each shot counts (mean number of shots) / (shots of its
    class), so that a class is not preferred for having many examples; with equal numbers that factor is 1.
    """

    id = "tip_adapter"
    title = "Tip-Adapter"
    meaning = "Compares a picture with each example and adds these votes to those of the words; nothing is trained."
    parameters: ClassVar[Mapping[str, Hyperparameter]] = {"sharpness": SHARPNESS, "picture_weight": PICTURE_WEIGHT}

    def solve(self, support: Support, hyperparameters: Hyperparameters) -> Formula:
        counts = support.counts
        balanced = support.one_hot * class_balanced_weights(counts)
        values = hyperparameters["picture_weight"] * fill_missing_with_mean(balanced, counts > 0)
        keys = support.image_features.astype(float)
        return kernel_formula(text_weights(support), keys, values, hyperparameters["sharpness"])

    def leave_one_out_scores(self, support: Support, hyperparameters: Hyperparameters) -> np.ndarray:
        logits = cache_logits(support, gram(support), hyperparameters["sharpness"])
        return text_logits(support) + hyperparameters["picture_weight"] * logits

    def grid_scores(self, support: Support) -> Iterator[tuple[Hyperparameters, np.ndarray]]:
        text, cosines = text_logits(support), gram(support)
        # Without text the weight is nothing but another temperature.
        weights = self.grid("picture_weight") if text.any() else (self.defaults()["picture_weight"],)
        for sharpness in self.grid("sharpness"):
            logits = cache_logits(support, cosines, sharpness)
            for weight in weights:
                yield {"sharpness": sharpness, "picture_weight": weight}, text + weight * logits


def gram(support: Support) -> np.ndarray:
    """Cosines between all shots, `(N, N)`."""
    features = support.image_features.astype(float)
    return features @ features.T


def class_balanced_weights(counts: np.ndarray) -> np.ndarray:
    """Weight of one shot of each class: mean number of shots (of classes that have any) over that of the class.

    Args:
        counts: `(..., C)`.

    >>> class_balanced_weights(np.array([1, 3, 0]))
    array([2.        , 0.66666667, 0.        ])
    """
    has_images = counts > 0
    mean = counts.sum(axis=-1, keepdims=True) / np.maximum(has_images.sum(axis=-1, keepdims=True), 1)
    return np.where(has_images, mean / np.maximum(counts, 1), 0)


def balanced_shot_weights(support: Support) -> np.ndarray:
    """`(N,)`: `class_balanced_weights` of each shot's class; 1 for all where classes have equal numbers."""
    return class_balanced_weights(support.counts)[support.labels.astype(int)]


def cache_logits(support: Support, cosines: np.ndarray, sharpness: float) -> np.ndarray:
    """`(N, C)` logits of the cache for its own shots, each without its own key: the diagonal of A is set to 0.

    Args:
        support: the shots.
        cosines: `(N, N)` between them.
        sharpness: of the kernel.
    """
    affinities = np.exp(-sharpness * (1 - cosines))
    np.fill_diagonal(affinities, 0)
    remaining = counts_without(support)
    return fill_missing_with_mean(affinities @ support.one_hot * class_balanced_weights(remaining), remaining > 0)
