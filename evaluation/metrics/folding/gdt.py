"""GDT: the share of residues that can be laid within given distances of the reference (Zemla 2003)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.metrics.folding.superpose import superpose_many

TS_CUTOFFS = (1.0, 2.0, 4.0, 8.0)
HA_CUTOFFS = (0.5, 1.0, 2.0, 4.0)
MAX_SEEDS = 160
MAX_ITERATIONS = 12


def fractions_within(
    model: np.ndarray, truth: np.ndarray, limits: Sequence[float], total: int | None = None
) -> list[float]:
    """For each limit in Å the largest share of `total` residues that one superposition brings within it.

    The search is LGA's in outline, not its program: windows of 4, 8, 16… residues along the chain, and the whole, are
    superposed, then again on the residues that lie within the limit, up to twelve rounds. It is a lower bound, as
    every known search is; with windows this dense the true maximum is rarely above by more than a residue.

    Args:
        model, truth: matched Cα positions `(P, 3)`.
        total: residues of the reference, with those that have no partner; by default P.
    """
    length = len(truth)
    if not length:
        return [0.0 for _ in limits]
    moving, fixed = model.astype(float)[None], truth.astype(float)[None]
    seeds = _seeds(length)
    return [_max_within(moving, fixed, seeds, limit) / (total or length) for limit in limits]


def _seeds(length: int) -> np.ndarray:
    """Windows as weights `(S, P)`: 4, 8, 16… residues long, each size with overlapping starts, and the whole."""
    rows = [np.ones(length)]
    width = 4
    sizes = int(np.log2(max(length / 4, 1))) + 1
    while width < length:
        starts = np.arange(0, length - width + 1, max(1, width // 4, (length * sizes) // MAX_SEEDS))
        for start in np.unique(np.r_[starts, length - width]):
            row = np.zeros(length)
            row[start : start + width] = 1
            rows.append(row)
        width *= 2
    return np.array(rows)


def _max_within(moving: np.ndarray, fixed: np.ndarray, seeds: np.ndarray, limit: float) -> int:
    weights, best = seeds, 0
    for _ in range(MAX_ITERATIONS):
        rotation, shift = superpose_many(moving, fixed, weights)
        placed = np.einsum("sij,pj->spi", rotation, moving[0]) + shift[:, None]
        inside = np.square(placed - fixed).sum(-1) <= limit**2
        counts = inside.sum(axis=1)
        best = max(best, int(counts.max()))
        following = inside[counts >= 3].astype(float)
        if not len(following) or best == moving.shape[1]:
            break
        following = np.unique(following, axis=0)
        if following.shape == weights.shape and (following == weights).all():
            break
        weights = following
    return best


def gdt_ts(model: np.ndarray, truth: np.ndarray, total: int | None = None) -> float:
    """`GDT-TS = (P₁ + P₂ + P₄ + P₈) / 4`, P_d the largest fraction of residues within d Å; 0 to 1 (Zemla 2003).

    >>> trace = np.cumsum(np.ones((10, 3)), axis=0)
    >>> gdt_ts(trace, trace)
    1.0
    """
    return float(np.mean(fractions_within(model, truth, TS_CUTOFFS, total)))


def gdt_ha(model: np.ndarray, truth: np.ndarray, total: int | None = None) -> float:
    """High accuracy: `GDT-HA = (P₀.₅ + P₁ + P₂ + P₄) / 4`, 0 to 1."""
    return float(np.mean(fractions_within(model, truth, HA_CUTOFFS, total)))
