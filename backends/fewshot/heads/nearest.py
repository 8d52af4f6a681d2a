"""Nearest class mean: each class is the mean of its images' features."""

from __future__ import annotations

import numpy as np

from backends.fewshot.heads.base import Head, Hyperparameters, counts_without, fill_missing_with_mean
from backends.fewshot.heads.formula import Formula, linear_formula
from backends.fewshot.types import Support


class Nearest(Head):
    """The classifier of prototypical networks (Snell et al. 2017, equations 1 and 2):
    score_c(q) = −scale/2 · |q − μ_c|², which for unit q is scale · (q·μ_c − (1 + |μ_c|²) / 2).

    The mean of n shots lies further from everything than the true mean, by E|μ̂ − μ|² = σ² / n. With σ² the pooled
    variance this is subtracted from |μ_c|², so that classes with unequal numbers of shots, and a shot left out of its
    own class, are treated fairly; with equal numbers it is the same for all classes, and the rule is the paper's.
    """

    id = "nearest"
    title = "Nearest average"
    meaning = "Averages the example pictures of each class and answers with the class whose average is nearest."
    needs = "pictures"

    def solve(self, support: Support, hyperparameters: Hyperparameters) -> Formula:
        counts, features = support.counts, support.image_features.astype(float)
        means, scatter = class_means(support)
        variance = scatter.sum() / max(len(features) - (counts > 0).sum(), 1)  # σ², pooled over classes
        norms = np.square(means).sum(axis=1) - variance / np.maximum(counts, 1)  # unbiased |μ_c|²
        scale = support.logit_scale
        shot_weights = scale * features / counts[support.labels.astype(int)][:, None]
        no_text = np.zeros_like(means)
        weights = fill_missing_with_mean(means.T, counts > 0).T
        bias = -scale / 2 * (1 + fill_missing_with_mean(norms, counts > 0))
        return linear_formula(no_text, scale * weights, bias, shot_weights)

    def leave_one_out_scores(self, support: Support, hyperparameters: Hyperparameters) -> np.ndarray:
        """Closed form, `(N, C)`: without shot x the mean m of its class of n becomes m − (x − m) / (n − 1).

        The scatter of the class loses n / (n − 1) |x − m|² (Welford's update run backwards).
        """
        features, labels, counts = support.image_features.astype(float), support.labels.astype(int), support.counts
        rows = np.arange(len(labels))
        means, scatter = class_means(support)
        deviation = features - means[labels]  # x − m
        others = np.maximum(counts[labels] - 1, 1)[:, None]  # n − 1
        own = means[labels] - deviation / others
        dots, norms = features @ means.T, np.tile(np.square(means).sum(axis=1), (len(labels), 1))
        dots[rows, labels], norms[rows, labels] = (features * own).sum(axis=1), np.square(own).sum(axis=1)
        remaining = counts_without(support)
        freedom = np.maximum(len(labels) - 1 - (remaining > 0).sum(axis=1), 1)
        # A shot that was alone in its class has no deviation from its mean: nothing is subtracted for it.
        removed = (counts[labels] / others[:, 0]) * np.square(deviation).sum(axis=1)
        variance = np.maximum(scatter.sum() - removed, 0) / freedom
        norms -= variance[:, None] / np.maximum(remaining, 1)
        return fill_missing_with_mean(support.logit_scale * (dots - (1 + norms) / 2), remaining > 0)


def class_means(support: Support) -> tuple[np.ndarray, np.ndarray]:
    """Class means `(C, D)`, zero for a class without images, and the sum of squared deviations from them `(C,)`.

    >>> class_means(Support(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 0]), ("a", "b")))
    (array([[0.5, 0.5],
           [0. , 0. ]]), array([1., 0.]))
    """
    features, one_hot = support.image_features.astype(float), support.one_hot
    means = one_hot.T @ features / np.maximum(support.counts, 1)[:, None]
    squares = np.square(features - means[support.labels.astype(int)]).sum(axis=1)
    return means, one_hot.T @ squares
