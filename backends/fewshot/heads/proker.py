"""ProKeR: kernel ridge regression that starts from, and stays near, what the words say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from scipy.linalg import lapack

from backends.fewshot.heads.base import (
    Chosen,
    Head,
    Setting,
    neutral,
    pictured_without,
    word_votes,
    word_weights,
)
from backends.fewshot.heads.formula import Formula, kernel
from backends.fewshot.heads.tip_adapter import gram, shot_weights
from backends.fewshot.types import Support

MOST_TRIED = 256
"""Shots that the settings are chosen on; they are properties of the space, not of how many shots there are."""


class ProKeR(Head):
    """Proximal kernel ridge regression (Bendou 2025): the f nearest to the words' f₀ in the kernel's own norm that
    fits the shots, argmin Σ |f(xᵢ) − yᵢ|² + ridge |f − f₀|², is f(q) = f₀(q) + k(q, S) (K + ridge I)⁻¹ (Y − f₀(S)).

    The kernel is exp(−sharpness (1 − cosine)). f₀ are the cosines with the words, as in the paper, times a word
    weight (1 there); without words f₀ is 1 over the number of classes. Scores are near 0 and 1, not logits.

    Each shot's square counts the mean number of shots over that of its class, so that a class is not believed for
    being photographed often: ridge I becomes ridge times the inverse of that. With equal numbers it is the paper's.
    """

    id = "proker"
    title = "Words corrected by pictures"
    meaning = "Starts from the words and bends their answer only where your examples contradict it."
    parameters: ClassVar[Mapping[str, Setting]] = {
        "sharpness": Setting("how near a shot must be to have a say", (0.5, 1.0, 2.0, 4.0, 8.0), 1.0),
        "ridge": Setting("how little the examples may bend the words", (0.03, 0.1, 0.3, 1.0), 0.3),
        "word_weight": Setting("how far apart the words' own votes are", (1.0, 3.0, 10.0), 1.0),
    }

    _kept: tuple[Support, Chosen, np.ndarray] | None = None

    def solve(self, support: Support, chosen: Chosen) -> Formula:
        base = base_weights(support, chosen)
        keys = support.images.astype(float)
        if not len(keys):
            return kernel(base, keys, np.zeros((0, len(base))), chosen["sharpness"])
        values = self._inverse(support, chosen) @ (support.one_hot - base_votes(support, chosen))
        return kernel(base, keys, neutral(values, support.counts > 0), chosen["sharpness"])

    def fit(self, support: Support) -> Head:
        super().fit(support)
        self._kept = None
        return self

    def left_out(self, support: Support, chosen: Chosen) -> np.ndarray:
        base = base_votes(support, chosen)
        if not len(base):
            return base
        inverse, residual = self._inverse(support, chosen), support.one_hot - base
        step = chosen["ridge"] / mean_shots(support)
        return self._voted(support, base, corrections(support, (inverse, inverse @ residual, residual), step))

    def _inverse(self, support: Support, chosen: Chosen) -> np.ndarray:
        """G `(N, N)`; the scores of left-out shots and the values need the same one, so it is kept while `fit` runs."""
        kept = self._kept
        if kept is None or kept[0] is not support or kept[1] != chosen:
            matrix = kernel_matrix(gram(support), chosen["sharpness"])
            matrix[np.diag_indices_from(matrix)] += chosen["ridge"] / shot_weights(support)
            self._kept = kept = (support, chosen, inverted(matrix))
        return kept[2]

    def _voted(self, support: Support, base: np.ndarray, correction: np.ndarray) -> np.ndarray:
        shown = base if support.worded.any() else np.zeros_like(base)
        return shown + neutral(correction, pictured_without(support))

    def choose(self, support: Support) -> tuple[Chosen, np.ndarray]:
        few = spread_rows(support, MOST_TRIED)
        if len(few) == len(support.labels):
            return super().choose(support)
        chosen = super().choose(support.chosen(few))[0]
        return chosen, self.left_out(support, chosen)

    def trials(self, support: Support) -> Iterator[tuple[Chosen, np.ndarray]]:
        """One decomposition of the kernel serves all ridges and word weights.

        W^½ goes to both sides of the kernel, out of the ridge's way: G = W^½ (W^½ K W^½ + ridge I)⁻¹ W^½.
        """
        cosines, root = gram(support), np.sqrt(shot_weights(support))[:, None]
        worded, classes = support.worded.any(), len(support.classes)
        weights = self.values("word_weight") if worded else (self.usual()["word_weight"],)
        # What is added to f₀ is linear in Y − f₀, so that one solution for Y and one for the words serve all weights.
        words = base_votes(support, {"word_weight": 1.0})
        both = np.hstack([support.one_hot, words])
        for sharpness in self.values("sharpness"):
            spread, axes = np.linalg.eigh(root * kernel_matrix(cosines, sharpness) * root.T)
            axes *= root
            for ridge in self.values("ridge"):
                inverse = (axes / (np.maximum(spread, 0) + ridge)) @ axes.T
                found = corrections(support, (inverse, inverse @ both, both), ridge / mean_shots(support))
                for weight in weights:
                    chosen = {"sharpness": sharpness, "ridge": ridge, "word_weight": weight}
                    factor = weight if worded else 1.0
                    correction = found[:, :classes] - factor * found[:, classes:]
                    yield chosen, self._voted(support, factor * words, correction)


def corrections(support: Support, parts: tuple[np.ndarray, np.ndarray, np.ndarray], step: float) -> np.ndarray:
    """What a regression without it adds to f₀ at each shot `(N, C)`, in closed form.

    With G = (K + ridge W⁻¹)⁻¹ and residuals R = Y − f₀ it is Rᵢ − (G R)ᵢ / Gᵢᵢ if the other shots stay as they are. But
    those of its class, one fewer, count more each: their ridge falls by `step`. With B the block of G of that class
    and M = (I − step B)⁻¹ (Woodbury), G R becomes M G R there, and the diagonal of G that of M B.

    Args:
        parts: G `(N, N)`, G R and R, `(N, C)` or any other number of columns.
    """
    inverse, solved, residual = parts
    found, labels = np.empty_like(residual), support.labels.astype(int)
    for label in np.flatnonzero(support.counts):
        own = np.flatnonzero(labels == label)
        block = inverse[np.ix_(own, own)]
        fewer = np.linalg.inv(np.eye(len(own)) - step * block) if len(own) > 1 else np.eye(1)
        diagonal = np.einsum("ij,ji->i", fewer, block)
        found[own] = residual[own] - fewer @ solved[own] / diagonal[:, None]
    return found


def mean_shots(support: Support) -> float:
    """Of the classes that have any."""
    return len(support.labels) / max(int((support.counts > 0).sum()), 1)


def kernel_matrix(cosines: np.ndarray, sharpness: float) -> np.ndarray:
    return np.exp(-sharpness * (1 - cosines))


def base_weights(support: Support, chosen: Chosen) -> np.ndarray:
    """`(C, D)` of f₀; zeros without words, whose 1 / C is the same for all classes and so left out of the scores."""
    return chosen["word_weight"] / support.logit_scale * word_weights(support)


def base_votes(support: Support, chosen: Chosen) -> np.ndarray:
    """f₀ at the shots `(N, C)`."""
    votes = chosen["word_weight"] / support.logit_scale * word_votes(support)
    return votes if support.worded.any() else np.full(votes.shape, 1 / len(support.classes))


def inverted(matrix: np.ndarray) -> np.ndarray:
    """The inverse of a positive definite matrix through Cholesky, three times as fast as the general one."""
    factor, failed = lapack.dpotrf(matrix, lower=0)
    if failed:
        return np.linalg.inv(matrix)
    upper, _ = lapack.dpotri(factor, lower=0)
    return np.triu(upper) + np.triu(upper, 1).T


def spread_rows(support: Support, most: int) -> np.ndarray:
    """At most `most` rows, by turns from every class and evenly through each; the same ones every time."""
    counts, labels = support.counts, support.labels.astype(int)
    if len(labels) <= most:
        return np.arange(len(labels))
    share = max(2, most // max((counts > 0).sum(), 1))
    taken = [
        own[np.unique(np.linspace(0, len(own) - 1, min(share, len(own))).round().astype(int))]
        for own in (np.flatnonzero(labels == label) for label in np.flatnonzero(counts))
    ]
    return np.sort(np.concatenate(taken))
