"""Whether the probabilities of a classifier can be trusted: Brier score, and the risk where it may abstain."""

from __future__ import annotations

import numpy as np

from evaluation.metrics.base import Metric


def brier(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean squared distance of the probabilities to the truth, over all classes (Brier 1950): 0 to 2.

    >>> brier(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0, 0]))
    0.25
    """
    truth = np.eye(probabilities.shape[1])[labels]
    return float(np.square(probabilities - truth).sum(axis=1).mean())


def risk_coverage_area(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Area under the risk-coverage curve (Geifman and El-Yaniv 2017): the error rate of the surest k answers, averaged
    over all k. Equally sure answers are taken together.

    >>> risk_coverage_area(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]))
    0.25
    """
    sure = probabilities.max(axis=1)
    wrong = (probabilities.argmax(axis=1) != labels).astype(float)
    _, group = np.unique(-sure, return_inverse=True)
    order = np.argsort(group, kind="stable")
    mean_of_group = np.bincount(group, weights=wrong) / np.bincount(group)
    errors = np.cumsum(mean_of_group[group[order]])
    return float((errors / np.arange(1, len(errors) + 1)).mean())


METRICS = (
    Metric(
        "brier",
        "Brier score",
        "",
        3,
        False,
        "How far the probabilities lie from the truth, squared: 0 is perfect, and being surely wrong costs 2.",
        brier,
    ),
    Metric(
        "aurc",
        "Risk-coverage area",
        "%",
        1,
        False,
        "How often it errs on average if it may keep silent where it is least sure; low where it knows what it knows.",
        risk_coverage_area,
    ),
)
