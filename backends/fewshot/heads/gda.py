"""Gaussian discriminant analysis: classes are Gaussians with one shared covariance, beside the zero-shot logits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from backends.fewshot.heads.base import (
    Head,
    Hyperparameter,
    Hyperparameters,
    counts_without,
    fill_missing_with_mean,
    refit_scores,
    text_logits,
    text_weights,
)
from backends.fewshot.heads.formula import Formula, linear_formula
from backends.fewshot.heads.nearest import class_means
from backends.fewshot.types import Support

MIN_TRACE = 1e-12
"""A scatter matrix with a smaller trace holds no information: one shot per class, or all shots equal."""


class GDA(Head):
    """The training-free baseline of Wang et al. (2024, "A Hard-to-Beat Baseline for Training-free CLIP-based
    Adaptation"): logits picture_weight · (q·Pμ_c − ½ μ_cᵀPμ_c) with equal class priors, plus the
    zero-shot logits.

    P is the Kubokawa-Srivastava estimate of the inverse covariance, ((N − 1) Σ + shrinkage · tr(Σ) I)⁻¹ up to a factor.
    (N − 1) Σ is the scatter of the shots around their class means; shrinkage is 1 in the paper. The factor here is
    N − 1 and not the paper's D: the image term is then a log odds, as the zero-shot logits are, whatever the number
    of shots, and the picture weight is a number near 1 instead of one that has to be found anew for each N.

    The mean μ̂ of n shots has E[μ̂ᵀPμ̂] = μᵀPμ + tr(PΣ) / n; the excess is subtracted, as in `nearest`, and with equal
    numbers of shots changes nothing. P was made from the same scatter, so Σ is estimated by the scatter over its
    degrees of freedom less those that P used up, as in generalised cross-validation. Where shots do not scatter around
    their class means (one shot per class), tr(Σ) is taken from the scatter of all shots around their common mean.
    """

    id = "gda"
    title = "Gaussian classes"
    meaning = "Learns in which directions pictures of one class vary anyway, and ignores those; adds the words' votes."
    parameters: ClassVar[Mapping[str, Hyperparameter]] = {
        "shrinkage": Hyperparameter("how round the classes are taken to be", (0.1, 0.3, 1.0, 3.0, 10.0), 1.0),
        "picture_weight": Hyperparameter(
            "how much the pictures' votes count beside the words",
            (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
            0.03,
        ),
    }

    _cached_basis: ScatterEigenbasis | None = None

    def solve(self, support: Support, hyperparameters: Hyperparameters) -> Formula:
        text, weight, counts = text_weights(support), hyperparameters["picture_weight"], support.counts
        if not len(support.labels):
            return linear_formula(text, np.zeros_like(text), np.zeros(len(text)), np.zeros((0, text.shape[1])))
        whitened, excess = self._basis(support).precision_times_shots(hyperparameters["shrinkage"])  # P xᵢ, tr(PΣ)
        means = class_means(support)[0]
        weights = support.one_hot.T @ whitened / np.maximum(counts, 1)[:, None]  # Pμ_c, (C, D)
        norms = (weights * means).sum(axis=1) - excess / np.maximum(counts, 1)  # μ_cᵀPμ_c, unbiased
        shot_weights = weight * whitened / counts[support.labels.astype(int)][:, None]
        weights = fill_missing_with_mean(weights.T, counts > 0).T
        norms = fill_missing_with_mean(norms, counts > 0)
        return linear_formula(text, weight * weights, -weight / 2 * norms, shot_weights)

    def fit(self, support: Support) -> Head:
        super().fit(support)
        self._cached_basis = None
        return self

    def _basis(self, support: Support) -> ScatterEigenbasis:
        """Selecting hyperparameters and fitting need the same decomposition, the expensive part: cached in `fit`."""
        if self._cached_basis is None or self._cached_basis.support is not support:
            self._cached_basis = ScatterEigenbasis.from_support(support)
        return self._cached_basis

    def leave_one_out_scores(self, support: Support, hyperparameters: Hyperparameters) -> np.ndarray:
        if not len(support.labels):
            return text_logits(support)
        logits = self._basis(support).leave_one_out_logits(hyperparameters["shrinkage"])
        logits = self._refit_degenerate(support, hyperparameters, logits)
        return text_logits(support) + hyperparameters["picture_weight"] * logits

    def grid_scores(self, support: Support) -> Iterator[tuple[Hyperparameters, np.ndarray]]:
        text, basis = text_logits(support), self._basis(support)
        # Without text the weight is nothing but another temperature.
        weights = self.grid("picture_weight") if text.any() else (self.defaults()["picture_weight"],)
        for shrinkage in self.grid("shrinkage"):
            hyperparameters = {"shrinkage": shrinkage, "picture_weight": 1.0}
            logits = self._refit_degenerate(support, hyperparameters, basis.leave_one_out_logits(shrinkage))
            for weight in weights:
                yield hyperparameters | {"picture_weight": weight}, text + weight * logits

    def _refit_degenerate(self, support: Support, hyperparameters: Hyperparameters, logits: np.ndarray) -> np.ndarray:
        """Rows of NaN, for which there is no closed form (the other shots do not scatter), are found by refitting."""
        rows = np.flatnonzero(np.isnan(logits).any(axis=1))
        if len(rows):
            no_text = Support(support.image_features, support.labels, support.classes, None, support.logit_scale)
            logits[rows] = refit_scores(GDA(), no_text, hyperparameters | {"picture_weight": 1.0}, rows)
        return logits


@dataclass(frozen=True)
class ScatterEigenbasis:
    """Shots and class means in the eigenbasis of the within-class scatter S, where leaving a shot out is cheap.

    Attributes:
        support: the shots as given.
        axes: `(D, R)` eigenvectors of S.
        features: `(N, R)` the shots in this basis.
        means: `(C, R)` the class means in this basis.
        eigenvalues: `(R,)` of S, so that S = axes · diag(eigenvalues) · axesᵀ.
        trace: tr(S).
    """

    support: Support
    axes: np.ndarray
    features: np.ndarray
    means: np.ndarray
    eigenvalues: np.ndarray
    trace: float

    @classmethod
    def from_support(cls, support: Support) -> ScatterEigenbasis:
        features, labels = support.image_features.astype(float), support.labels.astype(int)
        # With fewer shots than dimensions everything happens in the space that the shots span.
        span = np.linalg.qr(features.T)[0] if len(features) < features.shape[1] else None
        features = features if span is None else features @ span
        means = support.one_hot.T @ features / np.maximum(support.counts, 1)[:, None]
        deviations = features - means[labels]
        eigenvalues, axes = np.linalg.eigh(deviations.T @ deviations)
        trace, eigenvalues = float(np.square(deviations).sum()), np.maximum(eigenvalues, 0)
        all_axes = axes if span is None else span @ axes
        return cls(support, all_axes, features @ axes, means @ axes, eigenvalues, trace)

    def precision_times_shots(self, shrinkage: float) -> tuple[np.ndarray, float]:
        """P x for each shot x `(N, D)`, and tr(PΣ), with P = (N − 1) (S + shrinkage · tr(S) / (N − 1) · I)⁻¹."""
        count, dimensions = self.support.image_features.shape
        trace = self.trace
        if trace <= MIN_TRACE:
            trace = float(np.square(self.features - self.features.mean(axis=0)).sum())
        if trace <= MIN_TRACE:
            return dimensions * self.support.image_features.astype(float), 0.0  # all shots are equal
        inverse = 1 / (self.eigenvalues + shrinkage * trace / (count - 1))  # (R,)
        whitened = (count - 1) * (self.features * inverse) @ self.axes.T
        used = (self.eigenvalues * inverse).sum()  # degrees of freedom that the ridge estimate uses up
        freedom = max(count - (self.support.counts > 0).sum() - used, 1)
        return whitened, (count - 1) * float(used / freedom)

    def leave_one_out_logits(self, shrinkage: float) -> np.ndarray:
        """`(N, C)` image term of each shot without itself, in closed form; NaN where the other shots do not scatter.

        Let x be a shot of class c, which has n shots and the mean m, and d = x − m. Without x:

        * the scatter loses a rank-one part, S' = S − a d dᵀ with a = n / (n − 1);
        * with the ridge ρ = shrinkage · tr(S') / (N − 2) and M = (S + ρI)⁻¹, which is diagonal in this basis, Sherman
          and Morrison give M' = (S' + ρI)⁻¹ = M + g (Md)(Md)ᵀ with g = a / (1 − a dᵀMd);
        * the mean of the own class becomes m' = m − d / (n − 1); the other means stay.

        The logits are (N − 2) (xᵀM'μ_k − ½ μ_kᵀM'μ_k), with the bias of the second term subtracted as in `solve`.
        """
        labels, counts = self.support.labels.astype(int), self.support.counts
        total = len(labels)
        rows, remaining = np.arange(total), counts_without(self.support)
        alone = counts[labels] == 1
        others = np.where(alone, 1, counts[labels] - 1)  # n − 1
        d = self.features - self.means[labels]  # (N, R)
        a = np.where(alone, 0, counts[labels] / others)  # a shot alone in its class adds nothing to S
        trace = self.trace - a * np.square(d).sum(axis=1)  # tr(S')
        ridge = shrinkage * trace / max(total - 2, 1)  # ρ, one per shot
        degenerate = (trace <= MIN_TRACE) | (total < 3)
        ridge[degenerate] = 1  # any number that avoids a division by 0: these rows become NaN below
        inverse = 1 / (self.eigenvalues + ridge[:, None])  # (N, R): the diagonal of M for each shot
        md, mx = d * inverse, self.features * inverse  # Md and Mx, (N, R)
        dmd, xmd = (md * d).sum(axis=1), (mx * d).sum(axis=1)  # dᵀMd and xᵀMd, (N,)
        g = a / (1 - a * dmd)
        # For all classes k, with their means as they were: dᵀMμ_k, xᵀM'μ_k and μ_kᵀM'μ_k, each (N, C).
        d_mean = md @ self.means.T
        x_mean = mx @ self.means.T + g[:, None] * xmd[:, None] * d_mean
        mean_mean = inverse @ np.square(self.means).T + g[:, None] * np.square(d_mean)
        # The own class, whose mean moves by −d / (n − 1). M'd = (1 + g dᵀMd) Md, which gives
        # xᵀM'm' = xᵀM'm − xᵀM'd / (n − 1) and m'ᵀM'm' = mᵀM'm − 2 mᵀM'd / (n − 1) + dᵀM'd / (n − 1)².
        factor = 1 + g * dmd
        own = d_mean[rows, labels]  # dᵀMm
        x_mean[rows, labels] -= xmd * factor / others
        mean_mean[rows, labels] += (dmd / others - 2 * own) * factor / others
        # Degrees of freedom used by the ridge: tr(S'M') = R − ρ tr(M'), with tr(M') = tr(M) + g |Md|².
        used = len(self.eigenvalues) - ridge * (inverse.sum(axis=1) + g * np.square(md).sum(axis=1))
        freedom = np.maximum(total - 1 - (remaining > 0).sum(axis=1) - used, 1)
        mean_mean -= (used / freedom)[:, None] / np.maximum(remaining, 1)  # tr(PΣ) / n_k
        logits = fill_missing_with_mean((total - 2) * (x_mean - mean_mean / 2), remaining > 0)
        logits[degenerate] = np.nan
        return logits
