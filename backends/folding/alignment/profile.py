"""What an alignment says of each residue by itself: which residues take its place, and helix, strand or loop.

Secondary structure comes from three signs: the residues' propensities averaged over the column (Chou & Fasman 1978,
Adv. Enzymol. 47, 45), couplings between i and i + 3, i + 4 (helix) against i + 2 (strand), and gaps and insertions,
which gather in loops. A three-state hidden Markov model makes them into segments.
"""

from __future__ import annotations

import numpy as np

from backends.folding.alignment.alignment import GAP, Alignment

HELIX, STRAND, LOOP = range(3)
_PROPENSITY = np.array([  # columns as in alignment.ALIGNMENT_ORDER
    [1.42, 0.70, 1.01, 1.51, 1.13, 0.57, 1.00, 1.08, 1.16, 1.21, 1.45, 0.67, 0.57, 1.11, 0.98, 0.77, 0.83, 1.06, 1.08,
     0.69],
    [0.83, 1.19, 0.54, 0.37, 1.38, 0.75, 0.87, 1.60, 0.74, 1.30, 1.05, 0.89, 0.55, 1.10, 0.93, 0.75, 1.19, 1.70, 1.37,
     1.47],
    [0.66, 1.19, 1.46, 0.74, 0.60, 1.56, 0.95, 0.47, 1.01, 0.59, 0.60, 1.56, 1.52, 0.98, 0.95, 1.43, 0.96, 0.50, 0.96,
     1.14],
])  # fmt: skip
_STAY = np.array([[0.93, 0.005, 0.065], [0.01, 0.85, 0.14], [0.10, 0.05, 0.85]])  # segments of 14, 7 and 7 on average
_START = np.array([0.4, 0.2, 0.4])

# How much each sign counts, in nats: set once, by hand, on the four alignments of `benchmarks/coevolution.py`.
PROPENSITY_WEIGHT = 3.0
COUPLING_WEIGHT = 0.35
LOOP_WEIGHT = 1.0
COLUMN_SHARE = 0.7  # of the columns against the language model, which runs helices into each other


def column_frequencies(alignment: Alignment, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(L, 20) share of each residue among those in the column, and (L,) share of the sequences that have one."""
    counts = np.stack([weights @ (alignment.rows == code) for code in range(GAP)], 1)  # (L, 20)
    present = counts.sum(1)
    return (counts + 1 / GAP) / (present + 1)[:, None], present / weights.sum()


def secondary_structure(
    alignment: Alignment, weights: np.ndarray, scores: np.ndarray, predicted: np.ndarray | None = None
) -> np.ndarray:
    """(L, 3) probability that each residue is in a helix, a strand or a loop.

    Args:
        weights: `(N,)` how much each sequence counts.
        scores: `(L, L)` of `coupling_scores`, all separations.
        told: `(L, 3)` log-probabilities of a predictor that has learned, to be mixed in. It knows strands better, but
            runs helices into each other, whose turns gaps and couplings tell.
    """
    shares, occupancy = column_frequencies(alignment, weights)
    evidence = PROPENSITY_WEIGHT * shares @ np.log(_PROPENSITY).T
    helical = COUPLING_WEIGHT * helix_coupling(scores) * occupancy**2  # thin columns couple by their gaps
    evidence[:, HELIX] += helical
    evidence[:, STRAND] -= helical
    evidence[:, LOOP] += LOOP_WEIGHT * np.log1p(loop_signal(alignment, weights) / 0.05)
    own = _posterior(evidence)
    if predicted is None:
        return own
    mixed = COLUMN_SHARE * np.log(np.maximum(own, 1e-4)) + (1 - COLUMN_SHARE) * predicted
    return np.exp(mixed - np.logaddexp.reduce(mixed, 1, keepdims=True))


def helix_coupling(scores: np.ndarray) -> np.ndarray:
    """(L,) couplings of i, i + 3 and i, i + 4 less those of i, i + 2, averaged over the pairs that span a residue.

    In standard deviations of all couplings from i, i + 6 on.
    """
    length = len(scores)
    far = scores[np.triu_indices(length, 6)]
    scaled = np.clip((scores - np.median(far)) / max(far.std(), 1e-12), -1, 4)

    def spanning(separations: tuple[int, ...]) -> np.ndarray:
        total, count = np.zeros(length), np.zeros(length)
        for step in separations:
            for first in range(length - step):
                total[first : first + step + 1] += scaled[first, first + step]
                count[first : first + step + 1] += 1
        return total / np.maximum(count, 1)

    return spanning((3, 4)) - spanning((2,))


def loop_signal(alignment: Alignment, weights: np.ndarray) -> np.ndarray:
    """(L,) share of the sequences with an insertion on either side, plus share with a gap between their ends."""
    there = alignment.rows != GAP
    inside = np.logical_or.accumulate(there, 1) & np.logical_or.accumulate(there[:, ::-1], 1)[:, ::-1]
    inserted = weights @ (alignment.deletions > 0) / weights.sum()
    gaps = (weights @ (inside & ~there)) / np.maximum(weights @ inside, 1e-9)
    return inserted + np.append(inserted[1:], 0) + gaps


def same_segment(secondary: np.ndarray, least: float = 0.4) -> np.ndarray:
    """(L, L) bool: both residues lie in one helix or one strand, every residue between them included."""
    length = len(secondary)
    joined = np.eye(length, dtype=bool)
    for state in (HELIX, STRAND):
        run = np.cumsum(secondary[:, state] < least)
        inside = secondary[:, state] >= least
        joined |= (run[:, None] == run[None, :]) & inside[:, None] & inside[None, :]
    return joined


def _posterior(evidence: np.ndarray) -> np.ndarray:
    """(L, 3) forward-backward over log-likelihoods (L, 3)."""
    likely = np.exp(evidence - evidence.max(1, keepdims=True))
    length = len(likely)
    ahead, behind = np.empty_like(likely), np.ones_like(likely)
    ahead[0] = _START * likely[0]
    for i in range(1, length):
        ahead[i] = ahead[i - 1] / ahead[i - 1].sum() @ _STAY * likely[i]
    for i in range(length - 2, -1, -1):
        behind[i] = _STAY @ (behind[i + 1] * likely[i + 1])
        behind[i] /= behind[i].sum()
    both = ahead * behind
    return both / both.sum(1, keepdims=True)
