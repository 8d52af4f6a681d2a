"""From the strength of couplings to the probability that two residues touch (Cβ within 8 Å)."""

from __future__ import annotations

import numpy as np

from backends.folding.alignment.profile import HELIX, STRAND, same_segment

MIN_SEPARATION = 6
"""Pairs closer in sequence than this are left to secondary structure."""

# How much support counts for and what a rank is worth: four numbers, the same for every protein, set on the four
# alignments of `benchmarks/coevolution.py`. So the figures it prints for them are those of a fit, not of a blind test.
HELIX_SUPPORT = 0.5
STRAND_SUPPORT = 0.5
TOP_PROBABILITY = 0.9
HALF_RANK = 0.35
SUFFICIENT_DEPTH = 3.0
"""Effective sequences a residue from which on the probabilities are taken as they are."""


def contact_probabilities(
    scores: np.ndarray, secondary: np.ndarray, occupancy: np.ndarray, effective: float
) -> np.ndarray:
    """The probability that two residues touch, from the rank of their coupling.

    Pairs are ranked by `add_pattern_support`. The pair of rank r, counted from 0, is a contact with the probability
    `p(r) = min(1, d / D) · p₀ / (1 + r / (h L))`: a logistic curve over log r, with p₀ = TOP_PROBABILITY for the first,
    half of it at rank h L (h = HALF_RANK). Shallow alignments, of d < D = SUFFICIENT_DEPTH effective sequences a
    residue, scale it down.

    Args:
        scores: `(L, L)` of `coupling_scores`.
        secondary: `(L, 3)` probabilities of helix, strand and loop.
        occupancy: `(L,)` fraction of the sequences that have a residue there.
        effective: number of sequences, counted by their weights.

    Returns:
        `(L, L)`, symmetric; 0 for pairs closer than MIN_SEPARATION in sequence and within one helix or strand.
    """
    length = len(scores)
    strength = add_pattern_support(scores * np.sqrt(np.outer(occupancy, occupancy)), secondary)
    i, j = np.triu_indices(length, MIN_SEPARATION)
    possible = ~same_segment(secondary)[i, j]
    i, j = i[possible], j[possible]
    order = np.argsort(-strength[i, j], kind="stable")
    trust = min(1.0, effective / length / SUFFICIENT_DEPTH)
    contacts = np.zeros((length, length), np.float32)
    contacts[i[order], j[order]] = trust * TOP_PROBABILITY / (1 + np.arange(len(order)) / (HALF_RANK * length))
    return contacts + contacts.T


def add_pattern_support(scores: np.ndarray, secondary: np.ndarray) -> np.ndarray:
    """`(L, L)` couplings in units of their noise, plus the support of neighbours that a true contact would have.

    Helices that touch do so once a turn, i ± 3 or 4 with j ± 3 or 4; strands residue by residue, i ± 1 with j ± 1. A
    true contact has such neighbours, noise has none. The noise is the median absolute deviation of the scores, times
    1.4826 to equal the standard deviation of a normal distribution.
    """
    far = scores[np.triu_indices(len(scores), MIN_SEPARATION)]
    noise = 1.4826 * np.median(np.abs(far - np.median(far)))
    scaled = np.clip((scores - np.median(far)) / max(noise, 1e-12), -2, 8)
    helices = np.outer(secondary[:, HELIX], secondary[:, HELIX])
    strands = np.outer(secondary[:, STRAND], secondary[:, STRAND])

    def turn(rows: int, columns: int) -> np.ndarray:
        """The best of the pairs one turn on, three or four residues, in these directions (0, 1 or -1)."""
        steps = [(a * rows, b * columns) for a in (3, 4) for b in (3, 4)]
        return np.maximum.reduce([_shifted(scaled, *step) for step in steps])

    along = np.maximum(turn(1, 1) + turn(-1, -1), turn(1, -1) + turn(-1, 1))
    beside = turn(0, 1) + turn(0, -1) + turn(1, 0) + turn(-1, 0)
    parallel, antiparallel = (np.sum([_shifted(scaled, s, s * way) for s in (-2, -1, 1, 2)], axis=0) for way in (1, -1))
    ladder = np.maximum(parallel, antiparallel)
    sheet = np.clip(strands + 0.3 * (1 - helices), 0, 1)  # strands are missed more often than helices
    return scaled + HELIX_SUPPORT * helices * (along + beside / 2) + STRAND_SUPPORT * sheet * ladder / 2


def _shifted(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """values[i + rows, j + columns], 0 beyond the edge."""
    out = np.zeros_like(values)
    length = len(values)
    i = np.arange(max(0, -rows), min(length, length - rows))
    j = np.arange(max(0, -columns), min(length, length - columns))
    out[np.ix_(i, j)] = values[np.ix_(i + rows, j + columns)]
    return out
