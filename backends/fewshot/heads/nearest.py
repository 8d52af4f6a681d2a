"""Nearest class mean: each class is the mean of its pictures."""

from __future__ import annotations

import numpy as np

from backends.fewshot.heads.base import Chosen, Head, counts_without, neutral
from backends.fewshot.heads.formula import Formula, line
from backends.fewshot.types import Support


class Nearest(Head):
    """Prototypical networks' classifier (Snell 2017, equations 1 and 2): minus the squared distance to the class mean.

    The mean of few shots lies further from everything than that of many, by the scatter over their number. That part
    is taken off, so that classes with unequal numbers of shots, and a shot left out of its own class, are judged
    fairly; with equal numbers it is the same for all classes, and the rule is the paper's. |q|² is 1 for all.
    """

    id = "nearest"
    title = "Nearest average"
    meaning = "Averages the example pictures of each class and answers with the class whose average is nearest."
    needs = "pictures"

    def solve(self, support: Support, chosen: Chosen) -> Formula:
        counts, images = support.counts, support.images.astype(float)
        means, scatter = class_means(support)
        variance = scatter.sum() / max(len(images) - (counts > 0).sum(), 1)
        norms = np.square(means).sum(axis=1) - variance / np.maximum(counts, 1)
        scale = support.logit_scale
        pulls = scale * images / counts[support.labels.astype(int)][:, None]
        no_words = np.zeros_like(means)
        weights = neutral(means.T, counts > 0).T
        return line(no_words, scale * weights, -scale / 2 * (1 + neutral(norms, counts > 0)), pulls)

    def left_out(self, support: Support, chosen: Chosen) -> np.ndarray:
        """Closed form: without shot x its class mean m of n becomes m − (x − m) / (n − 1)."""
        images, labels, counts = support.images.astype(float), support.labels.astype(int), support.counts
        rows = np.arange(len(labels))
        means, scatter = class_means(support)
        apart = images - means[labels]
        others = np.maximum(counts[labels] - 1, 1)[:, None]
        own = means[labels] - apart / others
        dots, norms = images @ means.T, np.tile(np.square(means).sum(axis=1), (len(labels), 1))
        dots[rows, labels], norms[rows, labels] = (images * own).sum(axis=1), np.square(own).sum(axis=1)
        left = counts_without(support)
        freedom = np.maximum(len(labels) - 1 - (left > 0).sum(axis=1), 1)
        # Leaving x out takes n / (n − 1) |x − m|² from the scatter; nothing where it was alone.
        taken = (counts[labels] / others[:, 0]) * np.square(apart).sum(axis=1)
        variance = np.maximum(scatter.sum() - taken, 0) / freedom
        norms -= variance[:, None] / np.maximum(left, 1)
        return neutral(support.logit_scale * (dots - (1 + norms) / 2), left > 0)


def class_means(support: Support) -> tuple[np.ndarray, np.ndarray]:
    """Means `(C, D)`, zero for a class without pictures, and the summed squared distances of its shots to it `(C,)`."""
    images, one_hot = support.images.astype(float), support.one_hot
    means = one_hot.T @ images / np.maximum(support.counts, 1)[:, None]
    apart = np.square(images - means[support.labels.astype(int)]).sum(axis=1)
    return means, one_hot.T @ apart
