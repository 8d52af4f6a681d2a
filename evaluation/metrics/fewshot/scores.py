"""Metrics of a classifier on images whose class is known.

`compute` of each takes the predicted probabilities `(M, C)`, whose rows add up to 1, and the labels `(M,)` int.
"""

from __future__ import annotations

import numpy as np

from evaluation.metrics.base import Metric
from evaluation.metrics.fewshot.classifiers import reliability


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of the images whose most probable class is the true one.

    >>> accuracy(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]))
    0.5
    """
    return float((probabilities.argmax(axis=1) == labels).mean())


def accuracy_5(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of the images whose true class is among the five most probable."""
    own = probabilities[np.arange(len(labels)), labels]
    return float(((probabilities > own[:, None]).sum(axis=1) < 5).mean())


def class_recall(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy of each class that occurs, averaged over the classes: CLIP Benchmark's mean per class recall."""
    right = probabilities.argmax(axis=1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def confidence(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean probability of the most probable class; the labels play no part."""
    return float(probabilities.max(axis=1).mean())


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error (Guo et al. 2017, equation 3), see `reliability`."""
    return reliability(probabilities, labels).calibration_error


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood of the true class in nats; a probability of 0 counts as 1e-12."""
    own = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, 1e-12)).mean())


ACCURACY = Metric(
    "accuracy", "Accuracy", "%", 1, True, "How many of the pictures get their own class as the answer.", accuracy
)
CONFIDENCE = Metric(
    "confidence",
    "Confidence",
    "%",
    1,
    None,
    "How probable the answers are on average; an honest classifier is as sure as it is right.",
    confidence,
)
METRICS = (
    ACCURACY,
    Metric(
        "accuracy_5",
        "Top-5 accuracy",
        "%",
        1,
        True,
        "How many of the pictures have their own class among the five most probable.",
        accuracy_5,
    ),
    Metric(
        "class_recall",
        "Mean recall of classes",
        "%",
        1,
        True,
        "How many pictures of a class are recognised, averaged over classes, so that rare ones count as much.",
        class_recall,
    ),
    CONFIDENCE,
    Metric(
        "calibration_error",
        "Calibration error",
        "%",
        1,
        False,
        "How far the probability of an answer and how often such answers are right lie apart, on average.",
        calibration_error,
    ),
    Metric(
        "log_loss",
        "Log loss",
        "nats",
        3,
        False,
        "How surprised the classifier is by the true classes; being surely wrong costs most.",
        log_loss,
    ),
)
