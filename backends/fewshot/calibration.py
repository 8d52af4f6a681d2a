"""Scores become probabilities: a softmax whose temperature is fitted on leave-one-out scores (Guo et al. 2017)."""

from __future__ import annotations

import numpy as np

MAX_STEPS = 12
TOLERANCE = 1e-4
"""Newton's method stops once the logarithm of the inverse temperature moves by less than this."""

LOG_RANGE = np.log(200.0)
"""Half-width of the search bracket: how far, as a factor, the temperature may lie from the spread of the scores.
Beyond it nothing changes any more."""


def probabilities(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax of `scores / temperature`, `(M, C)`.

    >>> probabilities(np.array([[np.log(3.0), 0.0]]), 1.0).round(2)
    array([[0.75, 0.25]])
    """
    logits = np.asarray(scores, float) / temperature
    logits = logits - logits.max(axis=1, keepdims=True)  # the softmax does not change, and cannot overflow
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def fit_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes the labels most likely (Guo et al. 2017, section 4.2), regularised for few shots.

    Twenty shots that are all classified correctly would ask for a temperature of 0, and so for probabilities of 100 %.
    Following Platt (1999), the targets are smoothed as if two more shots had been seen, one right and one
    wrong: with N shots the target of the true class is (N + 1) / (N + 2), and the other classes divide the rest evenly.

    A class with n shots has the total weight √n: classes with more shots weigh more in all but less per shot, so
    that a class of two shots does not decide.

    Args:
        scores: `(N, C)` scores of shots by a head that was fitted without them.
        labels: `(N,)` int.
    """
    return fit_temperature_and_loss(scores, labels)[0]


def fit_temperature_and_loss(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The fitted temperature, and the cross-entropy in nats (summed over all shots) that it reaches.

    With β = 1 / T, weights wᵢ and smoothed targets tᵢ the loss is

        L(β) = Σᵢ wᵢ [ log Σ_c exp(β s_ic) − β Σ_c t_ic s_ic ],

    which is convex in β: its first derivative is Σᵢ wᵢ (E_p[sᵢ] − Σ_c t_ic s_ic) and its second Σᵢ wᵢ Var_p[sᵢ],
    with p = softmax(β sᵢ). Newton's method on log β, kept inside a shrinking bracket, finds the minimum.
    """
    count, classes = scores.shape
    scores = scores - scores.max(axis=1, keepdims=True)
    spread = float(scores.std(axis=1).mean()) if count else 0.0
    if classes < 2 or spread <= 0:
        return default_temperature(scores), count * float(np.log(max(classes, 1)))
    weights = 1 / np.sqrt(np.bincount(labels)[labels])
    weights *= count / weights.sum()
    wrong = 1 / (count + 2) / (classes - 1)  # smoothed target of each wrong class
    own = scores[np.arange(count), labels]
    # Σᵢ wᵢ Σ_c t_ic s_ic does not depend on β.
    target_score = float(weights @ (wrong * scores.sum(axis=1) + ((count + 1) / (count + 2) - wrong) * own))
    low, high, log_beta = -LOG_RANGE - np.log(spread), LOG_RANGE - np.log(spread), -np.log(spread)
    loss = np.inf
    for _ in range(MAX_STEPS):
        beta = np.exp(log_beta)
        exponentials = np.exp(beta * scores)
        total = exponentials.sum(axis=1)
        weighted = exponentials * scores
        mean = weighted.sum(axis=1) / total  # E_p[sᵢ]
        loss = float(weights @ np.log(total) - beta * target_score)
        gradient = float(weights @ mean) - target_score
        curvature = float((weights / total) @ (weighted * scores).sum(axis=1) - weights @ (mean * mean))
        low, high = (log_beta, high) if gradient < 0 else (low, log_beta)
        step = -gradient / max(curvature * beta, 1e-300)  # dβ / β = d log β
        following = log_beta + step if low < log_beta + step < high else (low + high) / 2
        if abs(following - log_beta) < TOLERANCE:
            break
        log_beta = following
    return float(np.exp(-log_beta)), loss


def default_temperature(scores: np.ndarray) -> float:
    """The temperature where nothing can be left out: the spread (standard deviation) of the scores over the classes.

    A guess and not a measurement; whoever shows its probabilities says so.

    >>> default_temperature(np.array([[1.0, 3.0]]))
    1.0
    """
    spread = float(scores.std(axis=1).mean()) if scores.size else 0.0
    return spread if spread > 0 else 1.0
