"""ProKeR: kernel ridge regression that starts from the zero-shot classifier and stays near it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from scipy.linalg import lapack

from backends.fewshot.heads.base import (
    Head,
    Hyperparameter,
    Hyperparameters,
    fill_missing_with_mean,
    has_images_without,
    text_logits,
    text_weights,
)
from backends.fewshot.heads.formula import Formula, kernel_formula
from backends.fewshot.heads.tip_adapter import balanced_shot_weights, gram
from backends.fewshot.near_copies import canonical_ranks
from backends.fewshot.types import Support

MAX_SELECTION_SHOTS = 256
"""Shots that hyperparameters are selected on; they depend on the feature space, not on the number of shots."""


class ProKeR(Head):
    """Proximal kernel ridge regression (ProKeR, Bendou et al. 2025): of all functions f, the one nearest
    to the zero-shot classifier f₀ in the norm of the kernel's space H that fits the shots,

        argmin_f Σᵢ |f(xᵢ) − yᵢ|² + ridge · |f − f₀|²_H,

    is f(q) = f₀(q) + k(q, S) (K + ridge · I)⁻¹ (Y − f₀(S)).

    The kernel is k(q, x) = exp(−sharpness (1 − q·x)). f₀ are the cosines with the text features, as in the paper, times
    a word weight (1 there); without text f₀ is 1 / C. Scores are near 0 and 1 and no logits.

    With unequal numbers of shots the square of each shot is weighted by w = `balanced_shot_weights`, so that a class is
    not preferred for having many examples: ridge · I becomes ridge · W⁻¹. With equal numbers it is the paper's.
    """

    id = "proker"
    title = "Words corrected by pictures"
    meaning = "Starts from the words and bends their answer only where your examples contradict it."
    parameters: ClassVar[Mapping[str, Hyperparameter]] = {
        "sharpness": Hyperparameter("how near a shot must be to have a say", (0.5, 1.0, 2.0, 4.0, 8.0), 1.0),
        "ridge": Hyperparameter("how little the examples may bend the words", (0.03, 0.1, 0.3, 1.0), 0.3),
        "word_weight": Hyperparameter("how far apart the words' own votes are", (1.0, 3.0, 10.0), 1.0),
    }

    _cached_inverse: tuple[Support, Hyperparameters, np.ndarray] | None = None

    def solve(self, support: Support, hyperparameters: Hyperparameters) -> Formula:
        base = base_weights(support, hyperparameters)
        keys = support.image_features.astype(float)
        if not len(keys):
            return kernel_formula(base, keys, np.zeros((0, len(base))), hyperparameters["sharpness"])
        residual = support.one_hot - base_scores(support, hyperparameters)  # Y − f₀(S)
        values = self._inverse(support, hyperparameters) @ residual
        values = fill_missing_with_mean(values, support.counts > 0)
        return kernel_formula(base, keys, values, hyperparameters["sharpness"])

    def fit(self, support: Support) -> Head:
        super().fit(support)
        self._cached_inverse = None
        return self

    def leave_one_out_scores(self, support: Support, hyperparameters: Hyperparameters) -> np.ndarray:
        base = base_scores(support, hyperparameters)
        if not len(base):
            return base
        inverse, residual = self._inverse(support, hyperparameters), support.one_hot - base
        step = hyperparameters["ridge"] / mean_shots(support)
        corrections = leave_one_out_corrections(support, (inverse, inverse @ residual, residual), step)
        return self._add_corrections(support, base, corrections)

    def _inverse(self, support: Support, hyperparameters: Hyperparameters) -> np.ndarray:
        """G = (K + ridge · W⁻¹)⁻¹ `(N, N)`; leave-one-out scores and values need the same one: cached in `fit`."""
        cached = self._cached_inverse
        if cached is None or cached[0] is not support or cached[1] != hyperparameters:
            matrix = kernel_matrix(gram(support), hyperparameters["sharpness"])
            matrix[np.diag_indices_from(matrix)] += hyperparameters["ridge"] / balanced_shot_weights(support)
            self._cached_inverse = cached = (support, hyperparameters, invert_positive_definite(matrix))
        return cached[2]

    def _add_corrections(self, support: Support, base: np.ndarray, corrections: np.ndarray) -> np.ndarray:
        base = base if support.has_text.any() else np.zeros_like(base)
        return base + fill_missing_with_mean(corrections, has_images_without(support))

    def select_hyperparameters(self, support: Support) -> tuple[Hyperparameters, np.ndarray]:
        rows = stratified_rows(support, MAX_SELECTION_SHOTS)
        if len(rows) == len(support.labels):
            return super().select_hyperparameters(support)
        hyperparameters = super().select_hyperparameters(support.subset(rows))[0]
        return hyperparameters, self.leave_one_out_scores(support, hyperparameters)

    def grid_scores(self, support: Support) -> Iterator[tuple[Hyperparameters, np.ndarray]]:
        """One eigendecomposition of the kernel serves all ridges and word weights.

        W^½ goes to both sides of the kernel, so that the ridge is a multiple of the identity:
        G = W^½ (W^½ K W^½ + ridge · I)⁻¹ W^½.
        """
        cosines, root = gram(support), np.sqrt(balanced_shot_weights(support))[:, None]
        has_text, classes = support.has_text.any(), len(support.classes)
        weights = self.grid("word_weight") if has_text else (self.defaults()["word_weight"],)
        # The correction is linear in Y − f₀: one solution for Y and one for the text scores serve all word weights.
        text = base_scores(support, {"word_weight": 1.0})
        both = np.hstack([support.one_hot, text])  # (N, 2C)
        for sharpness in self.grid("sharpness"):
            eigenvalues, axes = np.linalg.eigh(root * kernel_matrix(cosines, sharpness) * root.T)
            axes *= root
            for ridge in self.grid("ridge"):
                inverse = (axes / (np.maximum(eigenvalues, 0) + ridge)) @ axes.T  # G
                step = ridge / mean_shots(support)
                corrections = leave_one_out_corrections(support, (inverse, inverse @ both, both), step)
                for weight in weights:
                    hyperparameters = {"sharpness": sharpness, "ridge": ridge, "word_weight": weight}
                    factor = weight if has_text else 1.0
                    correction = corrections[:, :classes] - factor * corrections[:, classes:]
                    yield hyperparameters, self._add_corrections(support, factor * text, correction)


def leave_one_out_corrections(
    support: Support, parts: tuple[np.ndarray, np.ndarray, np.ndarray], step: float
) -> np.ndarray:
    """What a regression fitted without it adds to f₀ at each shot `(N, C)`, in closed form.

    With G = (K + ridge · W⁻¹)⁻¹ and residuals R = Y − f₀ it is Rᵢ − (G R)ᵢ / Gᵢᵢ (the known leave-one-out residual of
    kernel ridge regression) if the weights of the other shots stay as they are. But the others of its class, one
    fewer, weigh more each: their ridge falls by `step`. With B the block of G of that class and M = (I − step · B)⁻¹
    (Woodbury), G R becomes M (G R) in that block, and the diagonal of G that of M B.

    Args:
        support: the shots.
        parts: G `(N, N)`, G R `(N, K)` and R `(N, K)`, with any number K of columns.
        step: by how much the ridge of a class falls when one of its shots is left out.

    Returns:
        `(N, K)`.
    """
    inverse, solved, residual = parts
    corrections, labels = np.empty_like(residual), support.labels.astype(int)
    for label in np.flatnonzero(support.counts):
        own = np.flatnonzero(labels == label)
        block = inverse[np.ix_(own, own)]  # B
        update = np.linalg.inv(np.eye(len(own)) - step * block) if len(own) > 1 else np.eye(1)  # M
        diagonal = np.einsum("ij,ji->i", update, block)  # of M B
        corrections[own] = residual[own] - update @ solved[own] / diagonal[:, None]
    return corrections


def mean_shots(support: Support) -> float:
    """Mean number of shots of the classes that have any."""
    return len(support.labels) / max(int((support.counts > 0).sum()), 1)


def kernel_matrix(cosines: np.ndarray, sharpness: float) -> np.ndarray:
    return np.exp(-sharpness * (1 - cosines))


def base_weights(support: Support, hyperparameters: Hyperparameters) -> np.ndarray:
    """`(C, D)` of f₀; zeros without text, whose 1 / C is the same for all classes and so left out of the scores."""
    return hyperparameters["word_weight"] / support.logit_scale * text_weights(support)


def base_scores(support: Support, hyperparameters: Hyperparameters) -> np.ndarray:
    """f₀ at the shots `(N, C)`."""
    scores = hyperparameters["word_weight"] / support.logit_scale * text_logits(support)
    return scores if support.has_text.any() else np.full(scores.shape, 1 / len(support.classes))


def invert_positive_definite(matrix: np.ndarray) -> np.ndarray:
    """The inverse through a Cholesky decomposition, three times as fast as the general one.

    >>> invert_positive_definite(np.array([[2.0, 0.0], [0.0, 4.0]]))
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    factor, failed = lapack.dpotrf(matrix, lower=0)
    if failed:
        return np.linalg.inv(matrix)
    upper, _ = lapack.dpotri(factor, lower=0)
    return np.triu(upper) + np.triu(upper, 1).T


def stratified_rows(support: Support, count: int) -> np.ndarray:
    """About `count` rows at most, an equal number of every class; which ones does not depend on their order.

    >>> stratified_rows(Support(np.eye(6), np.array([0, 0, 0, 0, 1, 1]), ("a", "b")), 4)
    array([0, 3, 4, 5])
    """
    counts, labels = support.counts, support.labels.astype(int)
    if len(labels) <= count:
        return np.arange(len(labels))
    per_class = max(2, count // max((counts > 0).sum(), 1))
    ordered = np.argsort(canonical_ranks(support.image_features))
    chosen = [
        own[np.unique(np.linspace(0, len(own) - 1, min(per_class, len(own))).round().astype(int))]
        for own in (ordered[labels[ordered] == label] for label in np.flatnonzero(counts))
    ]
    return np.sort(np.concatenate(chosen))
