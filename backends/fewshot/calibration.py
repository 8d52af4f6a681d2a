"""Scores become probabilities: a softmax whose temperature is fitted on shots that were left out."""

from __future__ import annotations

import numpy as np

STEPS = 12
CLOSE = 1e-4
FURTHEST = np.log(200.0)
"""How far, as a factor, the temperature may lie from the spread of the scores: beyond, nothing changes any more."""


def probabilities(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax of `scores / temperature`, `(M, C)`."""
    logits = np.asarray(scores, float) / temperature
    logits = logits - logits.max(axis=1, keepdims=True)
    shares = np.exp(logits)
    return shares / shares.sum(axis=1, keepdims=True)


def temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes the labels most likely (Guo 2017), held back where there are few of them.

    Twenty shots that are all right would ask for a temperature of 0, and so for probabilities of 100 %. As Platt (1999)
    has it, n shots count as n + 2 of which one is right and one is wrong: the target of each is (n + 1) / (n + 2).

    A class with n shots counts √n: more than a share of the shots each, and yet two shots do not decide.

    Args:
        scores: `(N, C)` scores of shots by a head that was taught without them. labels: `(N,)` int.
    """
    return best_temperature(scores, labels)[0]


def best_temperature(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The temperature and the log loss `(nats, over all shots)` it reaches against the held-back targets.

    The loss is convex in 1 / temperature, so Newton's steps on it, kept inside a shrinking bracket, find the minimum.
    """
    count, classes = scores.shape
    scores = scores - scores.max(axis=1, keepdims=True)
    spread = float(scores.std(axis=1).mean()) if count else 0.0
    if classes < 2 or spread <= 0:
        return usual_temperature(scores), count * float(np.log(max(classes, 1)))
    weights = 1 / np.sqrt(np.bincount(labels)[labels])
    weights *= count / weights.sum()
    wrong = 1 / (count + 2) / (classes - 1)
    own = scores[np.arange(count), labels]
    wanted = float(weights @ (wrong * scores.sum(axis=1) + ((count + 1) / (count + 2) - wrong) * own))
    low, high, log_sharp = -FURTHEST - np.log(spread), FURTHEST - np.log(spread), -np.log(spread)
    loss = np.inf
    for _ in range(STEPS):
        sharp = np.exp(log_sharp)
        shares = np.exp(sharp * scores)
        total = shares.sum(axis=1)
        weighted = shares * scores
        mean = weighted.sum(axis=1) / total
        loss = float(weights @ np.log(total) - sharp * wanted)
        slope = float(weights @ mean) - wanted
        curve = float((weights / total) @ (weighted * scores).sum(axis=1) - weights @ (mean * mean))
        low, high = (log_sharp, high) if slope < 0 else (low, log_sharp)
        step = -slope / max(curve * sharp, 1e-300)
        following = log_sharp + step if low < log_sharp + step < high else (low + high) / 2
        if abs(following - log_sharp) < CLOSE:
            break
        log_sharp = following
    return float(np.exp(-log_sharp)), loss


def usual_temperature(scores: np.ndarray) -> float:
    """Where nothing could be left out: a lead of one spread of the scores over the classes counts e to 1.

    A guess, not a measurement; whoever shows its probabilities says so.
    """
    spread = float(scores.std(axis=1).mean()) if scores.size else 0.0
    return spread if spread > 0 else 1.0
