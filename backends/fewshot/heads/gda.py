"""Gaussian discriminant analysis: classes are Gaussians of one covariance, beside the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from backends.fewshot.heads.base import (
    Chosen,
    Head,
    Setting,
    counts_without,
    neutral,
    refitted,
    word_votes,
    word_weights,
)
from backends.fewshot.heads.formula import Formula, line
from backends.fewshot.heads.nearest import class_means
from backends.fewshot.types import Support

FLAT = 1e-12
"""A scatter whose trace is below this says nothing: one shot a class, or all of them alike."""


class GDA(Head):
    """The training-free baseline of Wang (2024): q·Pμ_c − ½ μ_cᵀPμ_c with equal priors, times the picture weight,
    plus the words' logits. P is the Kubokawa-Srivastava estimate of the inverse covariance, ((N − 1) Σ + tr(Σ) I)⁻¹ up
    to a factor; (N − 1) Σ is the scatter of the shots around their class means, and `shrinkage` multiplies tr(Σ), 1 in
    the paper. The factor is N − 1 here, not the paper's D: so the votes are log odds, as the words' logits are,
    whatever the number of shots, and the picture weight is a number near 1 rather than one found anew for each N.

    μᵀPμ of a mean of n shots is too large by tr(PΣ) / n; it is taken off for the reason given in `nearest`, and with
    equal numbers of shots changes nothing. Since P was made from the same scatter, Σ is the scatter over its degrees
    of freedom less those that P used up, as in generalised cross-validation. Shots that do not scatter around their
    class means, such as one a class, leave tr(Σ) to be taken from the scatter of all shots around their common mean.
    """

    id = "gda"
    title = "Gaussian classes"
    meaning = "Learns in which directions pictures of one class vary anyway, and ignores those; adds the words' votes."
    parameters: ClassVar[Mapping[str, Setting]] = {
        "shrinkage": Setting("how round the classes are taken to be", (0.1, 0.3, 1.0, 3.0, 10.0), 1.0),
        "picture_weight": Setting(
            "how much the pictures' votes count beside the words",
            (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
            0.03,
        ),
    }

    _kept: Turned | None = None

    def solve(self, support: Support, chosen: Chosen) -> Formula:
        words, weight, counts = word_weights(support), chosen["picture_weight"], support.counts
        if not len(support.labels):
            return line(words, np.zeros_like(words), np.zeros(len(words)), np.zeros((0, words.shape[1])))
        solved, doubt = self._turned(support).precision(chosen["shrinkage"])
        means = class_means(support)[0]
        weights = support.one_hot.T @ solved / np.maximum(counts, 1)[:, None]
        norms = (weights * means).sum(axis=1) - doubt / np.maximum(counts, 1)
        pulls = weight * solved / counts[support.labels.astype(int)][:, None]
        weights, norms = neutral(weights.T, counts > 0).T, neutral(norms, counts > 0)
        return line(words, weight * weights, -weight / 2 * norms, pulls)

    def fit(self, support: Support) -> Head:
        super().fit(support)
        self._kept = None
        return self

    def _turned(self, support: Support) -> Turned:
        """Choosing and teaching need the same decomposition, the dear part: it is kept while `fit` runs."""
        if self._kept is None or self._kept.support is not support:
            self._kept = Turned.of(support)
        return self._kept

    def left_out(self, support: Support, chosen: Chosen) -> np.ndarray:
        if not len(support.labels):
            return word_votes(support)
        votes = self._turned(support).left_out(chosen["shrinkage"])
        return word_votes(support) + chosen["picture_weight"] * self.mended(support, chosen, votes)

    def trials(self, support: Support) -> Iterator[tuple[Chosen, np.ndarray]]:
        words, turned = word_votes(support), self._turned(support)
        weights = self.values("picture_weight") if words.any() else (self.usual()["picture_weight"],)
        for shrinkage in self.values("shrinkage"):
            chosen = {"shrinkage": shrinkage, "picture_weight": 1.0}
            votes = self.mended(support, chosen, turned.left_out(shrinkage))
            for weight in weights:
                yield chosen | {"picture_weight": weight}, words + weight * votes

    def mended(self, support: Support, chosen: Chosen, votes: np.ndarray) -> np.ndarray:
        """Rows that the closed form has no answer for (the rest does not scatter) are taught anew."""
        rows = np.flatnonzero(np.isnan(votes).any(axis=1))
        if len(rows):
            bare = Support(support.images, support.labels, support.classes, None, support.logit_scale)
            votes[rows] = refitted(GDA(), bare, chosen | {"picture_weight": 1.0}, rows)
        return votes


@dataclass(frozen=True)
class Turned:
    """Shots and means in the basis in which the scatter is diagonal, where a shot can be left out at little cost.

    axes: `(D, R)` of unit length. images: `(N, R)`. means: `(C, R)`. spread: `(R,)` the scatter along each axis.
    trace: of the scatter.
    """

    support: Support
    axes: np.ndarray
    images: np.ndarray
    means: np.ndarray
    spread: np.ndarray
    trace: float

    @classmethod
    def of(cls, support: Support) -> Turned:
        images, labels = support.images.astype(float), support.labels.astype(int)
        # With fewer shots than dimensions everything happens in the space the shots span.
        span = np.linalg.qr(images.T)[0] if len(images) < images.shape[1] else None
        images = images if span is None else images @ span
        means = support.one_hot.T @ images / np.maximum(support.counts, 1)[:, None]
        apart = images - means[labels]
        spread, axes = np.linalg.eigh(apart.T @ apart)
        trace, spread = float(np.square(apart).sum()), np.maximum(spread, 0)
        return cls(support, axes if span is None else span @ axes, images @ axes, means @ axes, spread, trace)

    def precision(self, shrinkage: float) -> tuple[np.ndarray, float]:
        """P applied to each shot `(N, D)`, and tr(P Σ)."""
        count, dimensions = self.support.images.shape
        trace = self.trace
        if trace <= FLAT:
            trace = float(np.square(self.images - self.images.mean(axis=0)).sum())
        if trace <= FLAT:
            return dimensions * self.support.images.astype(float), 0.0  # all shots alike
        weight = 1 / (self.spread + shrinkage * trace / (count - 1))
        solved = (count - 1) * (self.images * weight) @ self.axes.T
        used = (self.spread * weight).sum()
        return solved, (count - 1) * float(used / max(count - (self.support.counts > 0).sum() - used, 1))

    def left_out(self, shrinkage: float) -> np.ndarray:
        """`(N, C)` votes of the pictures, closed form; NaN in rows without scatter among the other shots.

        Without shot x of class c with mean m and n shots, the scatter loses a d dᵀ with d = x − m and a = n / (n − 1),
        which Sherman and Morrison's formula takes through the inverse, and the mean becomes m − d / (n − 1).
        """
        labels, counts = self.support.labels.astype(int), self.support.counts
        total = len(labels)
        rows, left = np.arange(total), counts_without(self.support)
        alone = counts[labels] == 1
        others = np.where(alone, 1, counts[labels] - 1)
        d = self.images - self.means[labels]
        taken = np.where(alone, 0, counts[labels] / others)
        trace = self.trace - taken * np.square(d).sum(axis=1)
        ridge = shrinkage * trace / max(total - 2, 1)
        flat = (trace <= FLAT) | (total < 3)
        ridge[flat] = 1
        weight = 1 / (self.spread + ridge[:, None])  # (N, R): the inverse before the shot is taken out
        dw, xw = d * weight, self.images * weight
        dd, xd = (dw * d).sum(axis=1), (xw * d).sum(axis=1)
        grown = taken / (1 - taken * dd)
        dm = dw @ self.means.T
        xm = xw @ self.means.T + grown[:, None] * xd[:, None] * dm
        mm = weight @ np.square(self.means).T + grown[:, None] * np.square(dm)
        # The shot's own class, whose mean moves too.
        factor = 1 + grown * dd
        own = dm[rows, labels]
        xm[rows, labels] -= xd * factor / others
        mm[rows, labels] += (dd / others - 2 * own) * factor / others
        used = len(self.spread) - ridge * (weight.sum(axis=1) + grown * np.square(dw).sum(axis=1))
        free = np.maximum(total - 1 - (left > 0).sum(axis=1) - used, 1)
        mm -= (used / free)[:, None] / np.maximum(left, 1)
        votes = neutral((total - 2) * (xm - mm / 2), left > 0)
        votes[flat] = np.nan
        return votes
