"""Direct coupling analysis: which pairs of columns of an alignment vary together because their residues touch.

A Potts model P(a) ∝ exp(Σ hᵢ(aᵢ) + Σ Jᵢⱼ(aᵢ, aⱼ)) is fitted to the alignment; its couplings J tell direct partners from
those that only go along. The fit is the mean-field one, which inverts the covariance (Morcos et al. 2011, PNAS 108,
E1293).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from backends.folding.alignment.alignment import GAP
from backends.folding.pair_scores import average_product_correction

STATES = 21
"""Twenty residues and the gap; an unknown residue counts as a gap."""
COLUMN_BLOCK = 40
"""Columns of the alignment that are solved for at once."""


def one_hot(rows: np.ndarray) -> torch.Tensor:
    """(N, L) codes -> (N, L, 21) float32."""
    return torch.nn.functional.one_hot(torch.from_numpy(np.minimum(rows, GAP)).long(), STATES).float()


def mean_field(rows: np.ndarray, weights: np.ndarray, pseudocount: float = 0.7) -> Iterator[tuple[int, np.ndarray]]:
    """Couplings (L, 20, L, 20) of the mean-field Potts model, the gap as reference state.

    Yields, first with 0, how many columns are done and the couplings, which are whole once all L are.

    Args:
        rows: `(N, L)` codes of the alignment.
        weights: `(N,)` how much each sequence counts.
        pseudocount: share of the uniform distribution mixed into the frequencies; the paper has one half.
    """
    length = rows.shape[1]
    couplings = torch.zeros(length * GAP, length * GAP)
    shaped = couplings.view(length, GAP, length, GAP).numpy()
    yield 0, shaped
    factor = torch.linalg.cholesky(_covariance(rows, weights, pseudocount).double())
    for first in range(0, length, COLUMN_BLOCK):
        last = min(first + COLUMN_BLOCK, length)
        start, width = first * GAP, (last - first) * GAP
        # The lower part of these columns of the inverse needs no more than the lower corner of the factor.
        unit = torch.eye(len(factor) - start, width, dtype=torch.float64)
        solved = -torch.cholesky_solve(unit, factor[start:, start:]).float()
        couplings[start:, start : start + width] = solved
        couplings[start : start + width, start:] = solved.T
        yield last, shaped


def _covariance(rows: np.ndarray, weights: np.ndarray, pseudocount: float) -> torch.Tensor:
    """(L * 20, L * 20) of the residues in all pairs of columns; positive definite thanks to the pseudocount."""
    count, length = rows.shape
    share = torch.from_numpy(weights / weights.sum()).float()
    codes = one_hot(rows)[:, :, :GAP].reshape(count, -1)  # (N, L * 20)
    single = share @ codes
    pair = (codes * share[:, None]).T @ codes
    mixed = (1 - pseudocount) * single + pseudocount / STATES
    joint = (1 - pseudocount) * pair + pseudocount / STATES**2
    for i in range(length):  # within one column the joint frequency is the frequency itself
        own = slice(i * GAP, (i + 1) * GAP)
        joint[own, own] = torch.diag(mixed[own])
    return joint - mixed[:, None] * mixed[None, :]


def coupling_scores(couplings: np.ndarray) -> np.ndarray:
    """(L, L) strength of each pair's couplings, free of the gauge and of columns that couple to everything.

    Frobenius norm in the zero-sum gauge, then the average product correction (Dunn et al. 2008).
    """
    blocks = couplings.transpose(0, 2, 1, 3)  # (L, L, 20, 20)
    blocks = blocks - blocks.mean(2, keepdims=True) - blocks.mean(3, keepdims=True) + blocks.mean((2, 3), keepdims=True)
    norms = np.sqrt((blocks**2).sum((2, 3)))
    np.fill_diagonal(norms, 0)
    return average_product_correction(norms, diagonal=False)
